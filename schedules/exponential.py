"""Exponential decay, smooth or in stairs, with a floor."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.durations import Duration
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """Exponential decay: rate(t) = max(lr * decay_rate ** (t / decay_steps), floor).

    With form "natural" it is max(lr * exp(-decay_rate * t / decay_steps), floor). With `staircase`
    t / decay_steps is floor(t / decay_steps), by integers. The formula has no end.

    Arguments:
        lr, floor, after, end_steps: as `Schedule` has them.
        decay_rate: factor per `decay_steps`, in (0, 1]; with form "natural" in [0, 1e6].
        decay_steps: duration of at least 1 step over which the rate falls by `decay_rate`.
        staircase: whether the rate falls once per `decay_steps` rather than at each step.
        form: "base" or "natural".

    >>> staircase = Exponential(lr=0.01, decay_rate=0.96, decay_steps=16, staircase=True)
    >>> staircase(15), staircase(16)
    (0.01, 0.0096)

    Source: `exponential_decay` and `natural_exp_decay` of TensorFlow 1; the floor: the usual Keras
    callback.
    """

    lr: float
    decay_rate: float
    decay_steps: Duration = "1ep"
    staircase: bool = False
    floor: float | str = 0.0
    form: str = "base"
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"decay_steps": 1, "end_steps": 1}
    checks: ClassVar = {
        "lr": _checks.rate,
        "staircase": _checks.flag,
        "form": partial(_checks.one_of, options=("base", "natural")),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        high, ends = (1, "(]") if self.form == "base" else (1e6, "[]")
        self._keep(
            decay_rate=_checks.within("decay_rate", self.decay_rate, 0, high, ends),
            floor=_checks.rate_up_to("floor", self.floor, self.lr),
        )

    def formula(self, t: Steps) -> Rates:
        decay_steps = int(self.decay_steps)
        exponent = t // decay_steps if self.staircase else t / decay_steps
        if self.form == "natural":
            decay = np.exp(-self.decay_rate * exponent)
        else:
            decay = self.decay_rate**exponent
        rates: Rates = decay * self.lr
        return np.maximum(rates, float(self.floor), out=rates)
