"""What several data sets check."""

from schedules.errors import ArgumentError


def check_seed(split_seed: int) -> None:
    """Raise ArgumentError for a seed that no generator takes."""
    if split_seed < 0:
        raise ArgumentError("split_seed", "must be at least 0", f"{split_seed}")
