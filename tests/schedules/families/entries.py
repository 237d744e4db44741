"""What is known of a schedule of some family."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from schedules import Cosine, Horizon, Polynomial, Schedule

HORIZON = Horizon(total_steps=1000, steps_per_epoch=100)  # of the variants
H100 = Horizon(total_steps=100, steps_per_epoch=10)  # of what is worked out by hand
COSINE = Cosine(lr=0.1)
LINE = Polynomial(lr=1.0)
HALF = sqrt(0.5)


@dataclass(frozen=True)
class Worked:
    """Rates by step, worked out by hand, of a schedule in a run of 100 steps and 10 epochs.

    hears: evaluations before, each after how many updates and its value.
    """

    schedule: Schedule
    rates: Mapping[int, float]
    hears: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Variant:
    """A schedule with shares for durations, and what is true of it at 1000 steps, 10 epochs.

    jumps: the steps whose rate differs from the one before by more than 0.022, and no others do.
    holds: whether it holds a value after `end`.
    monitor: the metric that it listens to, empty for none.
    drift: how much of a rate may differ between a run and one of 20 times its length.
    """

    name: str
    schedule: Schedule
    jumps: tuple[int, ...] = ()
    end: int = 1000
    holds: bool = True
    monitor: str = ""
    drift: float = 1e-17

    @property
    def bound(self) -> Schedule:
        return self.schedule.bind(HORIZON)
