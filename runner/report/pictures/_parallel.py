"""The values of each trial as a line."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.report.pictures._columns import ABSENT_AT, Column, columns, jitter
from runner.report.pictures._figure import File, legend, nothing, save, single, tail
from runner.report.pictures._marks import Mark, marks
from runner.report.pictures._outcomes import Outcomes
from runner.report.pictures._values import Values
from runner.results.definition import Definition
from runner.results.rows import Row, ranked

_MANY = 6  # axes: of more, those of rare keys are left out
_RARE = 0.2  # of the trials; a key that the best trial has is never rare
_TICK: dict[str, Any] = {
    "textcoords": "offset points",
    "fontsize": 8,
    "va": "center",
    "zorder": 6,
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.6},
}


def parallel(
    rows: Sequence[Row], definition: Definition, file: File, answer: int | None = None
) -> None:
    """Draw each trial as a line through its values, an axis a key and element of a list.

    It ends at its outcome. Keys that some trials do not have come first, and towards "-" the lines
    are pale; of many keys the rare ones are left out, which `slices` shows.

    answer: the number of the trial that fresh seeds confirmed.
    """
    values, counted = Values.of(rows, definition, answer), ranked(rows, definition)
    found = [column for _, mine in columns(counted, definition) for column in mine]
    searched = _chosen(found)
    figure, axes = single(f"values of the finished trials, coloured by {values.title}", 5.6)
    if not searched:
        nothing(figure, file)
        return
    outcomes = Outcomes(counted, values)
    inner = [column.heights(jitter(counted)) for column in searched]
    heights = np.array([*inner, outcomes.heights()]).T
    absent = np.array([*(column.absent for column in searched), [False] * len(counted)]).T
    _lines(axes, counted, heights, absent, values)
    _marked(axes, counted, heights, marks(counted, definition, answer))
    letters = min(max(105 // (len(searched) + 1), 6), 14)
    for x, column in enumerate(searched):
        _axis(axes, x, column, letters)
    outcomes.draw(
        axes, len(searched), lambda x, y, text: axes.annotate(text, (x, y), (4, 0), **_TICK)
    )
    _names(axes, [*(column.label + column.remark for column in searched), outcomes.label])
    legend(figure, [axes], *_remarks(searched, len(found) - len(searched)))
    save(figure, file)


def _chosen(searched: Sequence[Column]) -> list[Column]:
    """Return the columns that are drawn, those that every trial has last."""
    common = [c for c in searched if c.absent.mean() <= 1 - _RARE or not c.absent[0]]
    if len(searched) > _MANY and common:
        searched = common
    return sorted(searched, key=lambda column: not column.absent.any())


def _remarks(searched: Sequence[Column], rare: int) -> list[str]:
    """Return what is to be known to read the picture."""
    absent = any(column.absent.any() for column in searched)
    spread = any(column.categories for column in searched)
    order = "keys that only some trials have, then the others, each in the order of the space"
    return [
        f"axes: {order if absent else 'in the order of the space'}",
        "-: the trial does not have the key" if absent else "",
        "lines are spread around a category" if spread else "",
        f"{rare} {'axes' if rare > 1 else 'axis'} of rare keys not drawn" if rare else "",
    ]


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


def _marked(
    axes: Any, counted: Sequence[Row], heights: NDArray[np.float64], outstanding: Sequence[Mark]
) -> None:
    """Draw the lines of the trials that stand out, each with its mark at its outcome."""
    across = np.arange(heights.shape[1])
    place = {row.number: i for i, row in enumerate(counted)}  # all that stand out among these
    for mark in outstanding:
        end = {"marker": mark.point["marker"], "markersize": mark.point["s"] ** 0.5}
        end |= {"markevery": [-1], "markeredgecolor": "white", "markeredgewidth": 0.7}
        axes.plot(across, heights[place[mark.number]], label=mark.label, **mark.line, **end)


def _axis(axes: Any, x: int, column: Column, letters: int) -> None:
    axes.axvline(x, color="#444444", linewidth=0.9, zorder=5.5)
    beside: dict[str, Any] = {"xytext": (4, 0)} if x else {"xytext": (-4, 0), "ha": "right"}
    for height, text in column.ticks():
        axes.annotate(tail(text, letters if x else 20), (x, height), **beside, **_TICK)
    if column.absent.any():
        axes.annotate("-", (x, ABSENT_AT), **beside, **{**_TICK, "fontsize": 11})


def _names(axes: Any, names: Sequence[str]) -> None:
    """Write the name of each axis below it, and leave nothing else around the picture."""
    last = len(names) - 1
    axes.set_xticks(range(len(names)), [_wrapped(name) for name in names], fontsize=8)
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
    return f"{tail(group, 16)}.\n{tail(rest, 20)}" if dot else tail(label, 20)
