"""The loop and what it is made of; knows nothing of configuration or tracking."""

from runner.training.data import Dataset, Split

__all__ = ["Dataset", "Split"]
