"""Each trial's value by its number."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from runner.report.pictures._figure import COLOURS, File, blank, dress, legend, nothing, save
from runner.report.pictures._marks import BASELINE, BEST, Mark, marks
from runner.report.pictures._values import Values
from runner.results.definition import Definition
from runner.results.rows import FAILED, PRUNED, Row

_GREY = "#8A8A8A"
_Fates = Mapping[str, tuple[list[Row], str, str]]  # label -> trials, colour, marker


def history(
    rows: Sequence[Row], definition: Definition, file: File, answer: int | None = None
) -> None:
    """Draw each trial's value by its number and the best so far; below, which have no value.

    answer: the number of the trial that fresh seeds confirmed.
    """
    values = Values.of(rows, definition, answer)
    counted = sorted((row for row in rows if row.counts), key=lambda row: row.number)
    fates = _fates(rows, counted, values)
    figure = blank(f"{values.title} of each trial")
    if not counted and not fates:
        nothing(figure, file)
        return
    shares = {"height_ratios": [5, 0.25 * len(fates)]} if fates else {}
    plots = figure.subplots(2 if fates else 1, sharex=True, squeeze=False, **shares)[:, 0]
    for axes in plots:
        dress(axes)
    outstanding = marks(rows, definition, answer)
    drawn = [row for row in counted if not values.is_far(row.objective[0])]
    _points(plots[0], drawn, outstanding, values)
    if counted:
        _progress(plots[0], counted, max(row.number for row in rows), values)
    values.dress(plots[0])
    plots[0].set_ylabel(values.label)
    if fates:
        _strip(plots[1], fates, outstanding)
    plots[-1].set_xlabel("trial")
    plots[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    legend(figure, plots)
    save(figure, file)


def _fates(rows: Sequence[Row], counted: Sequence[Row], values: Values) -> _Fates:
    """Return the trials that have no point among the others, by what became of them."""
    arrow = "v" if values.upwards else "^"
    far = [row for row in counted if values.is_far(row.objective[0])]
    found = {
        values.beyond: (far, COLOURS[0], arrow),
        "pruned": ([row for row in rows if row.state == PRUNED], _GREY, "|"),
        "diverged": ([row for row in rows if row.diverged], BASELINE, "x"),
        "failed": ([row for row in rows if row.state == FAILED], COLOURS[2], "+"),
    }
    return {label: fate for label, fate in found.items() if fate[0]}


def _points(axes: Any, rows: Sequence[Row], outstanding: Sequence[Mark], values: Values) -> None:
    """Draw the trials, those that stand out as their marks only."""
    heights = {row.number: values.scaled(row.objective[0]) for row in rows}
    marked = {mark.number for mark in outstanding}
    for label, copies, face in (("trial", False, COLOURS[0]), ("copy of a trial", True, "none")):
        some = [
            row.number
            for row in rows
            if (row.copy_of is not None) == copies and row.number not in marked
        ]
        if some:
            style = {"facecolors": face, "edgecolors": COLOURS[0], "s": 26, "label": label}
            axes.scatter(some, [heights[number] for number in some], **style)
    for mark in outstanding:
        if mark.number in heights:
            mark.draw(axes, mark.number, heights[mark.number])


def _progress(axes: Any, counted: Sequence[Row], last: int, values: Values) -> None:
    """Draw the best so far, and how good the baseline is."""
    best = max if values.upwards else min
    steps = list(accumulate((values.scaled(row.objective[0]) for row in counted), best))
    places = [*(row.number for row in counted), last + 0.5]
    line = {"color": BEST, "linewidth": 1.5, "zorder": 0.9, "label": "best so far"}
    axes.plot(places, [*steps, steps[-1]], drawstyle="steps-post", **line)
    for row in counted:
        if row.baseline:
            style = {"color": BASELINE, "linestyle": "--", "linewidth": 1.2, "zorder": 0.9}
            axes.axhline(values.scaled(row.objective[0]), label="value of the baseline", **style)


def _strip(axes: Any, fates: _Fates, outstanding: Sequence[Mark]) -> None:
    for height, (some, colour, marker) in enumerate(fates.values()):
        numbers = [row.number for row in some]
        axes.scatter(numbers, [height] * len(some), s=24, color=colour, marker=marker)
        for mark in outstanding:
            if mark.number in numbers:
                mark.draw(axes, mark.number, height)
    axes.set_yticks(range(len(fates)), list(fates), fontsize=8.5)
    axes.set_ylim(len(fates) - 0.5, -0.5)
