"""What a picture shows, as plain data: nothing is drawn here, and a page can draw the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.report.pictures.scale import Scale

Numbers = NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """An axis from one end to another, or as far as what it shows.

    ticks: place -> text, of at most so many letters; None for round numbers. whole: whether it
    counts something.
    """

    label: str = ""
    ends: tuple[float, float] | None = None
    ticks: Mapping[float, str] | None = None
    letters: int = 40
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Points:
    """Trials as points in the unit of their axes, by their numbers.

    kind: how they look. label: the legend's words.
    """

    kind: str
    label: str
    places: Mapping[int, tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A line through points; y may be nan where it has a gap.

    number: of its trial. colour, width: where the kind does not decide it. stairs: y holds until
    the next x. ended: whether a mark stands at its end.
    """

    kind: str
    label: str
    x: Numbers
    y: Numbers
    number: int | None = None
    colour: str = ""
    stairs: bool = False
    ended: bool = False
    width: float | None = None


@dataclass(frozen=True)
class Shades:
    """A scale of colours, the first the lowest.

    scale: of the values, for colours beside the panels; of heights, inside of a panel. beyond:
    "min" or "max", the end beyond which values share its colour.
    """

    label: str
    palette: tuple[str, ...]
    scale: Scale
    beyond: str = "neither"


@dataclass(frozen=True)
class Panel:
    """Axes with what they show.

    title, note: above it, left and right. bars: lengths from below. band: heights in which what
    lies beyond the axis is. rules: the heights in [0, 1] and texts of ticks, of vertical axes at 0,
    1 and so on, the last with the picture's shades. place: its row, and its first place and its end
    there. height: in shares of the others'.
    """

    x: Axis
    y: Axis
    points: tuple[Points, ...] = ()
    lines: tuple[Line, ...] = ()
    title: str = ""
    note: str = ""
    bars: tuple[float, ...] = ()
    band: tuple[float, float] | None = None
    rules: tuple[Sequence[tuple[float, str]], ...] = ()
    place: tuple[int, int, int] | None = None
    height: float = 1.0


@dataclass(frozen=True)
class Picture:
    """Panels below each other with a common horizontal axis, or at places in rows of so many with a
    common vertical one.

    height: in inches. remarks: how it is to be read. empty: said where there is no panel; where
    that is nothing, there is no picture. label: of all vertical axes.
    """

    title: str
    panels: tuple[Panel, ...]
    height: float = 5.2
    across: int = 1
    remarks: tuple[str, ...] = ()
    shades: Shades | None = None
    label: str = ""
    empty: str = "no trial has finished"
