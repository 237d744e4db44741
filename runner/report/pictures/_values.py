"""The values of the first goal as pictures show them."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from runner.report.words import heading
from runner.results.definition import MAXIMIZE, Definition
from runner.results.rows import Row, ranked

_FAR = 3  # times the distance from the best to the median
_LOG = 1000  # of losses: the worst over the best
_MARGIN = 0.06  # of an axis: on each side of its values
_SHADES = 10  # colours
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
    def of(cls, rows: Sequence[Row], definition: Definition, answer: int | None = None) -> "Values":
        """Return how the values of some trials are shown, with room for the answer's."""
        goal = definition.goals[0]
        upwards = goal.direction == MAXIMIZE
        counted = ranked(rows, definition)
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
    def factor(self) -> float:
        """What values are multiplied with."""
        return 100.0 if self.metric.endswith("accuracy") else 1.0

    @property
    def title(self) -> str:
        """The metric's name."""
        return heading(self.metric)

    @property
    def unit(self) -> str:
        """The unit of the values, in brackets."""
        return " (%)" if self.factor == 100 else ""

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
    def axis(self) -> tuple[float, float]:
        """The ends of an axis, scaled."""
        low, high = _margins(self.low, self.high, _MARGIN, self.log)
        return self.scaled(low), self.scaled(high)

    @property
    def strip(self) -> tuple[float, float]:
        """The middle and the end of a strip beside an axis, on its worse side, scaled."""
        side = 0 if self.upwards else 1
        middle, end = (
            _margins(*self.axis, share, self.log)[side] for share in (_STRIP / 2, _STRIP)
        )
        return middle, end

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
        return value * self.factor

    def dress(self, axes: Any) -> None:
        """Make the vertical axis one of values."""
        axes.set_yscale("log" if self.log else "linear")
        axes.set_ylim(*self.axis)

    def colour(self, row: Row) -> Any:
        """Return a trial's colour."""
        return self.colours.to_rgba(self.scaled(row.objective[0]))

    @cached_property
    def colours(self) -> Any:
        """A few shades of viridis without its palest end; better is darker."""
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import ListedColormap, LogNorm, Normalize

        shades = colormaps["viridis"](np.linspace(0, 0.93, _SHADES))
        palette = ListedColormap(shades[::-1] if self.upwards else shades)
        norm = LogNorm(*self.coloured) if self.log else Normalize(*self.coloured)
        return ScalarMappable(norm, palette)


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
