"""Elements of an ordered list that lie on a grid, exactly counted."""

import bisect
import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Grid:
    """The places low, low + step, ... of a list that rises, or falls when it is decreasing.

    The next element is found from the element before, how many elements are left (this one
    included) and a number in [0, 1].
    """

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
