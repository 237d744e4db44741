"""The values of the first goal as pictures show them."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runner.report.words import heading
from runner.results import metrics
from runner.results.definition import Goal
from runner.results.metrics import MAXIMIZE
from runner.results.rows import Row

_FAR = 3  # times the distance from the best to the median
_LOG = 1000  # of losses: the worst over the best
_MARGIN = 0.06  # of an axis: on each side of its values
# viridis without its palest end, dark to pale
_SHADES: tuple[str, ...] = ("#440154", "#482576", "#404588", "#33628d", "#297b8e")
_SHADES += ("#1f948c", "#26ad81", "#50c46a", "#8bd646", "#d2e21b")
_STRIP = 0.14  # of an axis: the strip of what lies beyond it


@dataclass(frozen=True)
class Values:
    """How values are shown, the numbers as the goal has them.

    low, high: the lowest and the highest value on an axis. far: whether some lie beyond it. pale:
    the value of the palest colour, which the baseline does not decide. log: whether axes are
    logarithmic.
    """

    metric: str
    upwards: bool
    low: float
    high: float
    far: bool
    pale: float
    log: bool = False

    @classmethod
    def of(cls, counted: Sequence[Row], goal: Goal, answer: int | None = None) -> "Values":
        """Return how the values of trials, the best first, are shown.

        answer: the number of a trial that the axis has room for.
        """
        upwards = goal.direction == MAXIMIZE
        found = [row.objective[0] for row in counted]
        if not found:
            return cls(goal.metric, upwards, 0.0, 1.0, far=False, pale=0.0)
        best, worst = found[0], found[-1]
        log = not upwards and best > 0 and worst / best > _LOG
        reach = 0 if log else _FAR * abs(statistics.median(found) - best)
        near = {value for value in found if abs(value - best) <= reach} if reach else set(found)
        near |= {row.objective[0] for row in counted if row.number == answer and not row.baseline}
        near = _joined(near, found, log)
        kept = near | {row.objective[0] for row in counted if row.baseline}
        kept = _joined(kept, found, log)
        low, high = min(kept), max(kept)
        far = not low <= worst <= high
        if low == high:
            low, high = low - abs(low) * 0.01 - 1e-6, high + abs(high) * 0.01 + 1e-6
        pale = min(near) if upwards else max(near)
        if pale == best:
            pale = low if upwards else high
        return cls(goal.metric, upwards, low, high, far, pale, log)

    @property
    def title(self) -> str:
        """The metric's name."""
        return heading(self.metric)

    @property
    def unit(self) -> str:
        """The unit of the values, in brackets."""
        unit = metrics.metric(self.metric).unit
        return f" ({unit})" if unit else ""

    @property
    def label(self) -> str:
        """What stands beside an axis."""
        log = " (log)" if self.log else ""
        return f"{self.title}{self.unit}{log}" + ("" if self.upwards else ", lower is better")

    @property
    def beyond(self) -> str:
        """What the strip of values beyond the axis is called."""
        return f"beyond {'↓' if self.upwards else '↑'}"

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of an axis, scaled."""
        low, high = _margins(self.low, self.high, _MARGIN, self.log)
        return self.scaled(low), self.scaled(high)

    @property
    def strip(self) -> tuple[float, float, float]:
        """The begin, the middle and the end of a strip beside an axis, on its worse side."""
        side = 0 if self.upwards else 1
        middle, end = (
            _margins(*self.ends, share, self.log)[side] for share in (_STRIP / 2, _STRIP)
        )
        return self.ends[side], middle, end

    @property
    def coloured(self) -> tuple[float, float]:
        """The lowest and the highest value with a colour of its own, scaled."""
        low, high = (self.pale, self.high) if self.upwards else (self.low, self.pale)
        return self.scaled(low), self.scaled(high)

    def is_far(self, value: float) -> bool:
        """Return whether a value lies beyond the axis."""
        return not self.low <= value <= self.high

    def is_pale(self, value: float) -> bool:
        """Return whether a value is worse than that of the palest colour, which it shares."""
        return value < self.pale if self.upwards else value > self.pale

    def scaled(self, value: float) -> float:
        """Return a value in the unit of the picture."""
        return value * metrics.metric(self.metric).factor

    @property
    def palette(self) -> tuple[str, ...]:
        """The colours of equal parts of `coloured`, from the lowest; better is darker."""
        return _SHADES[::-1] if self.upwards else _SHADES

    def shade(self, value: float) -> str:
        """Return the colour of a value."""
        low, high = self.coloured
        scaled = min(max(self.scaled(value), low), high)
        if self.log:
            low, high, scaled = math.log(low), math.log(high), math.log(scaled)
        share = (scaled - low) / (high - low)
        return self.palette[min(int(share * len(self.palette)), len(self.palette) - 1)]


def _margins(low: float, high: float, share: float, log: bool) -> tuple[float, float]:
    """Return the ends of an axis that is longer by a share on each side."""
    if log:
        factor = (high / low) ** share
        return low / factor, high * factor
    margin = share * (high - low)
    return low - margin, high + margin


def _joined(kept: set[float], found: Iterable[float], log: bool) -> set[float]:
    """Return the values kept and those that the axis around them has room for anyway."""
    low, high = _margins(min(kept), max(kept), _MARGIN, log)
    more = {value for value in found if low <= value <= high} - kept
    return _joined(kept | more, found, log) if more else kept
