"""The elements of an ordered list, drawn one after the other.

The next element is found from the element before, how many elements are left (this one included)
and a number in [0, 1].
"""

import bisect
import math
from dataclasses import dataclass
from fractions import Fraction

from runner.space.interval import Interval
from runner.space.quantities import exact

_DIGITS = 12  # of a number drawn into an ordered list; floats keep them through powers and logs


@dataclass(frozen=True)
class Grid:
    """The places low, low + step, ... of a list that rises or falls, exactly counted."""

    low: Fraction
    step: Fraction
    size: int
    decreasing: bool

    def decode(self, before: Fraction | None, left: int, number: float) -> Fraction:
        """Return the next element that a number gives."""
        first, free = self._free(before)
        total = math.comb(free, left)
        rank = min(math.floor(Fraction(number) * total), total - 1)  # 1.0 is the last one
        place = bisect.bisect_right(
            range(free), rank, key=lambda place: self._lists_upto(place, free, left)
        )
        return self.low + (first + place) * self.step

    def encode(self, before: Fraction | None, left: int, amount: Fraction) -> float:
        """Return the middle of the numbers that give the next element."""
        return float(sum(self.preimage(before, left, amount)) / 2)

    def preimage(
        self, before: Fraction | None, left: int, amount: Fraction
    ) -> tuple[Fraction, Fraction]:
        """Return from where to where numbers give the next element."""
        first, free = self._free(before)
        place, total = self._position(amount) - first, math.comb(free, left)
        below, upto = (self._lists_upto(x, free, left) for x in (place - 1, place))
        return Fraction(below, total), Fraction(upto, total)

    def _position(self, amount: Fraction) -> int:
        return int((amount - self.low) / self.step)

    def _free(self, before: Fraction | None) -> tuple[int, int]:
        """Return the first position that is still free after an element, and how many are."""
        if before is None:
            return 0, self.size
        place = self._position(before)
        return (0, place) if self.decreasing else (place + 1, self.size - place - 1)

    def _lists_upto(self, place: int, free: int, left: int) -> int:
        """Return how many lists of the elements left have the next one at most at a place."""
        if self.decreasing:
            return math.comb(place + 1, left)
        return math.comb(free, left) - math.comb(free - 1 - place, left)


@dataclass(frozen=True)
class Continuum:
    """The numbers of an interval for a list that rises or falls, spread by order statistics."""

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
