"""What the pages of an experiment show of its studies and sweeps; no start fails for it."""

from collections.abc import Callable, Sequence

from runner.addresses import brief
from runner.results.view import View
from runner.tracking.base import Tracker


def arrange(
    trackers: Sequence[Tracker],
    experiment: str,
    views: Sequence[View],
    warn: Callable[[str], None],
) -> dict[str, str]:
    """Let the pages of an experiment compare its runs; return how to open each, by its name.

    warn: told where a tracker does not take them.
    """
    pages: dict[str, str] = {}
    for tracker in trackers:
        try:
            pages = {**tracker.arrange(experiment, views, warn), **pages}
        except Exception as error:
            warn(f"note: {tracker.address} shows no page of '{experiment}' ({brief(error)})")
    return pages


def describe(
    trackers: Sequence[Tracker],
    experiment: str,
    name: str,
    text: str,
    warn: Callable[[str], None],
) -> None:
    """Let an experiment say in markdown what one of its studies or sweeps has found."""
    for tracker in trackers:
        try:
            tracker.describe(experiment, name, text)
        except Exception as error:
            warn(f"note: {tracker.address} takes no description of '{name}' ({brief(error)})")
