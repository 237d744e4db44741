"""What the pages of an experiment show of its studies and sweeps; no start fails for it."""

import math
import statistics
import time
from collections.abc import Callable, Sequence

from runner.addresses import brief
from runner.results.events import Point
from runner.results.view import View, spread_key
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


def tell_spread(
    trackers: Sequence[Tracker],
    run_ids: Sequence[str],
    metric: str,
    values: Sequence[float],
    warn: Callable[[str], None],
) -> None:
    """Record with the last of some runs, which differ by their seed alone, the standard deviation
    of a metric's values: a page that shows the mean of all shows it beside."""
    if len(values) < 2 or not all(map(math.isfinite, values)) or not all(run_ids):
        return
    now_ms = time.time_ns() // 1_000_000
    point: Point = (spread_key(metric), statistics.stdev(values), now_ms, 0)
    for tracker in trackers[:1]:  # whose ids these are
        try:
            tracker.points(run_ids[-1], [point])
        except Exception as error:
            warn(f"note: {tracker.address} takes no deviation of {metric} ({brief(error)})")
