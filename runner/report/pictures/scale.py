"""A stretch of numbers, as axes and colours have it."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUNDING = 1e-9  # of a step: the end of an axis is on it
_GAP = 2  # letters between two ticks


@dataclass(frozen=True)
class Scale:
    """The numbers from the lowest to the highest; if log, above 0 and in equal ratios."""

    low: float
    high: float
    log: bool = False

    def share(self, numbers: ArrayLike) -> NDArray[np.float64]:
        """Return how far up numbers are, in [0, 1]; the middle where the scale is a single one.

        >>> Scale(1, 100, log=True).share([1, 10, 100])
        array([0. , 0.5, 1. ])
        """
        found = np.array(numbers, dtype=np.float64)
        ends = np.array([self.low, self.high])
        if self.low == self.high:
            return np.full(found.shape, 0.5)
        if self.log:
            ends, found = np.log(ends), np.log(found)
        share: NDArray[np.float64] = (found - ends[0]) / (ends[1] - ends[0])
        return share

    def widened(self, share: float) -> "Scale":
        """Return a scale that is longer by a share on each side.

        >>> Scale(1, 3).widened(0.5), Scale(1, 100, log=True).widened(0.5)
        (Scale(low=0.0, high=4.0, log=False), Scale(low=0.1, high=1000.0, log=True))
        """
        if self.log:
            factor = (self.high / self.low) ** share
            return Scale(self.low / factor, self.high * factor, log=True)
        margin = share * (self.high - self.low)
        return Scale(self.low - margin, self.high + margin)

    def ticks(self, room: float = math.inf) -> dict[float, str]:
        """Return a few round numbers, or the ends, with their texts.

        room: letters of the axis, on which they stand side by side.
        """
        for most in (5, 4, 3, 2):
            texts = {number: f"{number:g}" for number in self._round(most)}
            letters = [len(text) + _GAP for text in texts.values()]
            places = self.share(list(texts)).tolist()
            neighbours = pairwise(zip(places, letters, strict=True))
            if all(b - a >= (one + other) / 2 / room for (a, one), (b, other) in neighbours):
                break
        return texts

    def _round(self, most: int) -> list[float]:
        low, high = self.low, self.high
        if low == high:
            return [low]
        if self.log:
            decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for digits in ((1, 2, 5), (1, 3), (1,)):
                found = [float(f"{d}e{k}") for k in decades for d in digits]
                found = [number for number in found if low <= number <= high]
                if 2 <= len(found) <= most:
                    return found
            found = found[:: -(-len(found) // most) or 1]
        else:
            least = (high - low) / (most - 1)
            unit = 10.0 ** math.floor(math.log10(least))
            step = unit * next(d for d in (1, 2, 2.5, 5, 10) if d >= least / unit - _ROUNDING)
            first, last = math.ceil(low / step - _ROUNDING), math.floor(high / step + _ROUNDING)
            found = [float(f"{i * step:.12g}") for i in range(first, last + 1)]
        return found if len(found) > 1 else [low, high]
