"""Polynomial decay, once or in cycles."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.durations import Duration
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Polynomial(Schedule):
    """Polynomial decay: rate(t) = (lr - end) * (1 - min(t, T) / T) ** power + end.

    T is `decay_steps`; after it the rate stays at `end`. With `cycle`, min(t, T) / T becomes
    t / (T * c), where c = ceil(t / T) by integers and 1 at t = 0: the rate jumps up again after
    each multiple of T, less high each time.

    Arguments:
        lr: peak, the rate at step 0, at least 0.
        end: rate at step T, in [0, lr].
        power: exponent, greater than 0; 1 is a straight line.
        decay_steps: duration T, at least 1 step.
        cycle: whether the decay starts again after each T, for ever.

    Raises:
        ValueError, TypeError: an argument is out of its range or no number.

    >>> Polynomial(lr=0.1, end=0.02, power=2.0, decay_steps=10)(5)
    0.04

    Source: `polynomial_decay` of TensorFlow 1, as in BERT.
    """

    lr: float
    end: float = 0.0
    power: float = 1.0
    decay_steps: Duration = "100%"
    cycle: bool = False

    durations: ClassVar = {"decay_steps": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep(
            lr=_checks.at_least("lr", self.lr, 0),
            power=_checks.above("power", self.power, 0),
            cycle=_checks.flag("cycle", self.cycle),
        )
        self._keep(end=_checks.up_to("end", self.end, "lr", self.lr))

    def formula(self, t: Steps) -> Rates:
        decay_steps = int(self.decay_steps)
        if self.cycle:
            cycles = np.maximum(-(-t // decay_steps), 1)
            progress = t / (decay_steps * cycles)
        else:
            progress = np.minimum(t, decay_steps) / decay_steps
        rates: Rates = (self.lr - self.end) * (1 - progress) ** self.power + self.end
        return rates
