"""The values of the first goal as pictures show them."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from runner.report.pictures.picture import Shades
from runner.report.pictures.scale import Scale
from runner.results.definition import Goal
from runner.results.metrics import MAXIMIZE, heading, metric
from runner.results.rows import Row

_FAR = 3  # times the distance from the best to the median
_LOG = 1000  # of losses: the worst over the best
_MARGIN = 0.06  # of an axis: on each side of its values
# viridis without its palest end, dark to pale
_SHADES: tuple[str, ...] = ("#440154", "#482576", "#404588", "#33628d", "#297b8e")
_SHADES += ("#1f948c", "#26ad81", "#50c46a", "#8bd646", "#d2e21b")
_VISIBLE = 8  # of them stand out from white as a line
_STRIP = 0.14  # of an axis: the strip of what lies beyond it


@dataclass(frozen=True)
class Values:
    """How values are shown, in the unit of the picture.

    shown: from the lowest to the highest value on an axis. far: whether some lie beyond it. pale:
    the value of the palest colour, which the baseline does not decide.
    """

    metric: str
    upwards: bool
    shown: Scale
    far: bool
    pale: float

    @classmethod
    def of(cls, counted: Sequence[Row], goal: Goal, answer: int | None = None) -> "Values":
        """Return how the values of trials, the best first, are shown.

        answer: the number of a trial that the axis has room for.
        """
        upwards, unit = goal.direction == MAXIMIZE, metric(goal.metric).factor
        found = [row.objective[0] for row in counted]
        if not found:
            return cls(goal.metric, upwards, Scale(0.0, unit), far=False, pale=0.0)
        best, worst = found[0], found[-1]
        log = not upwards and best > 0 and worst / best > _LOG
        reach = 0 if log else _FAR * abs(statistics.median(found) - best)
        kept = [value for value in found if abs(value - best) <= reach or not reach]
        kept += [row.objective[0] for row in counted if row.number == answer and not row.baseline]
        near = _reaching(kept, found, log)
        baseline = [row.objective[0] for row in counted if row.baseline]
        whole = _reaching([near.low, near.high, *baseline], found, log)
        low, high = whole.low, whole.high
        far = not low <= worst <= high
        if low == high:
            low, high = low - abs(low) * 0.01 - 1e-6, high + abs(high) * 0.01 + 1e-6
        pale = near.low if upwards else near.high
        if pale == best:
            pale = low if upwards else high
        return cls(goal.metric, upwards, Scale(low * unit, high * unit, log), far, pale * unit)

    @property
    def title(self) -> str:
        """The metric's name."""
        return heading(self.metric)

    @property
    def name(self) -> str:
        """The metric's name, in brackets its unit, and whether it is logarithmic."""
        unit = metric(self.metric).unit
        return f"{self.title}{f' ({unit})' if unit else ''}{' (log)' if self.shown.log else ''}"

    @property
    def label(self) -> str:
        """What stands beside an axis."""
        return self.name if self.upwards else f"{self.name}, lower is better"

    @property
    def beyond(self) -> str:
        """What the strip of values beyond the axis is called."""
        return f"beyond {'↓' if self.upwards else '↑'}"

    @property
    def axis(self) -> Scale:
        """The scale of an axis, with margins."""
        return self.shown.widened(_MARGIN)

    @property
    def strip(self) -> tuple[float, float, float]:
        """The begin, the middle and the end of a strip beside an axis, on its worse side."""
        axis = self.axis
        begin, middle, end = axis, axis.widened(_STRIP / 2), axis.widened(_STRIP)
        if self.upwards:
            return begin.low, middle.low, end.low
        return begin.high, middle.high, end.high

    @property
    def coloured(self) -> Scale:
        """From the lowest to the highest value with a colour of its own."""
        low, high = self.shown.low, self.shown.high
        ends = (self.pale, high) if self.upwards else (low, self.pale)
        return Scale(*ends, self.shown.log)

    def height(self, row: Row) -> float:
        """Return a trial's value in the unit of the picture."""
        return row.objective[0] * metric(self.metric).factor

    def is_far(self, height: float) -> bool:
        """Return whether a value lies beyond the axis."""
        return not self.shown.low <= height <= self.shown.high

    def is_pale(self, height: float) -> bool:
        """Return whether a value is worse than that of the palest colour, which it shares."""
        return height < self.pale if self.upwards else height > self.pale

    def shade(self, height: float) -> str:
        """Return the colour of a value: of equal parts of the scale one each."""
        palette = self.shades([]).palette
        share = float(np.clip(self.coloured.share(height), 0, 1))
        return palette[min(int(share * len(palette)), len(palette) - 1)]

    def shades(self, heights: Iterable[float]) -> Shades:
        """Return the colours of values; better is darker."""
        palette = _SHADES[::-1] if self.upwards else _SHADES
        side = "min" if self.upwards else "max"
        beyond = side if any(map(self.is_pale, heights)) else "neither"
        return Shades(self.label, palette, self.coloured, beyond)


def spaced(count: int) -> list[str]:
    """Return the colours of so many lines, the best one's first, which is the darkest.

    >>> spaced(1), spaced(3)
    (['#440154'], ['#440154', '#297b8e', '#50c46a'])
    """
    last = _VISIBLE - 1
    return [_SHADES[round(place * last / max(count - 1, 1))] for place in range(count)]


def _reaching(kept: Sequence[float], found: Sequence[float], log: bool) -> Scale:
    """Return the scale of the values kept and of those that its axis has room for anyway."""
    scale = Scale(min(kept), max(kept), log)
    axis = scale.widened(_MARGIN)
    inside = [value for value in found if axis.low <= value <= axis.high]
    if (min(inside), max(inside)) == (scale.low, scale.high):
        return scale
    return _reaching(inside, found, log)
