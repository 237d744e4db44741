"""Constant learning rate."""

from dataclasses import dataclass

import numpy as np

from schedules import _checks
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The same rate at every step: rate(t) = lr.

    Arguments:
        lr: learning rate, at least 0.

    Raises:
        ValueError, TypeError: `lr` is negative, not finite or no number.

    >>> Constant(lr=0.1)(1000)
    0.1
    """

    lr: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep(lr=_checks.at_least("lr", self.lr, 0))

    def formula(self, t: Steps) -> Rates:
        return np.full(t.shape, self.lr)
