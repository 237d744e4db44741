"""The learning rates of all trials."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.report.pictures._figure import File, blank, dress, legend, nothing, save
from runner.report.pictures._marks import marks
from runner.report.pictures._ranges import beyond, ends
from runner.report.pictures._values import Values
from runner.results.definition import Definition
from runner.results.rows import PRUNED, Row, ranked
from schedules.plot import thinned

_BETTER = 0.25  # of the trials: those that are coloured, ...
_FEWEST, _MOST = 3, 20  # ... at least and at most so many
_FEW = 60  # lines
_WORSE, _PRUNED, _DIVERGED = "#B7C4D1", "#CFBB8B", "#E59E9E"
_ROOM = 1.06  # of an axis above its highest rate
_LOG_ROOM = 1.4
_Trace = NDArray[np.float64]
_Line = tuple[str, _Trace, dict[str, Any]]  # label, rates, style


def traces(
    traces: Mapping[int, NDArray[Any]],
    rows: Sequence[Row],
    definition: Definition,
    file: File,
    answer: int | None = None,
) -> None:
    """Draw the learning rates of all trials, the better ones coloured by their value.

    traces: trial number -> the rate of each step from 0. answer: the number of the trial that
    fresh seeds confirmed.
    """
    mine = {number: np.asarray(trace, dtype=np.float64) for number, trace in traces.items()}
    drawn = [row for row in rows if row.number in mine and row.copy_of is None]
    counted = ranked(drawn, definition)
    better = counted[: max(_FEWEST, min(math.ceil(_BETTER * len(counted)), _MOST))]
    values = Values.of(better, definition)
    coloured = f", the best {len(better)} coloured by {values.title}" if len(better) > 1 else ""
    figure = blank(f"learning rates of the trials{coloured}", 6.4)
    outstanding = [mark for mark in marks(rows, definition, answer) if mark.number in mine]
    marked = [(mark.label, mine[mark.number], mark.line) for mark in outstanding]
    apart = {mark.number for mark in outstanding}
    lines = _lines(mine, [row for row in drawn if row.number not in apart], better, values)
    if not lines and not marked:
        nothing(figure, file)
        return
    plots = figure.subplots(2, 1, sharex=True)
    for axes, scale in zip(plots, ("", " (log)"), strict=True):
        dress(axes)
        _draw(axes, [*lines, *marked])
        axes.set_ylabel(f"learning rate{scale}")
    every = [trace for _, trace, _ in [*lines, *marked]]
    half = [mine[row.number] for row in counted[: math.ceil(len(counted) / 2)]]
    _limit(plots, every, *ends([trace for _, trace, _ in marked], half or every))
    plots[1].set_xlim(0, max(trace.size for trace in every))
    plots[1].set_xlabel("step (optimizer update)")
    plots[1].xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    if len({row.objective[0] for row in better}) > 1:
        _bar(figure, list(plots), better, values)
    legend(figure, plots[:1])
    save(figure, file)


def _lines(
    mine: Mapping[int, _Trace], rows: Sequence[Row], better: Sequence[Row], values: Values
) -> list[_Line]:
    """Return the lines from the lowest to the topmost."""
    few = len(rows) < _FEW
    thin = {"linewidth": 0.9 if few else 0.6, "alpha": 0.9 if few else 0.5, "zorder": 2}
    pale = {
        ("diverged", _DIVERGED): [row for row in rows if row.diverged],
        ("pruned", _PRUNED): [row for row in rows if row.state == PRUNED],
        ("worse trial", _WORSE): [row for row in rows if row.counts and row not in better],
    }
    lines: list[_Line] = [
        (label, mine[row.number], {"color": colour, **thin})
        for (label, colour), some in pale.items()
        for row in some
    ]
    for i, row in enumerate([row for row in better[::-1] if row in rows]):
        style = {"color": values.colour(row), "linewidth": 1.6 if few else 1.2}
        lines.append(("", mine[row.number], {**style, "zorder": 3 + i / 100}))
    return lines


def _draw(axes: Any, lines: Sequence[_Line]) -> None:
    said = set()
    for label, trace, style in lines:
        steps = thinned(trace)
        axes.plot(
            np.append(steps, trace.size),
            np.append(trace[steps], trace[-1]),
            drawstyle="steps-post",
            label="" if label in said else label,
            **style,
        )
        said.add(label)


def _limit(plots: Sequence[Any], every: Sequence[_Trace], low: float, high: float) -> None:
    """Let the axes end at some rates, and say how many traces they leave out."""
    plots[0].set_ylim(0, high * _ROOM or 1)
    if high:
        plots[1].set_yscale("log", nonpositive="mask")
        plots[1].set_ylim(low / _LOG_ROOM, high * _LOG_ROOM)
    for axes in plots:
        count = beyond(every, *axes.get_ylim())
        if count:
            text = f"{count} {'traces' if count > 1 else 'trace'} beyond the axis"
            axes.set_title(text, fontsize=8.5, color="#555555", loc="right")


def _bar(figure: Any, axes: Any, better: Sequence[Row], values: Values) -> None:
    paler = any(values.is_pale(row.objective[0]) for row in better)
    extend = "neither" if not paler else "min" if values.upwards else "max"
    style = {"extend": extend, "pad": 0.01, "aspect": 32}
    figure.colorbar(values.colours, ax=axes, label=values.label, **style)
