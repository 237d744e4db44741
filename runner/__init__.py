"""A sweep runner for learning-rate schedules: a run is a recipe and a trace."""

__version__ = "0.1.0"
