"""Linear decay times a cosine, as it is or with noise."""

import math
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from schedules import _checks
from schedules._shapes import half_cosine
from schedules.durations import Duration
from schedules.errors import ArgumentError
from schedules.schedule import Rates, Schedule, Steps

_LARGEST = 9.0  # no value is further from 0: sqrt(2 * log(2**53)) is 8.57

_BITS = NDArray[np.uint64]
_MASK = 2**64 - 1
_WEYL = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio, odd
_FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


@dataclass(frozen=True, kw_only=True)
class LinearCosine(Schedule):
    """Linear cosine decay, with T `decay_steps`, h `half_cycles` and o `linear_offset`:

        rate(t) = lr * ((o + 1 - t / T) * (1 + cos(pi * h * t / T)) / 2 + end_factor)

    Arguments:
        lr: rate at step 0, at least 0; the rate there is lr * (1 + o + end_factor).
        decay_steps: duration T, at least 1 step.
        half_cycles: h, in (0, 1000000]; 1 falls once, 2 falls and rises again.
        linear_offset: o, what the linear part ends at, as a share of lr, at least 0.
        end_factor: share of lr that is added to every rate, at least 0; the last rate is
            lr * end_factor where h is odd.
        after: after T the rate holds; "error" refuses later steps.

    >>> schedule = LinearCosine(lr=0.1, decay_steps=100)
    >>> schedule(0), schedule(50), schedule(100)
    (0.1, 0.025, 0.0)

    Source: Bello et al., 2017 (arXiv:1709.07417); `linear_cosine_decay` of TensorFlow 1, whose
    alpha is `linear_offset`, beta `end_factor` (0.001 there) and num_periods `half_cycles` / 2.
    """

    lr: float
    decay_steps: Duration = "100%"
    half_cycles: float = 1.0
    linear_offset: float = 0.0
    end_factor: float = 0.0
    after: str = "hold"

    durations: ClassVar = {"decay_steps": 1}
    ends_at: ClassVar = "decay_steps"
    policies: ClassVar = ("hold", "error")
    checks: ClassVar = {
        "lr": _checks.rate,
        "half_cycles": partial(_checks.within, low=0, high=1e6, ends="(]"),
        "linear_offset": partial(_checks.at_least, low=0),
        "end_factor": partial(_checks.at_least, low=0),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_highest(self.linear_offset + 1 + self.end_factor)

    def _check_highest(self, factor: float) -> None:
        if not math.isfinite(self.lr * factor):
            raise ArgumentError(
                "lr", f"must be finite also times {factor:g}, the highest factor", repr(self.lr)
            )

    def formula(self, t: Steps) -> Rates:
        rates = self._linear(t)
        rates *= half_cosine(self.half_cycles * (t / int(self.decay_steps)))
        rates += self.end_factor
        rates *= self.lr
        return rates

    def _linear(self, t: Steps) -> Rates:
        decay_steps = int(self.decay_steps)
        linear: Rates = (decay_steps - t) / decay_steps
        linear += self.linear_offset
        return linear


@dataclass(frozen=True, kw_only=True)
class NoisyLinearCosine(LinearCosine):
    """Linear cosine decay with noise on its linear part, never under 0:

        rate(t) = lr * ((o + 1 - t / T + e(t)) * (1 + cos(pi * h * t / T)) / 2 + end_factor)

    e(t) is normal with mean 0 and variance initial_variance / (1 + t) ** variance_decay. It is a
    pure function of the seed and t, whatever was asked before. The rate may lie above lr.

    Arguments:
        lr, decay_steps, half_cycles, linear_offset, end_factor, after: as `LinearCosine`; the rate
            that holds is that of step T, noise included.
        seed: whole number from 0 to 2**64 - 1; each gives noise of its own.
        initial_variance: of the noise at step 0, as a share of lr squared, at least 0; 0: none.
        variance_decay: exponent with which the variance falls, in [0, 10]; 0: it stays.

    >>> schedule = NoisyLinearCosine(lr=0.1, decay_steps=100, seed=1, initial_variance=0.01)
    >>> round(schedule(50), 6), schedule(100)
    (0.025787, 0.0)

    Source: Bello et al., 2017 (arXiv:1709.07417); `noisy_linear_cosine_decay` of TensorFlow 1.
    """

    seed: int = 0
    initial_variance: float = 1.0
    variance_decay: float = 0.55

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep(
            seed=_checks.whole("seed", self.seed, 0),
            initial_variance=_checks.at_least("initial_variance", self.initial_variance, 0),
            variance_decay=_checks.within("variance_decay", self.variance_decay, 0, 10),
        )
        if self.seed >= 2**64:
            raise ArgumentError("seed", "must be less than 2**64", str(self.seed))
        noise = _LARGEST * math.sqrt(self.initial_variance)
        self._check_highest(self.linear_offset + 1 + noise + self.end_factor)

    def formula(self, t: Steps) -> Rates:
        rates = super().formula(t)
        return np.maximum(rates, 0, out=rates)

    def _linear(self, t: Steps) -> Rates:
        linear = _normals(self.seed, t)
        variance = self.initial_variance / (t + 1.0) ** self.variance_decay
        linear *= np.sqrt(variance, out=variance)
        linear += super()._linear(t)
        return linear


def _normals(seed: int, t: Steps) -> Rates:
    """Standard normal values, independent from step to step and from seed to seed.

    Box and Muller's transform of two uniform values, each the top 53 bits of SplitMix64's mix of
    the step, counted from a place in its sequence that the seed and the stream choose.
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
