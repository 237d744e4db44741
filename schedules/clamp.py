"""A schedule between two rates."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.parts import Wrapper
from schedules.schedule import Memory, Rates, Steps


@dataclass(frozen=True, kw_only=True)
class Clamp(Wrapper):
    """A schedule kept between two rates: rate(t) = min(max(schedule(t), floor), ceiling).

    Arguments:
        schedule: any schedule.
        floor: lowest rate, at least 0 and at most the ceiling.
        ceiling: highest rate; None: there is none.

    >>> from schedules import Polynomial
    >>> clamp = Clamp(schedule=Polynomial(lr=0.1, decay_steps=10), floor=0.02, ceiling=0.08)
    >>> clamp(0), clamp(5), clamp(10)
    (0.08, 0.05, 0.02)

    Source: a floor under a decay is the usual Keras callback's.
    """

    floor: float = 0.0
    ceiling: float | None = None

    checks: ClassVar = {"floor": partial(_checks.at_least, low=0)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ceiling is not None:
            self._keep(ceiling=_checks.at_least("ceiling", self.ceiling, 0))
            _checks.up_to("floor", self.floor, "ceiling", self.ceiling)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        rates: Rates = np.clip(self._part_rates(memory, t), self.floor, self.ceiling)
        return rates
