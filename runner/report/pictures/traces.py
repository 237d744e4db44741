"""The learning rates of all trials."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from runner.report.pictures.picture import Axis, Line, Panel, Picture, Shades
from runner.report.pictures.ranges import beyond, ends
from runner.report.pictures.trials import Trials
from runner.report.pictures.values import Values
from runner.report.words import counted as count
from runner.results.rows import PRUNED, Row, ranked
from schedules.plot import limits, stairs

_BETTER = 0.25  # of the trials: those that are coloured, ...
_FEWEST, _MOST = 3, 20  # ... at least and at most so many
_STEP = "step (optimizer update)"
_Trace = NDArray[np.float64]


def traces(trials: Trials, rates: Mapping[int, _Trace]) -> Picture:
    """Return the rates of all trials, the better ones coloured by their value.

    rates: trial number -> the rate of each step from 0.
    """
    drawn = [row for row in trials.rows if row.number in rates and row.copy_of is None]
    counted = ranked(drawn, trials.definition)
    better = counted[: max(_FEWEST, min(math.ceil(_BETTER * len(counted)), _MOST))]
    values = Values.of(better, trials.definition.goals[0])
    marks = [mark for mark in trials.marks if mark.number in rates]
    apart = {mark.number for mark in marks}
    lines = _lines([row for row in drawn if row.number not in apart], better, rates, values)
    lines += [Line(m.kind, m.label, *stairs(rates[m.number]), m.number, stairs=True) for m in marks]
    every = [rates[line.number] for line in lines if line.number is not None]
    half = [rates[row.number] for row in counted[: math.ceil(len(counted) / 2)]]
    low, high = ends([rates[number] for number in apart], half or every)
    end = max((trace.size for trace in every), default=1)
    panels = []
    for scale, x in (("linear", Axis(ends=(0, end))), ("log", Axis(_STEP, (0, end), whole=True))):
        y = _axis(scale, low, high)
        panels.append(Panel(x, y, lines=tuple(lines), note=_note(every, y)))
    coloured = f", the best {len(better)} coloured by {values.title}" if better[1:] else ""
    shades = None
    if len({row.objective[0] for row in better}) > 1:
        paler = any(values.is_pale(row.objective[0]) for row in better)
        side = "neither" if not paler else "min" if values.upwards else "max"
        shades = Shades(values.label, values.palette, values.coloured, values.log, side)
    title = f"learning rates of the trials{coloured}"
    return Picture(title, tuple(panels) if lines else (), 6.4, shades=shades)


def _lines(
    rows: Sequence[Row], better: Sequence[Row], rates: Mapping[int, _Trace], values: Values
) -> list[Line]:
    """Return the lines of trials from the lowest to the topmost; the best is on top."""
    kinds = {
        "diverged": [row for row in rows if row.diverged],
        "pruned": [row for row in rows if row.state == PRUNED],
        "worse trial": [row for row in rows if row.counts and row not in better],
        "better": [row for row in better[::-1] if row in rows],
    }
    return [
        Line(
            kind,
            "" if kind == "better" else kind,
            *stairs(rates[row.number]),
            row.number,
            values.shade(row.objective[0]) if kind == "better" else "",
            stairs=True,
        )
        for kind, some in kinds.items()
        for row in some
    ]


def _axis(scale: str, low: float, high: float) -> Axis:
    log = scale == "log"
    label = f"learning rate{' (log)' if log else ''}"
    return Axis(label, limits(scale, low, high), log=log) if high else Axis(label)


def _note(every: Sequence[_Trace], axis: Axis) -> str:
    """Return how many traces an axis leaves out."""
    left_out = beyond(every, *axis.ends) if axis.ends else 0
    return f"{count(left_out, 'trace')} beyond the axis" if left_out else ""
