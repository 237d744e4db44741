"""Polynomial decay, once or in cycles."""

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
class Polynomial(Schedule):
    """Polynomial decay: rate(t) = (lr - end) * (1 - t / T) ** power + end.

    T is `decay_steps`. With `cycle`, T becomes T * c, where c = ceil(t / T) by integers and 1 at
    t = 0: the rate jumps up again after each multiple of T, less high each time, for ever.

    Arguments:
        lr: peak, the rate at step 0, at least 0.
        end: rate at step T, in [0, lr], or a share of lr ("10%").
        power: exponent, greater than 0; 1 is a straight line.
        decay_steps: duration T, at least 1 step.
        cycle: whether the decay starts again after each T.
        after: after T the rate holds; "error" refuses later steps, not with `cycle`, which has no
            end. The formula gives no rates beyond T.

    >>> Polynomial(lr=0.1, end=0.02, power=2.0, decay_steps=10)(5)
    0.04

    Source: `polynomial_decay` of TensorFlow 1, as in BERT.
    """

    lr: float
    end: float | str = 0.0
    power: float = 1.0
    decay_steps: Duration = "100%"
    cycle: bool = False
    after: str = "hold"

    durations: ClassVar = {"decay_steps": 1}
    policies: ClassVar = ("hold", "error")
    checks: ClassVar = {
        "lr": _checks.rate,
        "power": partial(_checks.above, low=0),
        "cycle": _checks.flag,
    }
    share_of_lr: ClassVar = "end"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cycle and self.after != "hold":
            raise ArgumentError(
                "after", "must be 'hold' with cycle, which has no end", repr(self.after)
            )

    def formula(self, t: Steps) -> Rates:
        end: int | Steps = int(self.decay_steps)
        if self.cycle:
            end = np.maximum(-(-t // end), 1) * end
        remaining = (end - t) / end
        remaining **= self.power
        return between(float(self.end), self.lr, remaining)

    def end_step(self) -> int | None:
        return None if self.cycle else int(self.decay_steps)
