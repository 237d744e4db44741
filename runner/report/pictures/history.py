"""Each trial's value by its number."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from runner.report.pictures.picture import Axis, Line, Panel, Picture, Points
from runner.report.pictures.trials import Trials
from runner.results.rows import FAILED, PRUNED, Row


def history(trials: Trials) -> Picture:
    """Return each trial's value by its number and the best so far; below, which have no value."""
    values = trials.values
    counted = sorted((row for row in trials.rows if row.counts), key=lambda row: row.number)
    far = [row for row in counted if values.is_far(values.height(row))]
    places = {
        row.number: (float(row.number), values.height(row)) for row in counted if row not in far
    }
    rest, points = trials.apart(places)
    copies = {row.number for row in counted if row.copy_of is not None}
    for kind, among in (("copy of a trial", copies), ("trial", rest.keys() - copies)):
        some = {number: place for number, place in rest.items() if number in among}
        points = [*([Points(kind, kind, some)] if some else []), *points]
    below = _fates(trials, far)
    x = Axis("" if below else "trial", whole=True)
    y = Axis(values.label, (values.axis.low, values.axis.high), log=values.axis.log)
    above = Panel(x, y, tuple(points), _progress(trials, counted), height=5)
    panels = (above, *below) if counted or below else ()
    return Picture(f"{values.title} of each trial", panels)


def _progress(trials: Trials, counted: Sequence[Row]) -> tuple[Line, ...]:
    """Return the best so far, and how good the baseline is."""
    if not counted:
        return ()
    heights = [trials.values.height(row) for row in counted]
    best = list(accumulate(heights, max if trials.values.upwards else min))
    x = np.array([*(row.number for row in counted), max(row.number for row in trials.rows) + 0.5])
    lines = [Line("best so far", "best so far", x, np.array([*best, best[-1]]), stairs=True)]
    for row, height in zip(counted, heights, strict=True):
        if row.baseline:
            label = "value of the baseline"
            lines.append(Line(label, label, x[[0, -1]], np.full(2, height), row.number))
    return tuple(lines)


def _fates(trials: Trials, far: Sequence[Row]) -> list[Panel]:
    """Return the trials that have no point among the others, by what became of them."""
    found = {
        trials.values.beyond: far,
        "pruned": [row for row in trials.rows if row.state == PRUNED],
        "diverged": [row for row in trials.rows if row.diverged],
        "failed": [row for row in trials.rows if row.state == FAILED],
    }
    there = {kind: some for kind, some in found.items() if some}
    points = [
        Points(kind, "", {row.number: (float(row.number), float(height)) for row in some})
        for height, (kind, some) in enumerate(there.items())
    ]
    standing = [mark for one in points for mark in trials.apart(one.places)[1]]
    y = Axis(ends=(len(there) - 0.5, -0.5), ticks=dict(enumerate(there)))
    x = Axis("trial", whole=True)
    return [Panel(x, y, (*points, *standing), height=0.25 * len(there))] if there else []
