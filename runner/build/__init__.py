"""Settings -> what a run starts with: a trial, a state, data. Everything is checked, nothing is
written."""
