"""A schedule times a number."""

from dataclasses import dataclass

import numpy as np

from schedules import _checks
from schedules.schedule import Memory, Rates, Steps
from schedules.wrapper import Wrapper


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

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep(factor=_checks.at_least("factor", self.factor, 0))

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        with np.errstate(over="ignore"):
            rates = self.factor * self._inner_rates(memory, t)
        if (bad := np.flatnonzero(np.isinf(rates))).size:
            raise ValueError(
                f"factor must keep the rates finite, got {self.factor!r}, "
                f"which does not at step {t[bad[0]]}"
            )
        return rates
