"""What a picture shows, as plain data: nothing is drawn here, and a page can draw the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """An axis from one end to another, or as far as what it shows.

    ticks: place -> text; None for round numbers. whole: whether it counts something.
    """

    label: str = ""
    ends: tuple[float, float] | None = None
    ticks: Mapping[float, str] | None = None
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

    number: of its trial. colour: where the kind does not decide it. stairs: y holds until the next
    x. ended: whether a mark stands at its end.
    """

    kind: str
    label: str
    x: Numbers
    y: Numbers
    number: int | None = None
    colour: str = ""
    stairs: bool = False
    ended: bool = False


@dataclass(frozen=True)
class Rule:
    """A vertical axis inside of a panel, with the text at heights in [0, 1]."""

    x: float
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Shades:
    """A scale of colours, the first the lowest.

    ends: of the values, for a scale beside the panels; of heights inside of a panel at x. beyond:
    "min" or "max", the end beyond which values share its colour.
    """

    label: str
    palette: tuple[str, ...]
    ends: tuple[float, float]
    log: bool = False
    beyond: str = "neither"


@dataclass(frozen=True)
class Panel:
    """Axes with what they show.

    title, note: above it, left and right. bars: lengths from below. band: heights in which what
    lies beyond the axis is. rules: axes that lines pass through, the last with the shades. span:
    over how many places of its row it reaches. height: in shares of the others'.
    """

    x: Axis
    y: Axis
    points: tuple[Points, ...] = ()
    lines: tuple[Line, ...] = ()
    title: str = ""
    note: str = ""
    bars: tuple[float, ...] = ()
    band: tuple[float, float] | None = None
    rules: tuple[Rule, ...] = ()
    shades: Shades | None = None
    span: int = 1
    height: float = 1.0


@dataclass(frozen=True)
class Picture:
    """Panels in rows of so many places, below each other with a common horizontal axis where a row
    has one, else with a common vertical one.

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


def places(spans: Sequence[int], across: int) -> list[tuple[int, int, int]]:
    """Return the row, the first place and the end of each panel; the last of a row fills it.

    >>> places([1, 1, 2, 1, 3], 3)
    [(0, 0, 1), (0, 1, 3), (1, 0, 2), (1, 2, 3), (2, 0, 3)]
    """
    found: list[tuple[int, int, int]] = []
    row = end = 0
    for span in spans:
        if end + span > across:
            found[-1] = (row, found[-1][1], across)
            row, end = row + 1, 0
        found.append((row, end, end + span))
        end += span
    return found
