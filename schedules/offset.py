"""A schedule counted from a later step."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from schedules import _checks
from schedules.durations import MAX_STEPS, Duration, Horizon, steps_of
from schedules.errors import ArgumentError
from schedules.parts import Wrapper
from schedules.schedule import Memory, Rates, Steps


@dataclass(frozen=True, kw_only=True)
class Offset(Wrapper):
    """A schedule counted from a later step: rate(t) = schedule(t + start).

    For a run that goes on where another one stopped after `start` updates. The schedule's durations
    are shares of both runs together, `start` steps more than this one, so that it ends where this
    run ends. Steps and evaluations are counted on; the sum counts as 2**53 at most.

    Arguments:
        schedule: any schedule.
        start: duration of what lies before this run, a share of this run if given as one, at
            least 0.

    Raises:
        ValueError, TypeError: an argument is out of its range; when bound, both runs together are
            longer than 2**53 steps.

    >>> from schedules import Polynomial
    >>> offset = Offset(schedule=Polynomial(lr=0.1), start=60)
    >>> offset = offset.bind(Horizon(total_steps=40, steps_per_epoch=10))
    >>> offset(15), offset(40)
    (0.025, 0.0)

    Source: `last_epoch` of PyTorch's schedulers.
    """

    start: Duration = 0

    durations: ClassVar = {"start": 0}

    def _bind(self, horizon: Horizon) -> Self:
        start = steps_of(self.start, horizon, "start")
        both = start + horizon.total_steps
        if both > MAX_STEPS:
            raise ArgumentError(
                "start",
                "must leave both runs together at most 2**53 steps",
                f"{self.start!r} before a run of {horizon.total_steps}",
            )
        return replace(self, schedule=self._bind_part(horizon.of(both)), start=start)

    def observe(self, memory: Memory, step: int, value: float) -> Memory:
        _checks.whole("step", step, 0)
        self._check_bound()
        return self.schedule.observe(memory, step + int(self.start), value)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        later = t + int(self.start)
        np.minimum(later, MAX_STEPS, out=later)
        return self._part_rates(memory, later, own_steps=self.start != 0)
