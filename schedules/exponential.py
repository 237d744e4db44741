"""Exponential decay, smooth or in stairs, with a floor."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.durations import Duration
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """Exponential decay: rate(t) = max(lr * decay_rate ** (t / decay_steps), floor).

    With `staircase` the exponent is floor(t / decay_steps), by integers. It has no end.

    Arguments:
        lr: peak, the rate at step 0, at least 0.
        decay_rate: factor per `decay_steps`, in (0, 1].
        decay_steps: duration of at least 1 step over which the rate falls by `decay_rate`.
        staircase: whether the rate falls once per `decay_steps` rather than at each step.
        floor: lowest rate, in [0, lr].

    Raises:
        ValueError, TypeError: an argument is out of its range or no number.

    >>> staircase = Exponential(lr=0.01, decay_rate=0.96, decay_steps=16, staircase=True)
    >>> staircase(15), staircase(16)
    (0.01, 0.0096)

    Source: `exponential_decay` of TensorFlow 1; the floor: the usual Keras callback.
    """

    lr: float
    decay_rate: float
    decay_steps: Duration = "1ep"
    staircase: bool = False
    floor: float = 0.0

    durations: ClassVar = {"decay_steps": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep(
            lr=_checks.at_least("lr", self.lr, 0),
            decay_rate=_checks.within("decay_rate", self.decay_rate, 0, 1, "(]"),
            staircase=_checks.flag("staircase", self.staircase),
        )
        self._keep(floor=_checks.up_to("floor", self.floor, "lr", self.lr))

    def formula(self, t: Steps) -> Rates:
        decay_steps = int(self.decay_steps)
        exponent = t // decay_steps if self.staircase else t / decay_steps
        rates: Rates = np.maximum(self.lr * self.decay_rate**exponent, self.floor)
        return rates
