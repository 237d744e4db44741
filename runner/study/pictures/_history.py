"""Each trial's value by its number."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from runner.study.definition import Definition
from runner.study.pictures._figure import (
    BASELINE,
    BEST,
    COLOURS,
    DIVERGED,
    File,
    best_label,
    blank,
    dress,
    legend,
    nothing,
    save,
)
from runner.study.pictures._values import Values
from runner.study.rows import FAILED, PRUNED, Row, ranked


def history(rows: Sequence[Row], definition: Definition, file: File) -> None:
    """Draw each trial's value by its number and the best so far; below, which have no value."""
    values = Values.of(rows, definition)
    counted = sorted((row for row in rows if row.counts), key=lambda row: row.number)
    far = [row for row in counted if values.is_far(row.objective[0])]
    fates = {
        f"beyond the axis {'↓' if values.upwards else '↑'}": (far, COLOURS[0], values.arrow),
        "pruned": ([row for row in rows if row.state == PRUNED], DIVERGED, "|"),
        "diverged": ([row for row in rows if row.diverged], BASELINE, "x"),
        "failed": ([row for row in rows if row.state == FAILED], COLOURS[3], "+"),
    }
    fates = {label: fate for label, fate in fates.items() if fate[0]}
    figure = blank(f"{values.title} of each trial")
    if not counted and not fates:
        nothing(figure, file)
        return
    shares = {"height_ratios": [5, 0.25 * len(fates)]} if fates else {}
    plots = figure.subplots(2 if fates else 1, sharex=True, squeeze=False, **shares)[:, 0]
    for axes in plots:
        dress(axes)
    _points(plots[0], [row for row in counted if row not in far], values)
    if counted:
        _progress(plots[0], counted, max(row.number for row in rows), values)
        _best(plots[0], ranked(rows, definition), values)
    values.dress(plots[0])
    plots[0].set_ylabel(values.label)
    if fates:
        _fates(plots[1], fates)
    plots[-1].set_xlabel("trial")
    plots[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    legend(figure, plots[0])
    save(figure, file)


def _points(axes: Any, rows: Sequence[Row], values: Values) -> None:
    for label, copies, face in (("trial", False, COLOURS[0]), ("copy of a trial", True, "none")):
        some = [row for row in rows if (row.copy_of is not None) == copies]
        if some:
            heights = [values.scaled(row.objective[0]) for row in some]
            style = {"facecolors": face, "edgecolors": COLOURS[0], "s": 26, "label": label}
            axes.scatter([row.number for row in some], heights, **style)


def _progress(axes: Any, counted: Sequence[Row], last: int, values: Values) -> None:
    """Draw the best so far, and how good the baseline is."""
    best = max if values.upwards else min
    steps = list(accumulate((values.scaled(row.objective[0]) for row in counted), best))
    places = [*(row.number for row in counted), last + 0.5]
    line = {"color": BEST, "linewidth": 1.8, "zorder": 0.9, "label": "best so far"}
    axes.plot(places, [*steps, steps[-1]], drawstyle="steps-post", **line)
    for row in counted:
        if row.baseline:
            style = {"color": BASELINE, "linestyle": "--", "linewidth": 1.2, "zorder": 0.9}
            axes.axhline(values.scaled(row.objective[0]), label="baseline", **style)


def _best(axes: Any, counted: Sequence[Row], values: Values) -> None:
    if counted:
        style = {"color": BEST, "marker": "*", "s": 150, "zorder": 3, "ec": "w", "linewidths": 0.7}
        height = values.scaled(counted[0].objective[0])
        axes.scatter([counted[0].number], [height], label=best_label(counted), **style)


def _fates(axes: Any, fates: dict[str, tuple[list[Row], str, str]]) -> None:
    for height, (some, colour, marker) in enumerate(fates.values()):
        numbers = [row.number for row in some]
        axes.scatter(numbers, [height] * len(some), s=24, color=colour, marker=marker)
    axes.set_yticks(range(len(fates)), list(fates), fontsize=8)
    axes.set_ylim(len(fates) - 0.5, -0.5)
