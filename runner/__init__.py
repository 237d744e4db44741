"""A sweep runner for learning-rate schedules: a run is a recipe and a trace."""

from runner import moved

__version__ = "0.1.0"

moved.install()
