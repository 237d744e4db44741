"""A schedule times a number."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.errors import ArgumentError
from schedules.parts import Wrapper
from schedules.schedule import Memory, Rates, Steps


@dataclass(frozen=True, kw_only=True)
class Scale(Wrapper):
    """A schedule times a number: rate(t) = factor * schedule(t).

    Arguments:
        schedule: any schedule.
        factor: at least 0.

    Raises:
        ValueError, TypeError: an argument is out of its range or no number; when called, a rate is
            too large for a float.

    >>> from schedules import Polynomial
    >>> Scale(schedule=Polynomial(lr=0.1, decay_steps=10), factor=0.5)(5)
    0.025

    Source: `scale_by_schedule` chained with `scale` in optax.
    """

    factor: float

    checks: ClassVar = {"factor": partial(_checks.at_least, low=0)}

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        with np.errstate(over="ignore"):
            rates = self.factor * self._part_rates(memory, t)
        if (bad := np.flatnonzero(np.isinf(rates))).size:
            step = int(t[bad[0]])
            given = f"{self.factor!r}, which does not at step {step}"
            raise ArgumentError("factor", "must keep the rates finite", given, step=step)
        return rates
