"""Where cycles begin, how long they are and where they peak, in whole steps."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from schedules.durations import MAX_STEPS
from schedules.schedule import Steps

Piece = tuple[int, int]  # a cycle's start and its length


class EqualCycles:
    """Cycles of one length, found by division; `limit` of them, or without an end."""

    def __init__(self, length: int, fraction: float, limit: int | None) -> None:
        self._length = length
        self._ramp = share_of(fraction, length)
        self.end = None if limit is None else min(limit * length, MAX_STEPS + 1)

    def locate(self, t: Steps) -> tuple[Steps, Any]:
        """Of each step: its cycle, and the steps since that cycle's peak."""
        cycle = t // self._length
        if self.end is not None:
            np.minimum(cycle, (self.end - 1) // self._length, out=cycle)
        since_peak = cycle * -self._length
        since_peak += t
        since_peak -= self._ramp
        return cycle, since_peak

    def ramp(self, cycle: Steps) -> Any:
        """The steps of a cycle's ramp."""
        return self._ramp

    def fall(self, cycle: Steps) -> Any:
        """The steps of a cycle after its ramp."""
        return self._length - self._ramp


class ListedCycles:
    """Cycles of any lengths, found in a table."""

    def __init__(self, pieces: Sequence[Piece], fraction: float, limited: bool) -> None:
        ramps = [share_of(fraction, length) for _, length in pieces]
        falls = [length - ramp for (_, length), ramp in zip(pieces, ramps, strict=True)]
        # Lengths past 2**53 exist only in the last entry, which no step reaches the end of.
        self._starts = np.array([start for start, _ in pieces])
        self._ramps = np.array(ramps, dtype=float)
        self._falls = np.array(falls, dtype=float)
        self._peaks = self._starts + self._ramps
        self.end = min(sum(pieces[-1]), MAX_STEPS + 1) if limited else None

    def locate(self, t: Steps) -> tuple[Steps, Any]:
        cycle = np.searchsorted(self._starts, t, side="right")
        cycle -= 1
        return cycle, t - self._peaks[cycle]

    def ramp(self, cycle: Steps) -> Any:
        return self._ramps[cycle]

    def fall(self, cycle: Steps) -> Any:
        return self._falls[cycle]


def cut(boundaries: Sequence[int], end: int) -> Iterator[Piece]:
    """The pieces of 0 .. end between the boundaries."""
    yield from ((a, b - a) for a, b in pairwise([0, *boundaries, end]))


def growing(first: int, multiplier: float) -> Iterator[Piece]:
    """Cycles each `multiplier` times as long as the one before, as far as steps are counted."""
    # 100 digits keep the product exact for as long as it can end in a half.
    context, start = Context(prec=100), 0
    length, factor = Decimal(first), Decimal(repr(multiplier))
    while start <= MAX_STEPS:
        whole = int((length + Decimal("0.5")).to_integral_value(ROUND_FLOOR))
        yield start, whole
        start += whole
        length = context.multiply(length, factor)


def share_of(fraction: float, length: int) -> int:
    """That share of a length, by its decimal text, to the nearest whole step, halves up."""
    part, whole = _ratio(fraction)
    return (2 * part * length + whole) // (2 * whole)


@lru_cache(maxsize=64)
def _ratio(fraction: float) -> tuple[int, int]:
    return Fraction(repr(fraction)).as_integer_ratio()
