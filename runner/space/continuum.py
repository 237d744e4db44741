"""Elements of an ordered list that are real numbers, spread by order statistics."""

import math
from dataclasses import dataclass
from fractions import Fraction

from runner.space.interval import Interval
from runner.space.quantities import exact

_DIGITS = 12  # of a number drawn into an ordered list; floats keep them through powers and logs


@dataclass(frozen=True)
class Continuum:
    """The numbers of an interval for a list that rises, or falls when it is decreasing.

    The next element is found from the element before, how many elements are left (this one
    included) and a number in [0, 1].
    """

    interval: Interval
    decreasing: bool

    @property
    def size(self) -> int:
        """How many elements are surely told from each other."""
        low, high = exact(self.interval.low), exact(self.interval.high)
        return int((high - low) / self._resolution(self.interval.high)) + 1

    def decode(self, before: Fraction | None, left: int, number: float) -> Fraction:
        """Return the next element that a number gives."""
        low, high = self._ends(before)
        if self.decreasing:
            place = low + (high - low) * number ** (1 / left)
        else:
            place = high - (high - low) * (1 - number) ** (1 / left)
        value = math.exp(place) if self.interval.log else place
        amount = round(Fraction(value) / (unit := self._resolution(value))) * unit
        # the neighbours stay apart, also where rounding or a number at an end brings them together
        bottom, top = exact(self.interval.low), exact(self.interval.high)
        room = (left - 1) * self._resolution(self.interval.high)
        if self.decreasing:
            top = top if before is None else before - self._resolution(float(before))
            bottom += room
        else:
            bottom = bottom if before is None else before + self._resolution(float(before))
            top -= room
        return min(max(amount, bottom), top)

    def encode(self, before: Fraction | None, left: int, amount: Fraction) -> float:
        """Return a number that gives the next element."""
        low, high = self._ends(before)
        place = math.log(amount) if self.interval.log else float(amount)
        share = (place - low if self.decreasing else high - place) / (high - low)
        share = min(max(share, 0.0), 1.0) ** left
        return share if self.decreasing else 1 - share

    def _ends(self, before: Fraction | None) -> tuple[float, float]:
        low, high = exact(self.interval.low), exact(self.interval.high)
        if before is not None:
            low, high = (low, before) if self.decreasing else (before, high)
        return (math.log(low), math.log(high)) if self.interval.log else (float(low), float(high))

    def _resolution(self, value: float) -> Fraction:
        """Return how far apart values are told from each other, about a value."""
        interval = self.interval
        if interval.unit:
            return Fraction(1, 10**interval.places)
        scale = value if interval.log else max(abs(interval.low), abs(interval.high))
        return Fraction(10) ** (math.floor(math.log10(scale)) - _DIGITS + 1)
