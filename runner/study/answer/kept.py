"""What is kept of the run behind an answer: its weights, its trace, its figures."""

import csv
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runner import helper
from runner.addresses import brief
from runner.report.say import warn
from runner.results.answer import Confirmed
from runner.results.definition import Definition
from runner.results.events import LR, Point
from runner.results.rows import Row
from runner.results.view import spread_key
from runner.study.answer.summary import is_there
from runner.tracking import Tracker
from schedules import plot

WEIGHTS, TRACE, PICTURE = "weights.safetensors", "trace.csv", "trace.png"
MOST_POINTS = 10_000  # of a trace in a tracker; trace.csv has them all


@dataclass(frozen=True)
class Source:
    """The run whose files stand for the answer. words: what it is."""

    run_id: str
    words: str


def source(chosen: Confirmed | None, best: Row, definition: Definition) -> Source:
    """Return the run in the middle of the winner's fresh seeds, the best trial's where nothing is
    confirmed."""
    if chosen is None or not chosen.run_ids:
        return Source(next(iter(best.run_ids), ""), f"trial {best.number}")
    seed = chosen.first_seed + chosen.middle
    return Source(chosen.run_ids[chosen.middle], f"{chosen.label}, seed {seed}, the median one")


def keep(folder: Path, of: Source, trackers: Sequence[Tracker], *, is_known: bool) -> str:
    """Put a run's weights and trace into a folder; return what is there, as a sentence.

    is_known: whether the folder is of this answer already: its files stay where the run is gone.
    """
    if not is_known or all(is_there(tracker, of.run_id) for tracker in trackers[:1]):
        _fetch(folder, of, trackers)
    if (rates := trace(folder)).size:
        helper.do(plot.draw, {of.words: rates}, folder / PICTURE)
    found = [name for name in (WEIGHTS, TRACE) if (folder / name).exists()]
    if not found:
        return ""
    lacking = "" if WEIGHTS in found else "; trials keep no weights, the command trains them"
    return f"{' and '.join(found)}: of {of.words}{lacking}"


def _fetch(folder: Path, of: Source, trackers: Sequence[Tracker]) -> None:
    for name in (WEIGHTS, TRACE, PICTURE):
        (folder / name).unlink(missing_ok=True)
    for tracker in trackers[:1] if of.run_id else ():
        try:
            tracker.fetch(of.run_id, (WEIGHTS, TRACE), folder)
        except Exception as error:
            warn(f"note: the files of {of.words} cannot be had ({brief(error)})")


def trace(folder: Path) -> np.ndarray:
    """Return the learning rates of a kept trace, one a step; none where there is none."""
    file = folder / TRACE
    if not file.exists():
        return np.empty(0)
    with file.open(newline="") as stream:
        return np.array([float(row["lr"]) for row in csv.DictReader(stream)])


def figures(chosen: Confirmed | None, definition: Definition, rates: np.ndarray) -> list[Point]:
    """Return the figures of an answer as metric points: the means over fresh seeds, with their
    deviations, at the end of the trace, and the trace."""
    now_ms = time.time_ns() // 1_000_000
    stride = -(-len(rates) // MOST_POINTS) or 1
    points: list[Point] = [
        (LR, float(rates[step]), now_ms, step) for step in range(0, len(rates), stride)
    ]
    found = {} if chosen is None else {definition.goals[0].metric: chosen.per_seed, **chosen.test}
    for key, values in found.items():
        if not all(map(math.isfinite, values)):
            continue
        points.append((key, statistics.fmean(values), now_ms, len(rates)))
        if len(values) > 1:
            points.append((spread_key(key), statistics.stdev(values), now_ms, len(rates)))
    return points
