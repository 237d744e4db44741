"""Schedules around one other."""

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Self

import numpy as np

from schedules import _checks
from schedules.durations import MAX_STEPS, Duration, Horizon, steps_of
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
        ValueError: also when called, where a rate is too large for a float.

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
        ValueError: also when bound, where both runs together are longer than 2**53 steps.

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


@dataclass(frozen=True, kw_only=True)
class Repeat(Wrapper):
    """A schedule again and again, for ever: rate(t) = schedule(t mod cycle_steps).

    The schedule's durations are shares of a cycle.

    Arguments:
        schedule: any schedule that does not listen to evaluations.
        cycle_steps: duration of a cycle, at least 1 step.

    Raises:
        ValueError: also when the schedule listens.

    >>> from schedules import Polynomial
    >>> repeat = Repeat(schedule=Polynomial(lr=0.1), cycle_steps="20%")
    >>> repeat = repeat.bind(Horizon(total_steps=50, steps_per_epoch=10))
    >>> repeat(0), repeat(5), repeat(10), repeat(45)
    (0.1, 0.05, 0.1, 0.05)

    Source: Loshchilov and Hutter, SGDR, 2017 (arXiv:1608.03983), for any shape.
    """

    cycle_steps: Duration = "25%"

    durations: ClassVar = {"cycle_steps": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.schedule.listens:
            raise ArgumentError(
                "schedule",
                "must not listen to evaluations, which belong to no cycle",
                repr(self.schedule),
            )

    def _bind(self, horizon: Horizon) -> Self:
        cycle = steps_of(self.cycle_steps, horizon, "cycle_steps", 1)
        return replace(self, schedule=self._bind_part(horizon.of(cycle)), cycle_steps=cycle)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        return self._part_rates(memory, t % int(self.cycle_steps), own_steps=True)
