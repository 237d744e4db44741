"""Cosine decay."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from schedules import _checks
from schedules._shapes import between, half_cosine
from schedules.durations import Duration
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """Cosine decay: rate(t) = floor + (lr - floor) * ((1 + cos(pi * h * t / T)) / 2) ** power.

    T is `decay_steps`, h is `half_cycles`.

    Arguments:
        lr, floor: as `Schedule` has them.
        decay_steps: duration T, at least 1 step.
        power: exponent of the cosine, greater than 0.
        half_cycles: h, in (0, 1e6]; 1 falls once, 2 falls and rises again, 0.5 falls half way.
        after: after T the rate holds; "error" refuses later steps; "continue": the cosine goes on,
            as PyTorch's does, and climbs again.

    >>> cosine = Cosine(lr=0.1, decay_steps=100)
    >>> cosine(50), cosine(100), cosine(150)
    (0.05, 0.0, 0.0)

    Source: Loshchilov and Hutter, SGDR, 2017 (arXiv:1608.03983), without restarts.
    """

    lr: float
    floor: float | str = 0.0
    decay_steps: Duration = "100%"
    power: float = 1.0
    half_cycles: float = 1.0
    after: str = "hold"

    durations: ClassVar = {"decay_steps": 1}
    ends_at: ClassVar = "decay_steps"
    checks: ClassVar = {
        "lr": _checks.rate,
        "power": partial(_checks.above, low=0),
        "half_cycles": partial(_checks.within, low=0, high=1e6, ends="(]"),
    }
    share_of_lr: ClassVar = "floor"

    def formula(self, t: Steps) -> Rates:
        fall = half_cosine(self.half_cycles * (t / int(self.decay_steps)))
        if self.power != 1:
            fall **= self.power
        return between(float(self.floor), self.lr, fall)
