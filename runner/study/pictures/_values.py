"""The values of the first goal as pictures show them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.study.definition import MAXIMIZE, Definition
from runner.study.rows import Row, ranked
from runner.table import heading

_FAR = 3  # times the distance from the best to the median
_LOG = 1000  # of losses: the worst over the best


@dataclass(frozen=True)
class Values:
    """How values are shown, the numbers as the goal has them.

    low, high: the ends of an axis. far: whether some values lie beyond. pale: the value of the
    palest colour, which the baseline does not decide. log: whether axes are logarithmic.
    """

    metric: str
    upwards: bool
    low: float
    high: float
    far: bool
    pale: float
    log: bool = False

    @classmethod
    def of(cls, rows: Sequence[Row], definition: Definition) -> "Values":
        """Return how the values of some trials are shown."""
        goal = definition.goals[0]
        upwards = goal.direction == MAXIMIZE
        counted = [row.objective[0] for row in ranked(rows, definition)]
        if not counted:
            return cls(goal.metric, upwards, 0.0, 1.0, far=False, pale=0.0)
        best, worst = counted[0], counted[-1]
        log = not upwards and best > 0 and worst / best > _LOG
        reach = 0 if log else _FAR * abs(statistics.median(counted) - best)
        near = sum(abs(value - best) <= reach for value in counted) if reach else len(counted)
        kept = counted[:near] + [row.objective[0] for row in rows if row.counts and row.baseline]
        low, high = min(kept), max(kept)
        far = not low <= worst <= high
        if low == high:
            low, high = low - abs(low) * 0.01 - 1e-6, high + abs(high) * 0.01 + 1e-6
        pale = counted[near - 1]
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
        return f"{self.title}{self.unit}" + ("" if self.upwards else ", lower is better")

    @property
    def arrow(self) -> str:
        """The marker of a value beyond the axis."""
        return "v" if self.upwards else "^"

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value of an axis, scaled."""
        return self.scaled(self.low), self.scaled(self.high)

    def is_far(self, value: float) -> bool:
        """Return whether a value lies beyond the axis."""
        return not self.low <= value <= self.high

    def within(self, value: float) -> float:
        """Return a value, or the end of the axis that it lies beyond."""
        return min(max(value, self.low), self.high)

    def scaled(self, value: float) -> float:
        """Return a value in the unit of the picture."""
        return value * self.factor

    def dress(self, axes: Any) -> None:
        """Make the vertical axis one of values."""
        low, high = self.ends
        if self.log:
            axes.set_yscale("log")
            margin = (high / low) ** 0.06
            axes.set_ylim(low / margin, high * margin)
        else:
            margin = 0.06 * (high - low)
            axes.set_ylim(low - margin, high + margin)

    def colour(self, row: Row) -> Any:
        """Return a trial's colour."""
        return self.colours.to_rgba(self.scaled(row.objective[0]))

    def gradient(self, count: int) -> NDArray[np.float64]:
        """Return the colours from the lowest to the highest value of an axis, even on it."""
        spaced = np.geomspace if self.log else np.linspace
        colours: NDArray[np.float64] = self.colours.to_rgba(spaced(*self.ends, count))
        return colours

    @cached_property
    def colours(self) -> Any:
        """Viridis without its palest end; better is darker."""
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import ListedColormap, LogNorm, Normalize

        shades = colormaps["viridis"](np.linspace(0, 0.93, 64))
        palette = ListedColormap(shades[::-1] if self.upwards else shades)
        ends = (self.pale, self.high) if self.upwards else (self.low, self.pale)
        low, high = map(self.scaled, ends)
        norm = LogNorm(low, high) if self.log else Normalize(low, high)
        return ScalarMappable(norm, palette)
