"""Decay with the inverse of the step, or of its square root."""

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


@dataclass(frozen=True, kw_only=True)
class InverseSquareRoot(Schedule):
    """Inverse square root decay: rate(t) = max(lr / sqrt(1 + t / decay_steps), floor).

    The formula has no end. Behind a warm-up of w = `decay_steps` steps with start 0 the rates are
    lr * t / w in the ramp and lr * sqrt(w / t) after it, as `inverse_sqrt` of Transformers.

    Arguments:
        lr, floor, after, end_steps: as `Schedule` has them.
        decay_steps: duration of at least 1 step; the rate is halved after three of them.

    >>> inverse_sqrt = InverseSquareRoot(lr=0.6, decay_steps=10)
    >>> inverse_sqrt(0), inverse_sqrt(30)
    (0.6, 0.3)

    Source: Raffel et al., T5, 2020 (arXiv:1910.10683), section 3.1.2, with a peak.
    """

    lr: float
    decay_steps: Duration = "10%"
    floor: float | str = 0.0
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"decay_steps": 1, "end_steps": 1}
    checks: ClassVar = {"lr": _checks.rate}
    share_of_lr: ClassVar = "floor"

    def formula(self, t: Steps) -> Rates:
        rates: Rates = self.lr / np.sqrt(1 + t / int(self.decay_steps))
        return np.maximum(rates, float(self.floor), out=rates)


@dataclass(frozen=True, kw_only=True)
class Noam(Schedule):
    """A linear ramp, then inverse square root: rate(t) = lr * min((t + 1) / w, sqrt(w / (t + 1))).

    w is `warmup_steps`: the ramp is part of the formula and reaches lr at t = w - 1. With the
    paper's factor and d_model, lr = factor * d_model ** -0.5 * w ** -0.5. The formula has no end.

    Arguments:
        after, end_steps: as `Schedule` has them.
        lr: peak, the rate at step w - 1, at least 0.
        warmup_steps: duration w of the ramp, at least 1 step.

    >>> noam = Noam(lr=0.6, warmup_steps=4)
    >>> noam(0), noam(1), noam(3), noam(15)
    (0.15, 0.3, 0.6, 0.3)

    Source: Vaswani et al., 2017 (arXiv:1706.03762), equation 3.
    """

    lr: float
    warmup_steps: Duration = "10%"
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"warmup_steps": 1, "end_steps": 1}
    checks: ClassVar = {"lr": _checks.rate}

    def formula(self, t: Steps) -> Rates:
        warmup_steps = int(self.warmup_steps)
        count = t + 1
        rates: Rates = np.sqrt(warmup_steps / count)
        np.minimum(rates, count / warmup_steps, out=rates)
        rates *= self.lr
        return rates
