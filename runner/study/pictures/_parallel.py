"""The values of each trial as a line."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.study.definition import Definition
from runner.study.pictures._columns import ABSENT_AT, Column, columns, jitter
from runner.study.pictures._figure import File, legend, nothing, outstanding, save, single, tail
from runner.study.pictures._values import Values
from runner.study.rows import Row, ranked

_MANY = 6  # axes: of more, those of rare keys are left out
_RARE = 0.2  # of the trials; a key that the best trial has is never rare
_STRIP = 0.018  # of the picture's width: the colours beside the last axis
_NEAR = 0.05  # of an axis: ticks that are nearer to each other would overlap
_TICK: dict[str, Any] = {
    "textcoords": "offset points",
    "fontsize": 7,
    "va": "center",
    "zorder": 6,
    "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
}


def parallel(rows: Sequence[Row], definition: Definition, file: File) -> None:
    """Draw each trial as a line through its values, an axis a key and element of a list.

    It ends at its outcome. Keys that some trials do not have come first, and towards "-" the lines
    are pale; of many keys the rare ones are left out, which `slices` shows.
    """
    values, counted = Values.of(rows, definition), ranked(rows, definition)
    found = [column for _, mine in columns(counted, definition) for column in mine]
    searched = _chosen(found)
    rare = len(found) - len(searched)
    without = f", without {rare} {'axes' if rare > 1 else 'axis'} of rare keys" if rare else ""
    figure, axes = single(f"values of the trials, coloured by {values.title}{without}")
    if not searched:
        nothing(figure, file)
        return
    every = [*searched, _outcomes(counted, values)]
    heights = np.array([column.heights(jitter(counted)) for column in every]).T
    absent = np.array([column.absent for column in every]).T
    _lines(axes, counted, heights, absent, values)
    for x, column in enumerate(searched):
        _axis(axes, x, column, letters=min(max(105 // len(every), 6), 14))
    _value_axis(axes, every[-1], values, x=len(searched))
    _names(axes, every)
    legend(figure, axes)
    save(figure, file)


def _chosen(searched: Sequence[Column]) -> list[Column]:
    """Return the columns that are drawn, those that every trial has last."""
    common = [c for c in searched if c.absent.mean() <= 1 - _RARE or not c.absent[0]]
    if len(searched) > _MANY and common:
        searched = common
    return sorted(searched, key=lambda column: not column.absent.any())


def _outcomes(counted: Sequence[Row], values: Values) -> Column:
    places = np.array([values.scaled(values.within(row.objective[0])) for row in counted])
    return Column(f"{values.title}{values.unit}", places, log=values.log, ends=values.ends)


def _lines(
    axes: Any,
    counted: Sequence[Row],
    heights: NDArray[np.float64],
    absent: NDArray[np.bool_],
    values: Values,
) -> None:
    across = np.arange(heights.shape[1])
    width = 1.6 if len(counted) < 60 else 0.9
    whole = np.where(absent, np.nan, heights)
    for i in range(len(counted))[::-1]:  # the best on top
        colour = values.colour(counted[i])
        axes.plot(across, heights[i], color=colour, linewidth=0.5 * width, alpha=0.35)
        axes.plot(across, whole[i], color=colour, linewidth=width)
    for label, i, style in outstanding(counted):
        axes.plot(across, heights[i], label=label, **style)


def _axis(axes: Any, x: int, column: Column, letters: int) -> None:
    axes.axvline(x, color="#444444", linewidth=0.9, zorder=1)
    beside: dict[str, Any] = {"xytext": (4, 0)} if x else {"xytext": (-4, 0), "ha": "right"}
    for height, text in column.ticks():
        axes.annotate(tail(text, letters if x else 20), (x, height), **beside, **_TICK)
    if column.absent.any():
        axes.annotate("-", (x, ABSENT_AT), (0, -9), ha="center", **{**_TICK, "fontsize": 11})


def _value_axis(axes: Any, column: Column, values: Values, x: int) -> None:
    """Draw the last axis, of the outcomes, with their colours beside it."""
    right = x + _STRIP * (x + 0.5)
    colours = values.gradient(256)[:, np.newaxis]
    place = {"extent": (x, right, 0, 1), "origin": "lower", "aspect": "auto", "zorder": 3}
    axes.imshow(colours, **place)
    end = (0.0, "≤ {:.4g}", values.low) if values.upwards else (1.0, "≥ {:.4g}", values.high)
    marks = column.ticks()
    if values.far:
        marks = [mark for mark in marks if abs(mark[0] - end[0]) > _NEAR]
        marks.append((end[0], end[1].format(values.scaled(end[2]))))
    for height, text in marks:
        axes.annotate(text, (right, height), (4, 0), **{**_TICK, "fontsize": 8})


def _names(axes: Any, every: Sequence[Column]) -> None:
    """Write the name of each axis below it, and leave nothing else around the picture."""
    last = len(every) - 1
    size = 8 if last < 8 else 7
    axes.set_xticks(range(len(every)), [_wrapped(c.label) for c in every], fontsize=size)
    if last > 6:
        axes.tick_params(axis="x", rotation=30)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.set_xlim(-0.02 * last, last + 0.1 * last)
    axes.set_ylim(-0.05, 1.04)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", length=0)


def _wrapped(label: str) -> str:
    """Return a key over two lines where it is long."""
    group, dot, rest = label.rpartition(".")
    return f"{tail(group, 16)}.\n{tail(rest, 18)}" if dot else tail(label, 18)
