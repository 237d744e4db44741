"""Figures of pictures, by matplotlib, which only this room knows."""

import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from runner.report.pictures.looks import BLUE, POINTS, line_style, tail
from runner.report.pictures.picture import Axis, Panel, Picture, Shades
from schedules.plot import blank, dress

_PALETTE = 96  # colours of a file
_LETTERS = 112  # of a line across the picture
_MANY = 60  # trials with a line: then they are thinner
_STRIP = 0.018  # of the picture's width: the colours at the last rule
_TIP = 0.06  # of the height: how far their arrow reaches
_TEXT: dict[str, Any] = {
    "textcoords": "offset points",
    "va": "center",
    "zorder": 6,
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.6},
}


def figure(picture: Picture) -> Any:
    """Return the figure of a picture."""
    found = blank(8.2, max(picture.height, 3.0))  # first: threads load matplotlib in one order
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    found.suptitle(picture.title, fontsize=11, x=0.01, ha="left")
    if not picture.panels:
        found.text(0.5, 0.5, picture.empty, ha="center", color="#666666")
        return found
    found.get_layout_engine().set(h_pad=0.07 if picture.across > 1 else None)
    plots = _plots(found, picture)
    for axes, panel in zip(plots, picture.panels, strict=True):
        _draw(axes, panel, picture)
    found.supylabel(picture.label, fontsize=10)
    if (shades := picture.shades) is not None and not picture.panels[0].rules:
        norm = (LogNorm if shades.scale.log else Normalize)(shades.scale.low, shades.scale.high)
        colours = ScalarMappable(norm, ListedColormap(shades.palette))
        style = {"extend": shades.beyond, "pad": 0.01, "aspect": 32}
        found.colorbar(colours, ax=plots, label=shades.label, **style)
    _legend(found, plots, picture.remarks)
    return found


def save(figure: Any, file: Any) -> None:
    """Write a figure as a PNG with a palette, which takes a quarter of the bytes.

    file: a path, or a binary file open for writing.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a letter that no font has is a box
        figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    palette = picture.quantize(_PALETTE, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette.save(file, format="png")


def _plots(figure: Any, picture: Picture) -> list[Any]:
    """Return axes for the panels, which share the horizontal ones below each other, else the
    vertical ones."""
    found = [panel.place or (i, 0, 1) for i, panel in enumerate(picture.panels)]
    stacked, rows = picture.panels[0].place is None, found[-1][0] + 1
    heights = [panel.height for panel in picture.panels] if stacked else None
    grid = figure.add_gridspec(rows, picture.across, height_ratios=heights)
    plots: list[Any] = []
    for row, left, right in found:
        shared = {"sharex" if stacked else "sharey": plots[0] if plots else None}
        axes = figure.add_subplot(grid[row, left:right], **shared)
        axes.tick_params(labelleft=left == 0, labelbottom=not stacked or row == rows - 1)
        plots.append(axes)
    return plots


def _draw(axes: Any, panel: Panel, picture: Picture) -> None:
    dress(axes)
    for points in panel.points:
        x, y = zip(*points.places.values(), strict=True)
        axes.scatter(x, y, label=points.label, **POINTS[points.kind])
    many, said = len({line.number for line in panel.lines}) >= _MANY, {""}
    for i, line in enumerate(panel.lines):
        label = "" if line.label in said else line.label
        style = line_style(line, many, 2 + i / len(panel.lines))
        axes.plot(line.x, line.y, label=label, **style)
        said.add(line.label)
    if panel.bars:
        drawn = axes.barh(range(len(panel.bars)), panel.bars, 0.65, color=BLUE)
        axes.bar_label(drawn, [f"{length:.2f}" for length in panel.bars], padding=4)
        axes.grid(visible=False, axis="y")
    if panel.band is not None:
        axes.axhspan(*panel.band, color="#efefef", zorder=0)
        axes.axhline(panel.band[0], color="#888888", linewidth=0.8, zorder=0.1)
    _, left, right = panel.place or (0, 0, 1)
    axes.set_title(tail(panel.title, 34 * (right - left)), fontsize=9)
    axes.set_title(panel.note, fontsize=8.5, color="#555555", loc="right")
    _scale(axes, "x", panel.x)
    _scale(axes, "y", panel.y)
    if picture.across > 1:
        axes.tick_params(labelsize=8)
    if panel.rules and picture.shades is not None:
        _rules(axes, panel, picture.shades)


def _scale(axes: Any, which: str, axis: Axis) -> None:
    mine = getattr(axes, f"{which}axis")
    if axis.log:
        getattr(axes, f"set_{which}scale")("log", nonpositive="mask")
    if axis.ticks is not None:
        axes.minorticks_off()
        mine.set_ticks(list(axis.ticks), [tail(text, axis.letters) for text in axis.ticks.values()])
    if axis.ends is not None:
        getattr(axes, f"set_{which}lim")(*axis.ends)
    if axis.whole:
        mine.get_major_locator().set_params(integer=True, min_n_ticks=1)
        mine.set_major_formatter(lambda x, _: f"{x:,.0f}")
    mine.set_label_text(axis.label)


def _rules(axes: Any, panel: Panel, shades: Shades) -> None:
    """Draw the axes that lines pass through, their names below, the colours at the last one."""
    *rules, last = panel.rules
    letters = min(max(105 // len(panel.rules), 6), 14)
    for x, ticks in enumerate(rules):
        axes.axvline(x, color="#444444", linewidth=0.9, zorder=5.5)
        beside: dict[str, Any] = {"xytext": (4, 0)} if x else {"xytext": (-4, 0), "ha": "right"}
        for height, text in ticks:
            size, shown = 11 if text == "-" else 8, tail(text, letters if x else 20)
            axes.annotate(shown, (x, height), fontsize=size, **beside, **_TEXT)
    right = len(rules) + _STRIP * (len(rules) + 0.5)
    _colours(axes, len(rules), right, shades)
    for height, text in last:
        axes.annotate(text, (right, height), (4, 0), fontsize=8, **_TEXT)
    names = [_wrapped(name) for name in (panel.x.ticks or {}).values()]
    axes.set_xticks(range(len(names)), names, fontsize=8)
    if len(names) > 7:
        axes.tick_params(axis="x", rotation=30)
        for label in axes.get_xticklabels():
            label.set(horizontalalignment="right", rotation_mode="anchor")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0)


def _colours(axes: Any, left: float, right: float, shades: Shades) -> None:
    """Draw a strip of colours, with an arrow towards what shares the last one."""
    from matplotlib.colors import to_rgb

    bottom, top = shades.scale.low, shades.scale.high
    strip = np.array([[to_rgb(colour)] for colour in shades.palette])
    style = {"origin": "lower", "aspect": "auto", "interpolation": "nearest", "zorder": 3}
    x, y = axes.get_xlim(), axes.get_ylim()
    axes.imshow(strip, extent=(left, right, bottom, top), **style)
    axes.set(xlim=x, ylim=y)
    if shades.beyond != "neither":
        low = shades.beyond == "min"
        end, tip = (bottom, _TIP) if low else (top, 1 - _TIP)
        middle, colour = (left + right) / 2, shades.palette[0 if low else -1]
        axes.fill([left, right, middle], [end, end, tip], color=colour, zorder=3)


def _wrapped(label: str) -> str:
    """Return a key over two lines where it is long."""
    group, dot, rest = label.rpartition(".")
    return f"{tail(group, 16)}.\n{tail(rest, 20)}" if dot else tail(label, 20)


def _legend(figure: Any, plots: Sequence[Any], remarks: Sequence[str]) -> None:
    """Explain below the picture what is labelled in its plots, each label once, below remarks."""
    marks: dict[str, Any] = {}
    for axes in plots:
        for mark, label in zip(*axes.get_legend_handles_labels(), strict=True):
            marks.setdefault(label, mark)
    if not marks:
        return
    most = _LETTERS // (max(map(len, marks)) + 7)
    box = figure.legend(
        marks.values(),
        marks.keys(),
        title=textwrap.fill("; ".join(remarks), _LETTERS),
        title_fontproperties={"size": 8.5},
        fontsize=9,
        loc="outside lower center",
        ncols=-(-len(marks) // -(-len(marks) // most)),  # as many in each line
        columnspacing=1.6,
        frameon=False,
    )
    for mark in box.legend_handles:
        mark.set_alpha(1)
    for line in box.get_lines():
        line.set_linewidth(max(line.get_linewidth(), 1.5))
