"""Constant learning rate."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.durations import Duration
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The same rate at every step: rate(t) = lr.

    Arguments:
        end_steps: as `Schedule` has it.
        lr: learning rate, at least 0.
        after: "continue"; or "hold", the same here, or "error" from `end_steps` on.

    >>> Constant(lr=0.1)(1000)
    0.1
    """

    lr: float
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"end_steps": 1}
    checks: ClassVar = {"lr": _checks.rate}

    def formula(self, t: Steps) -> Rates:
        return np.full(t.shape, self.lr)
