"""What the pictures share: colours, a blank figure, its legend, its file."""

import textwrap
from collections.abc import Sequence
from os import PathLike
from typing import Any, BinaryIO

import numpy as np

File = str | PathLike[str] | BinaryIO

COLOURS = ("#0072B2", "#009E73", "#E69F00", "#56B4E9", "#CC79A7")  # Okabe and Ito's
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


def legend(figure: Any, plots: Sequence[Any], *sentences: str) -> None:
    """Explain below the picture what is labelled in its plots, each label once.

    sentences: how it is to be read, above; empty ones are left out.
    """
    marks: dict[str, Any] = {}
    for axes in plots:
        for mark, label in zip(*axes.get_legend_handles_labels(), strict=True):
            marks.setdefault(label, mark)
    if not marks:
        return
    most = _WIDTH // (max(map(len, marks)) + 7)
    box = figure.legend(
        marks.values(),
        marks.keys(),
        title=textwrap.fill("; ".join(filter(None, sentences)), _WIDTH),
        title_fontproperties={"size": 8.5},
        fontsize=9,
        loc="outside lower center",
        ncols=-(-len(marks) // -(-len(marks) // most)),  # as many in each line
        columnspacing=1.6,
        frameon=False,
    )
    for mark in box.legend_handles:
        mark.set_alpha(1)


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


def tail(text: str, letters: int) -> str:
    """Return a text that fits, by its end; a dollar begins no formula.

    >>> print(tail("schedule.decay_rate", 12), tail("$x", 5))
    ….decay_rate \\$x
    """
    fitting = text if len(text) <= letters else f"…{text[1 - letters :]}"
    return fitting.replace("$", r"\$")
