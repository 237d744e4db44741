"""Workers: claim a trial, train it, tell."""
