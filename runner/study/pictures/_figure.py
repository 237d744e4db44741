"""What the pictures share: colours, a blank figure, its legend, its file."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, BinaryIO

import numpy as np

from runner.study.rows import Row

File = str | PathLike[str] | BinaryIO

BEST, BASELINE, DIVERGED, PRUNED_RATES = "#D55E00", "#000000", "#8A8A8A", "#C4C4C4"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")  # Okabe and Ito's
_PALETTE = 96
_WIDTH = 112  # letters of a legend's line


def blank(title: str, height: float = 5.2) -> Any:
    """Return a figure of a height in inches with nothing but a title."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, max(height, 3.0)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    return figure


def single(title: str, height: float = 5.2) -> tuple[Any, Any]:
    """Return a figure and its only axes."""
    figure = blank(title, height)
    axes = figure.subplots()
    dress(axes)
    return figure, axes


def dress(axes: Any) -> None:
    """Give axes a pale grid and take away the frame."""
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def legend(figure: Any, axes: Any, marks: Mapping[str, Any] | None = None) -> None:
    """Explain below the picture what is labelled in axes, or the marks given by their label."""
    if marks is None:
        handles, labels = axes.get_legend_handles_labels()
        marks = dict(zip(labels, handles, strict=True))
    if marks:
        columns = min(len(marks), _WIDTH // (max(map(len, marks)) + 7))
        where = {"loc": "outside lower center", "ncols": columns, "columnspacing": 1.6}
        figure.legend(marks.values(), marks.keys(), frameon=False, fontsize=9, **where)


def nothing(figure: Any, file: File, text: str = "no trial has finished") -> None:
    """Write a picture that says why it is empty."""
    for axes in figure.axes:
        axes.set_axis_off()
    figure.text(0.5, 0.5, text, ha="center", color="#666666")
    save(figure, file)


def save(figure: Any, file: File) -> None:
    """Write a figure with a palette, which takes a quarter of the bytes."""
    from PIL import Image

    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    palette = picture.quantize(_PALETTE, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette.save(file, format="png", optimize=True)


def outstanding(counted: Sequence[Row]) -> list[tuple[str, int, dict[str, Any]]]:
    """Return the label, the place and the style of a line of the best trial and the baseline.

    counted: the best first.
    """
    found: list[tuple[str, int, dict[str, Any]]] = []
    if counted:
        found.append((best_label(counted), 0, {"color": BEST, "linewidth": 2.8, "zorder": 4}))
    for i, row in enumerate(counted):
        if row.baseline:
            style = {"color": BASELINE, "linewidth": 1.8, "linestyle": "--", "zorder": 5}
            found.append(("baseline", i, style))
    return found


def best_label(counted: Sequence[Row]) -> str:
    """Return the legend's words for the best trial."""
    return f"best (trial {counted[0].number})"


def tail(text: str, letters: int) -> str:
    """Return a text that fits, by its end; a dollar begins no formula.

    >>> print(tail("schedule.decay_rate", 12), tail("$x", 5))
    ….decay_rate \\$x
    """
    fitting = text if len(text) <= letters else f"…{text[1 - letters :]}"
    return fitting.replace("$", r"\$")
