"""Normal noise that is a pure function of a seed and the step."""

import numpy as np
from numpy.typing import NDArray

from schedules.schedule import Rates, Steps

LARGEST = 9.0  # no value is further from 0: sqrt(2 * log(2**53)) is 8.57

_BITS = NDArray[np.uint64]
_MASK = 2**64 - 1
_WEYL = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio, odd
_FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def normals(seed: int, t: Steps) -> Rates:
    """Standard normal values, independent from step to step and from seed to seed.

    Box and Muller's transform of two uniform values, each the top 53 bits of SplitMix64's mix of
    the step, counted from a place in its sequence that the seed and the stream choose.

    Arguments:
        seed: at least 0, less than 2**64.
        t: steps, a 1-D array.
    """
    first = _mix_int(seed + _WEYL)
    angle = _uniform(first, t)
    angle *= 2 * np.pi
    np.cos(angle, out=angle)
    radius = _uniform(_mix_int(first + _WEYL), t)
    np.subtract(1, radius, out=radius)  # in (0, 1], for the logarithm
    np.log(radius, out=radius)
    radius *= -2
    np.sqrt(radius, out=radius)
    radius *= angle
    return radius


def _uniform(key: int, t: Steps) -> Rates:
    """Values in [0, 1), multiples of 2**-53."""
    bits = t.astype(np.uint64)
    bits *= np.uint64(_WEYL)
    bits += np.uint64(key)
    for shift, factor in zip((30, 27), _FACTORS, strict=True):
        bits ^= bits >> np.uint64(shift)
        bits *= np.uint64(factor)
    bits ^= bits >> np.uint64(31)
    bits >>= np.uint64(11)
    uniform = bits.astype(np.float64)
    uniform *= 2.0**-53
    return uniform


def _mix_int(value: int) -> int:
    bits = value & _MASK
    for shift, factor in zip((30, 27), _FACTORS, strict=True):
        bits = ((bits ^ (bits >> shift)) * factor) & _MASK
    return bits ^ (bits >> 31)
