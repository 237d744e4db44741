"""Decay in stairs: one factor every so many steps, or at boundaries."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.durations import Duration
from schedules.piecewise import boundaries_passed
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """A factor every so many steps: rate(t) = max(lr * factor ** floor(t / decay_steps), floor).

    The division is by integers, and 0 ** 0 is 1. The formula has no end.

    Arguments:
        lr, floor, after, end_steps: as `Schedule` has them.
        factor: what each stair multiplies the rate by, in [0, 1].
        decay_steps: duration of a stair, at least 1 step.

    >>> step = Step(lr=0.4, factor=0.5, decay_steps=10)
    >>> step(9), step(10), step(20)
    (0.4, 0.2, 0.1)

    Source: `StepLR` of PyTorch.
    """

    lr: float
    factor: float = 0.1
    decay_steps: Duration = "30%"
    floor: float | str = 0.0
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"decay_steps": 1, "end_steps": 1}
    checks: ClassVar = {
        "lr": _checks.rate,
        "factor": partial(_checks.within, low=0, high=1),
    }
    share_of_lr: ClassVar = "floor"

    def formula(self, t: Steps) -> Rates:
        rates: Rates = np.power(self.factor, t // int(self.decay_steps))
        rates *= self.lr
        return np.maximum(rates, float(self.floor), out=rates)


@dataclass(frozen=True, kw_only=True)
class MultiStep(Schedule):
    """A factor at each boundary: rate(t) = lr * factor ** i.

    i is the number of boundaries b with b <= t, or with `closed="right"` of those with b < t.
    After the last boundary the last rate stays.

    Arguments:
        lr, after, end_steps: as `Schedule` has them.
        boundaries: durations of at least 1 step, strictly increasing.
        factor: what each boundary multiplies the rate by, in [0, 1].
        closed: "left": a step equal to a boundary has the new rate, as in PyTorch;
            "right": it still has the old one, as in TensorFlow.

    >>> schedule = MultiStep(lr=0.4, boundaries=(10, 15), factor=0.5)
    >>> schedule(9), schedule(10), schedule(15)
    (0.4, 0.2, 0.1)

    Source: `MultiStepLR` of PyTorch; He et al., 2016 (arXiv:1512.03385), divide by 10 this way.
    """

    lr: float
    boundaries: Sequence[Duration] = ("30%", "60%", "90%")
    factor: float = 0.1
    closed: str = "left"
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"boundaries": 1, "end_steps": 1}
    lists: ClassVar = ("boundaries",)
    checks: ClassVar = {
        "lr": _checks.rate,
        "factor": partial(_checks.within, low=0, high=1),
        "closed": partial(_checks.one_of, options=("left", "right")),
    }

    def formula(self, t: Steps) -> Rates:
        factors: Rates = np.power(self.factor, np.arange(len(self.boundaries) + 1))
        return self.lr * factors[boundaries_passed(self.boundaries, t, self.closed)]
