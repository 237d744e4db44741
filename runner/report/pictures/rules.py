"""Axes that lines pass through, inside of a panel."""

from typing import Any

import numpy as np

from runner.report.pictures.looks import tail
from runner.report.pictures.picture import Panel, Shades

_STRIP = 0.018  # of the picture's width: the colours at the last rule
_TIP = 0.06  # of the height: how far their arrow reaches
_TEXT: dict[str, Any] = {
    "textcoords": "offset points",
    "va": "center",
    "zorder": 6,
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.6},
}


def draw_rules(axes: Any, panel: Panel, shades: Shades) -> None:
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
