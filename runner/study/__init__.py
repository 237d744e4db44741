"""Optuna studies: search, resume, answer. With runner/space.py the only room that knows Optuna."""
