"""How trials look in figures."""

from typing import Any

from runner.report.pictures.picture import Line
from schedules.plot import COLOURS

ANSWER, BEST, BASELINE = "answer", "best of the search", "baseline"
BLUE, _ORANGE, _GREEN, _PINK, _YELLOW, _SKY, _BLACK, _GREY = COLOURS
_MAGENTA, _RED = "#C2188B", "#C62828"
_STANDING = {"zorder": 3, "edgecolors": "white", "linewidths": 0.7}
_ELEMENT = {"s": 22, "alpha": 0.65, "linewidths": 0}
POINTS: dict[str, dict[str, Any]] = {
    ANSWER: {"color": _ORANGE, "marker": "*", "s": 190, **_STANDING},
    BEST: {"color": _MAGENTA, "marker": "P", "s": 66, **_STANDING},
    BASELINE: {"color": _BLACK, "marker": "D", "s": 36, **_STANDING},
    "trial": {"facecolors": BLUE, "edgecolors": BLUE, "s": 26},
    "copy of a trial": {"facecolors": "none", "edgecolors": BLUE, "s": 26},
    "beyond ↓": {"color": BLUE, "marker": "v", "s": 24},
    "beyond ↑": {"color": BLUE, "marker": "^", "s": 24},
    "pruned": {"color": _GREY, "marker": "|", "s": 24},
    "diverged": {"color": _BLACK, "marker": "x", "s": 24},
    "diverged run": {"color": _RED, "marker": "X", "s": 60},
    "stopped run": {"color": _GREY, "marker": "|", "s": 60},
    "failed": {"color": _YELLOW, "marker": "+", "s": 24},
    "element 0": {"color": BLUE, "marker": "o", **_ELEMENT},
    "element 1": {"color": _GREEN, "marker": "o", **_ELEMENT},
    "element 2": {"color": _YELLOW, "marker": "s", **_ELEMENT},
    "element 3": {"color": _SKY, "marker": "^", **_ELEMENT},
    "element 4": {"color": _PINK, "marker": "v", **_ELEMENT},
}
_LINES: dict[str, dict[str, Any]] = {  # pairs are for few lines and for many
    ANSWER: {"color": _ORANGE, "linewidth": 2.8, "zorder": 5},
    BEST: {"color": _MAGENTA, "linewidth": 2.2, "zorder": 4.8},
    BASELINE: {"color": _BLACK, "linewidth": 1.8, "linestyle": "--", "zorder": 5.2},
    "best so far": {"color": _MAGENTA, "linewidth": 1.5, "zorder": 0.9},
    "value of the baseline": {"color": _BLACK, "linestyle": "--", "linewidth": 1.2, "zorder": 0.9},
    "trial": {"linewidth": (1.6, 0.9)},
    "pale": {"linewidth": (0.8, 0.45), "alpha": 0.35},
    "better": {"linewidth": (1.6, 1.2)},
    "worse": {"color": "#B7C4D1", "linewidth": (0.9, 0.6), "alpha": (0.9, 0.5)},
    "pruned": {"color": "#CFBB8B", "linewidth": (0.9, 0.6), "alpha": (0.9, 0.5)},
    "diverged": {"color": "#E59E9E", "linewidth": (0.9, 0.6), "alpha": (0.9, 0.5)},
    "run": {},
    "diverged run": {"color": _RED, "linestyle": (0, (4, 2))},
    "stopped run": {"color": _GREY, "linestyle": (0, (1, 1.5))},
}


def line_style(line: Line, many: bool, zorder: float) -> dict[str, Any]:
    """Return how a line looks: one of many, at a height among those that do not stand out."""
    style = {"color": line.colour, "zorder": zorder, **_LINES[line.kind]}
    for key in ("linewidth", "alpha"):
        if isinstance(look := style.get(key), tuple):
            style[key] = look[many]
    if line.width is not None:
        style["linewidth"] = line.width
    if line.ended:
        point = POINTS[line.kind]
        style |= {"marker": point["marker"], "markersize": point["s"] ** 0.5, "markevery": [-1]}
        style |= {"markeredgecolor": "white", "markeredgewidth": 0.7}
    return style | {"drawstyle": "steps-post" if line.stairs else "default"}


def tail(text: str, letters: int) -> str:
    """Return a text that fits, by its end; a dollar begins no formula.

    >>> print(tail("schedule.decay_rate", 12), tail("$x", 5))
    ….decay_rate \\$x
    """
    fitting = text if len(text) <= letters else f"…{text[1 - letters :]}"
    return fitting.replace("$", r"\$")
