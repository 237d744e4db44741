"""The value against each searched key."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from runner.report.pictures._columns import Column, columns, jitter, ticks
from runner.report.pictures._figure import (
    COLOURS,
    File,
    blank,
    dress,
    legend,
    nothing,
    save,
    tail,
)
from runner.report.pictures._marks import Mark, marks
from runner.report.pictures._values import Values
from runner.results.definition import Definition
from runner.results.rows import Row, ranked

_ACROSS = {1: 1, 2: 2, 4: 2}  # plots beside each other by their number, else 3
_LETTERS = 112  # of categories across the picture
_LONGEST = 14  # letters of a category
_GAP = 2  # letters between two
_SHAPES = ("o", "s", "^", "v", "d")  # of the elements of a list
_ORDINALS = ("1st", "2nd", "3rd")


def slices(
    rows: Sequence[Row], definition: Definition, file: File, answer: int | None = None
) -> None:
    """Draw the value against each searched key, a small plot a key.

    answer: the number of the trial that fresh seeds confirmed.
    """
    values, counted = Values.of(rows, definition, answer), ranked(rows, definition)
    keys = columns(counted, definition)
    if not keys:
        nothing(blank(f"{values.title} by the value of each key"), file)
        return
    across = _ACROSS.get(len(keys), 3)
    places = _places([_span(mine[0], across) for _, mine in keys], across)
    down = places[-1][0] + 1
    figure = blank(f"{values.title} by the value of each key", 1.7 + 1.9 * down)
    figure.get_layout_engine().set(h_pad=0.07)
    grid = figure.add_gridspec(down, across)
    outstanding = marks(rows, definition, answer)
    first = None
    for (key, mine), (row, left, right) in zip(keys, places, strict=True):
        axes = figure.add_subplot(grid[row, left:right], sharey=first)
        first = first or axes
        dress(axes)
        for i, column in enumerate(mine):
            _points(axes, column, i if len(mine) > 1 else None, counted, outstanding, values)
        _scale_x(axes, mine, right - left, across)
        axes.set_title(tail(f"{key}{mine[0].remark}", 34 * (right - left)), fontsize=9)
        axes.tick_params(labelsize=8, labelleft=left == 0)
    _scale_y(figure.axes, values)
    figure.supylabel(values.label, fontsize=10)
    legend(figure, figure.axes, *_remarks([column for _, mine in keys for column in mine]))
    save(figure, file)


def _remarks(found: Sequence[Column]) -> list[str]:
    """Return what is to be known to read the picture."""
    spread = any(column.categories for column in found)
    absent = any(column.absent.any() for column in found)
    return [
        "points are spread sideways around a category" if spread else "",
        "a trial without a key is missing there" if absent else "",
    ]


def _span(column: Column, across: int) -> int:
    """Return over how many places a plot must reach for its categories to stand side by side."""
    return min(-(-_letters(column) * across // _LETTERS) or 1, across)


def _letters(column: Column) -> int:
    """Return how many letters its categories need side by side."""
    return sum(min(len(text), _LONGEST) + _GAP for text in column.categories)


def _places(spans: Sequence[int], across: int) -> list[tuple[int, int, int]]:
    """Return the row, the first place and the end of each plot; the last of a row fills it.

    >>> _places([1, 1, 2, 1, 3], 3)
    [(0, 0, 1), (0, 1, 3), (1, 0, 2), (1, 2, 3), (2, 0, 3)]
    """
    places: list[tuple[int, int, int]] = []
    row = end = 0
    for span in spans:
        if end + span > across:
            places[-1] = (row, places[-1][1], across)
            row, end = row + 1, 0
        places.append((row, end, end + span))
        end += span
    return places


def _points(
    axes: Any,
    column: Column,
    element: int | None,
    counted: Sequence[Row],
    outstanding: Sequence[Mark],
    values: Values,
) -> None:
    """Draw the trials, those that stand out as their marks only."""
    far = [values.is_far(row.objective[0]) for row in counted]
    heights = np.where(far, values.strip[0], [values.scaled(row.objective[0]) for row in counted])
    across = column.places + (jitter(counted) * 0.5 if column.categories else 0)
    there = {row.number: i for i, row in enumerate(counted) if not column.absent[i]}
    rest = [i for n, i in there.items() if n not in {mark.number for mark in outstanding}]
    if rest:
        label = "trial" if element is None else f"trial, {_ordinal(element)} of its list"
        place = 0 if element is None else 1 + element % (len(COLOURS) - 1)
        shape = "o" if element is None else _SHAPES[element % len(_SHAPES)]
        style = {"color": COLOURS[place], "marker": shape, "alpha": 0.65, "linewidths": 0}
        axes.scatter(across[rest], heights[rest], s=22, label=label, **style)
    for mark in outstanding:
        if mark.number in there:
            i = there[mark.number]
            mark.draw(axes, across[i], heights[i])


def _ordinal(i: int) -> str:
    return _ORDINALS[i] if i < len(_ORDINALS) else f"{i + 1}th"


def _scale_x(axes: Any, mine: Sequence[Column], span: int, across: int) -> None:
    first = mine[0]
    if first.categories:
        count = len(first.categories)
        room = _LETTERS * span // across
        share = _LONGEST if _letters(first) <= room else max(room // count - _GAP, 3)
        axes.set_xticks(
            range(count), [tail(text, min(share, _LONGEST)) for text in first.categories]
        )
        axes.set_xlim(-0.6, count - 0.4)
        return
    low = min(column.low for column in mine)
    high = max(column.high for column in mine)
    numbers = ticks(low, high, first.log)
    if first.log:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(numbers, [f"{number:g}" for number in numbers])


def _scale_y(plots: Sequence[Any], values: Values) -> None:
    """Make the vertical axes ones of values, which all share, with a strip of those beyond."""
    values.dress(plots[0])
    if not values.far:
        return
    low, high = values.axis
    numbers = [float(number) for number in plots[0].get_yticks() if low <= number <= high]
    texts = plots[0].yaxis.get_major_formatter().format_ticks(numbers)
    middle, end = values.strip
    plots[0].set_yticks([*numbers, middle], [*texts, values.beyond])
    plots[0].minorticks_off()
    plots[0].set_ylim(min(low, end), max(high, end))
    edge = low if values.upwards else high
    for axes in plots:
        axes.axhspan(edge, end, color="#efefef", zorder=0)
        axes.axhline(edge, color="#888888", linewidth=0.8, zorder=0.1)
