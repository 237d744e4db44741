"""What is loaded before a command line is read: most lines are of runs that MLflow records."""

from collections.abc import Sequence
from contextlib import suppress

from runner import helper

_FLAGS = ("-m", "--multirun", "-cd", "--config-dir")


def load_early(words: Sequence[str]) -> None:
    """Let the helper load MLflow, unless a command line says that it records nothing there."""
    named = [word for word in words if word.startswith("tracking=")] or ["tracking=mlflow"]
    told = [word for word in words if word.startswith("-") and word not in _FLAGS]
    if named[-1] == "tracking=mlflow" and not told:
        with suppress(OSError):  # who needs it says so
            helper.start(("runner.tracking.mlflow.store:load_early",))
