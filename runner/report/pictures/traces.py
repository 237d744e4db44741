"""The learning rates of all trials."""

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from runner.report.pictures.picture import Axis, Line, Panel, Picture
from runner.report.pictures.trials import Mark
from runner.report.pictures.values import Values, spaced
from runner.report.words import counted as count
from runner.results.definition import Goal
from runner.results.rows import PRUNED, Row, by_goal
from schedules.plot import LOG_SPAN, limits, stairs

MOST_TRACES = 200
_BETTER = 0.25  # of the trials: those that are coloured, ...
_FEWEST, _MOST = 3, 20  # ... at least and at most so many
_USUAL = 5  # times the median of the highest rates: what may decide an axis
_FALL = 1e-2  # of its own highest rate: how much of each trace an axis shows at least
_WIDEST, _THINNEST = 3.2, 1.2  # of equal lines all stay visible
_STEP = "step (optimizer update)"
_Trace = NDArray[np.float64]


def traces(
    rows: Sequence[Row],
    rates: Mapping[int, _Trace],
    goal: Goal,
    marks: Sequence[Mark] = (),
    one: str = "trial",
) -> Picture:
    """Return the rates of trials, the better ones coloured by their value.

    rates: trial number -> the rate of each step from 0. goal: what their first value is. marks: of
    those that stand out, the most important one last. one: what a row is called.
    """
    drawn = [row for row in rows if row.number in rates and row.copy_of is None]
    counted = by_goal(drawn, goal)
    better = counted[: max(_FEWEST, min(math.ceil(_BETTER * len(counted)), _MOST))]
    values = Values.of(better, goal)
    marks = [mark for mark in marks if mark.number in rates]
    apart = {mark.number for mark in marks}
    lines = _lines([row for row in drawn if row.number not in apart], better, rates, values, one)
    lines += [Line(m.kind, m.label, *stairs(rates[m.number]), m.number, stairs=True) for m in marks]
    every = [rates[line.number] for line in lines if line.number is not None]
    half = [rates[row.number] for row in counted[: math.ceil(len(counted) / 2)]]
    low, high = ends([rates[number] for number in apart], half or every)
    heights = {values.height(row) for row in better}
    coloured = f", the best {len(better)} coloured by {values.title}" if better[1:] else ""
    return Picture(
        f"learning rates of the {one}s{coloured}",
        _panels(lines, every, low, high) if lines else (),
        6.4,
        shades=values.shades(heights) if len(heights) > 1 else None,
    )


def few(rows: Sequence[Row], rates: Mapping[int, _Trace], words: Sequence[str]) -> Picture:
    """Return the rates of a few runs, the better the darker, each with words of its own.

    rows: the best first. rates: as of `traces`. words: of each row.
    """
    colours = spaced(sum(row.counts for row in rows))
    lines = []
    for place, (row, said) in enumerate(zip(rows, words, strict=True)):
        kind = "run" if row.counts else "diverged run" if row.diverged else "stopped run"
        lines.append(
            Line(
                kind,
                said,
                *stairs(rates[row.number]),
                row.number,
                colours[place] if row.counts else "",
                stairs=True,
                ended=not row.counts,
                width=_WIDEST - (_WIDEST - _THINNEST) * place / len(rows),
            )
        )
    every = [rates[row.number] for row in rows]
    better = ", the better the darker" if colours[1:] else ""
    panels = _panels(lines, every, *ends(every, [])) if lines else ()
    return Picture(f"learning rates of the runs{better}", panels, 6.4, empty="")


def _panels(
    lines: Sequence[Line], every: Sequence[_Trace], low: float, high: float
) -> tuple[Panel, ...]:
    """Return a linear and a logarithmic panel of rates from low to high, and how many of all traces
    lie beyond it."""
    x = (0, max((trace.size for trace in every), default=1))
    panels = []
    for scale, label in (("linear", ""), ("log", _STEP)):
        log = scale == "log"
        y = limits(scale, low, high) if high else None
        beyond = sum(not y[0] <= trace.max() <= y[1] for trace in every) if y else 0
        panels.append(
            Panel(
                Axis(label, x, whole=log),
                Axis(f"learning rate{' (log)' if log else ''}", y, log=log and y is not None),
                lines=tuple(lines),
                note=f"{count(beyond, 'trace')} beyond the axis" if beyond else "",
            )
        )
    return tuple(panels)


def _lines(
    rows: Sequence[Row],
    better: Sequence[Row],
    rates: Mapping[int, _Trace],
    values: Values,
    one: str,
) -> list[Line]:
    """Return the lines of trials from the lowest to the topmost; the best is on top."""
    kinds = {
        "diverged": [row for row in rows if row.diverged],
        "pruned": [row for row in rows if row.state == PRUNED],
        "worse": [row for row in rows if row.counts and row not in better],
        "better": [row for row in better[::-1] if row in rows],
    }
    lines = []
    for kind, some in kinds.items():
        for row in some:
            is_better = kind == "better"
            label, colour = f"worse {one}" if kind == "worse" else kind, ""
            if is_better:
                label, colour = "", values.shade(values.height(row))
            trace = stairs(rates[row.number])
            lines.append(Line(kind, label, *trace, row.number, colour, stairs=True))
    return lines


def ends(kept: Sequence[_Trace], others: Sequence[_Trace]) -> tuple[float, float]:
    """Return the lowest and the highest rate of a logarithmic axis, 0 and 0 where no rate is above.

    kept: traces whose highest rates it must show. others: traces that it shows where they are not
    far above the most.

    >>> flat = [np.full(3, rate) for rate in (0.01, 0.02, 0.03, 1e6)]
    >>> ends([np.array([0.02, 0.004])], flat)
    (0.004, 0.03)
    """
    must = [peak for trace in kept if (peak := float(trace.max())) > 0]
    peaks = [peak for trace in others if (peak := float(trace.max())) > 0]
    usual = _USUAL * statistics.median(peaks) if peaks else 0.0
    high = max([*must, *(peak for peak in peaks if peak <= usual)], default=0.0)
    if not high:
        return 0.0, 0.0
    shown = [trace[trace > 0] for trace in [*kept, *others] if 0 < trace.max() <= high]
    lowest = min(float(rates.min()) for rates in shown)
    return max(lowest, min(high * LOG_SPAN, min(must, default=high) * _FALL)), high
