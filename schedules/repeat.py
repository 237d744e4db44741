"""A schedule again and again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from schedules.durations import Duration, steps_of
from schedules.horizon import Horizon
from schedules.schedule import Memory, Rates, Steps
from schedules.wrapper import Wrapper


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
            raise ValueError(
                "schedule must not listen to evaluations, which belong to no cycle, "
                f"got {self.schedule!r}"
            )

    def bind(self, horizon: Horizon) -> Self:
        """The same in whole steps; the schedule is bound to a run of one cycle.

        Raises:
            ValueError: a cycle, or a duration of the schedule (named `schedule.X`), comes to too
                few steps.
        """
        cycle = steps_of(self.cycle_steps, horizon, "cycle_steps", 1)
        return replace(self, schedule=self._bind_inner(horizon.of(cycle)), cycle_steps=cycle)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        return self.schedule._rates(memory, t % int(self.cycle_steps))

    def _landmarks(self, total_steps: int) -> Iterable[tuple[int, str]]:
        length = int(self.cycle_steps)
        for i, start in enumerate(range(0, total_steps, length), start=1):
            yield start, f"cycle {i}"
            for step, name in self.schedule._landmarks(min(length, total_steps - start)):
                if 0 < step < length:
                    yield start + step, name
