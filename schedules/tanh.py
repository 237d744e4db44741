"""Hyperbolic tangent decay."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules._shapes import between
from schedules.durations import Duration
from schedules.errors import ArgumentError
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Tanh(Schedule):
    """Hyperbolic tangent decay, with T `decay_steps`, L `lower` and U `upper`:

        rate(t) = floor + (lr - floor) * (1 - tanh(L + (U - L) * t / T)) / 2

    It starts (1 + tanh(L)) / 2 of its height under lr, 0.0006 % with L = -6, and ends as much as
    (1 - tanh(U)) / 2 over the floor, 0.25 % with U = 3.

    Arguments:
        lr: peak, at least 0.
        floor: lowest rate, in [0, lr], or a share of lr ("10%"); it comes ever closer to it.
        decay_steps: duration T, at least 1 step.
        lower: L, in [-1000000, 1000000]; the lower, the longer the rate stays at the peak.
        upper: U, above L, at most 1000000; the higher, the longer it stays at the floor.
        after: after T the rate holds; "error" refuses later steps; "continue" falls on.

    >>> tanh = Tanh(lr=0.1, decay_steps=90)
    >>> round(tanh(0), 6), tanh(60), round(tanh(90), 6)
    (0.099999, 0.05, 0.000247)

    Source: Hsueh et al., 2019 (arXiv:1806.01593).
    """

    lr: float
    floor: float | str = 0.0
    decay_steps: Duration = "100%"
    lower: float = -6.0
    upper: float = 3.0
    after: str = "hold"

    durations: ClassVar = {"decay_steps": 1}
    ends_at: ClassVar = "decay_steps"
    checks: ClassVar = {
        "lr": _checks.rate,
        "lower": partial(_checks.within, low=-1e6, high=1e6),
        "upper": partial(_checks.within, low=-1e6, high=1e6),
    }
    share_of_lr: ClassVar = "floor"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lower >= self.upper:
            raise ArgumentError(
                "lower", "must be less than upper", f"{self.lower!r} with upper {self.upper!r}"
            )

    def formula(self, t: Steps) -> Rates:
        share: Rates = t / int(self.decay_steps)
        share *= self.upper - self.lower
        share += self.lower
        np.tanh(share, out=share)
        np.subtract(1, share, out=share)
        share /= 2
        return between(float(self.floor), self.lr, share)
