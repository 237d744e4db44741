"""A schedule again and again."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from schedules.durations import Duration, Horizon, steps_of
from schedules.errors import ArgumentError
from schedules.parts import Wrapper
from schedules.schedule import Memory, Rates, Steps


@dataclass(frozen=True, kw_only=True)
class Repeat(Wrapper):
    """A schedule again and again, for ever: rate(t) = schedule(t mod cycle_steps).

    The schedule's durations are shares of a cycle.

    Arguments:
        schedule: any schedule that does not listen to evaluations.
        cycle_steps: duration of a cycle, at least 1 step.

    Raises:
        ValueError, TypeError: an argument is out of its range, or the schedule listens.

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
