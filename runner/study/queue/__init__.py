"""The trials of a study in its storage: the only room that knows Optuna's inside."""
