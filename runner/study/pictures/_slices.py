"""The value against each searched key."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from runner.study.definition import Definition
from runner.study.pictures._columns import UNITS, Column, columns, jitter, ticks
from runner.study.pictures._figure import (
    BASELINE,
    BEST,
    COLOURS,
    File,
    best_label,
    blank,
    dress,
    legend,
    nothing,
    save,
    tail,
)
from runner.study.pictures._values import Values
from runner.study.rows import Row, ranked

_ACROSS = {1: 1, 2: 2, 4: 2}  # plots beside each other by their number, else 3
_ORDINALS = ("1st", "2nd", "3rd")
_ORDER = ("trial", "best", "baseline", "beyond the axis")


def slices(rows: Sequence[Row], definition: Definition, file: File) -> None:
    """Draw the value against each searched key, a small plot a key."""
    values, counted = Values.of(rows, definition), ranked(rows, definition)
    keys = columns(counted, definition)
    across = _ACROSS.get(len(keys), 3)
    down = -(-len(keys) // across)
    figure = blank(f"{values.title} by the value of each key", 1.4 + 1.9 * down)
    if not keys:
        nothing(figure, file)
        return
    plots = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    marks: dict[str, Any] = {}
    for axes, (key, mine) in zip(plots, keys, strict=False):
        dress(axes)
        for i, column in enumerate(mine):
            marks |= _points(axes, column, i if len(mine) > 1 else None, counted, values)
        _scale_x(axes, mine)
        axes.set_title(f"{tail(key, 30)}{UNITS[mine[0].unit]}", fontsize=9)
        axes.tick_params(labelsize=8)
    values.dress(plots[0])
    for axes in plots[len(keys) :]:
        axes.set_axis_off()
    figure.supylabel(values.label, fontsize=10)
    first = [label for label in (*_ORDER[:1], best_label(counted), *_ORDER[2:]) if label in marks]
    legend(figure, None, {label: marks[label] for label in dict.fromkeys([*first, *marks])})
    save(figure, file)


def _points(
    axes: Any, column: Column, element: int | None, counted: Sequence[Row], values: Values
) -> dict[str, Any]:
    """Draw the trials, the baseline and the best one; return a mark of each by its label."""
    marks: dict[str, Any] = {}
    heights = np.array([values.scaled(values.within(row.objective[0])) for row in counted])
    far = np.array([values.is_far(row.objective[0]) for row in counted])
    places = column.places + (jitter(counted) * 0.5 if column.categories else 0)
    label = "trial" if element is None else f"{_ordinal(element)} of a list"
    colour = COLOURS[(element or 0) % len(COLOURS)]
    style = {"color": colour, "alpha": 0.6, "linewidths": 0}
    marks[label] = axes.scatter(places[~far], heights[~far], s=22, **style)
    if (far & np.isfinite(places)).any():
        edge = {"s": 22, "marker": values.arrow, "clip_on": False}
        marks["beyond the axis"] = axes.scatter(places[far], heights[far], **edge, **style)
    for label, chosen, colour, marker, size in (
        ("baseline", [row.baseline for row in counted], BASELINE, "D", 34),
        (best_label(counted), [row is counted[0] for row in counted], BEST, "*", 130),
    ):
        if any(chosen):
            dot = {"c": colour, "marker": marker, "s": size, "ec": "w", "linewidths": 0.7}
            marks[label] = axes.scatter(places[chosen], heights[chosen], zorder=3, **dot)
    return marks


def _ordinal(i: int) -> str:
    return _ORDINALS[i] if i < len(_ORDINALS) else f"{i + 1}th"


def _scale_x(axes: Any, mine: Sequence[Column]) -> None:
    first = mine[0]
    if first.categories:
        count = len(first.categories)
        axes.set_xticks(range(count), [tail(c, 14) for c in first.categories])
        fits = sum(map(len, first.categories)) + 3 * count <= 32
        axes.tick_params(axis="x", rotation=0 if fits else 30 if count < 4 else 90)
        axes.set_xlim(-0.6, count - 0.4)
        return
    low = min(column.low for column in mine)
    high = max(column.high for column in mine)
    numbers = ticks(low, high, first.log)
    if first.log:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(numbers, [f"{number:g}" for number in numbers])
