"""The learning rates of all trials."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.study.definition import Definition
from runner.study.pictures._figure import (
    DIVERGED,
    PRUNED_RATES,
    File,
    blank,
    dress,
    legend,
    nothing,
    outstanding,
    save,
)
from runner.study.pictures._values import Values
from runner.study.rows import PRUNED, Row, ranked
from schedules.plot import thinned

_LOG_SPAN = 1e-5
_Line = tuple[str, NDArray[np.float64], dict[str, Any]]  # label, rates, style


def traces(
    traces: Mapping[int, NDArray[Any]], rows: Sequence[Row], definition: Definition, file: File
) -> None:
    """Draw the learning rates of all trials, coloured by their value.

    traces: trial number -> the rate of each step from 0.
    """
    values = Values.of(rows, definition)
    mine = {number: np.asarray(trace, dtype=np.float64) for number, trace in traces.items()}
    drawn = [row for row in rows if row.number in mine and row.copy_of is None]
    counted = [row for row in ranked(rows, definition) if row.number in mine]
    figure = blank(f"learning rates of all trials, coloured by {values.title}", 5.8)
    lines = _lines(mine, drawn, ranked(rows, definition), values)
    if not lines:
        nothing(figure, file)
        return
    plots = figure.subplots(2, 1, sharex=True)
    for axes, scale in zip(plots, ("", " (log)"), strict=True):
        dress(axes)
        _draw(axes, lines)
        axes.set_ylabel(f"learning rate{scale}")
    _limits(plots, [mine[row.number] for row in counted or drawn])  # what diverged may leave it
    plots[1].set_xlim(0, max(mine[row.number].size for row in drawn))
    plots[1].set_xlabel("step (optimizer update)")
    plots[1].xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    if counted:
        _bar(figure, list(plots), counted, values)
    legend(figure, plots[0])
    save(figure, file)


def _lines(
    mine: Mapping[int, NDArray[np.float64]],
    drawn: Sequence[Row],
    counted: Sequence[Row],
    values: Values,
) -> list[_Line]:
    """Return the lines from the lowest to the topmost."""
    thin = {"linewidth": 1.3 if len(drawn) < 60 else 0.8}
    lines: list[_Line] = []
    for row in drawn:
        if row.diverged or row.state == PRUNED:
            label, colour = ("diverged", DIVERGED) if row.diverged else ("pruned", PRUNED_RATES)
            lines.append((label, mine[row.number], {"color": colour, **thin}))
    for row in counted[::-1]:
        if row.number in mine:
            lines.append(("", mine[row.number], {"color": values.colour(row), **thin}))
    for label, i, style in outstanding(counted):
        if counted[i].number in mine:
            lines.append((label, mine[counted[i].number], style))
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


def _limits(plots: Sequence[Any], bound: Sequence[NDArray[np.float64]]) -> None:
    """Make room for the rates of some traces, on the second axes over five decades at most."""
    positive = [trace[trace > 0] for trace in bound if (trace > 0).any()]
    highest = max((float(trace.max()) for trace in positive), default=0.0)
    plots[0].set_ylim(0, highest * 1.06 or 1)
    if positive:
        plots[1].set_yscale("log", nonpositive="mask")
        lowest = max(min(float(trace.min()) for trace in positive), highest * _LOG_SPAN)
        plots[1].set_ylim(lowest / 1.4, highest * 1.4)


def _bar(figure: Any, axes: Any, counted: Sequence[Row], values: Values) -> None:
    worst = counted[-1].objective[0]
    paler = worst < values.pale if values.upwards else worst > values.pale
    extend = "neither" if not paler else "min" if values.upwards else "max"
    style = {"extend": extend, "pad": 0.01, "aspect": 32}
    figure.colorbar(values.colours, ax=axes, label=values.label, **style)
