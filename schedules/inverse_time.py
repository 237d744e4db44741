"""Inverse time decay, smooth or in stairs, with a floor."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.durations import Duration
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class InverseTime(Schedule):
    """Inverse time decay: rate(t) = max(lr / (1 + decay_rate * t / decay_steps), floor).

    With `staircase` t / decay_steps is floor(t / decay_steps), by integers. The formula has no end.

    Arguments:
        lr, floor, after, end_steps: as `Schedule` has them.
        decay_rate: what each `decay_steps` adds to the divisor, in [0, 1e6].
        decay_steps: duration of at least 1 step.
        staircase: whether the rate falls once per `decay_steps` rather than at each step.

    >>> inverse_time = InverseTime(lr=0.4, decay_steps=10)
    >>> inverse_time(0), inverse_time(10), inverse_time(30)
    (0.4, 0.2, 0.1)

    Source: `inverse_time_decay` of TensorFlow 1.
    """

    lr: float
    decay_rate: float = 1.0
    decay_steps: Duration = "10%"
    staircase: bool = False
    floor: float | str = 0.0
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"decay_steps": 1, "end_steps": 1}
    checks: ClassVar = {
        "lr": _checks.rate,
        "decay_rate": partial(_checks.within, low=0, high=1e6),
        "staircase": _checks.flag,
    }
    share_of_lr: ClassVar = "floor"

    def formula(self, t: Steps) -> Rates:
        decay_steps = int(self.decay_steps)
        if self.staircase:
            t = t // decay_steps * decay_steps
        rates = self.lr / (1 + self.decay_rate * (t / decay_steps))
        return np.maximum(rates, float(self.floor), out=rates)
