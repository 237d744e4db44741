"""What follows a schedule in a run: the learning rate, and other numbers beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from schedules import Horizon, Memory, Schedule

ROOMS = ("optimizer", "clipping")  # groups of a configuration whose numbers may follow a schedule
SUFFIX = "_schedule"  # of the argument that gives it


@dataclass(frozen=True)
class Numbers(Mapping[str, Schedule]):
    """The schedules of a run by the number's name, such as "lr" and "momentum", bound to its
    horizon. The value of every update is computed once and held.

    >>> from schedules import Polynomial
    >>> numbers = Numbers({"lr": Polynomial(lr=0.8, decay_steps=2)}, Horizon(3, 1))
    >>> numbers.trace("lr").tolist()
    [0.8, 0.4, 0.0]
    """

    schedules: Mapping[str, Schedule]
    horizon: Horizon
    _held: dict[str, np.ndarray] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __getitem__(self, name: str) -> Schedule:
        return self.schedules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.schedules)

    def __len__(self) -> int:
        return len(self.schedules)

    def trace(self, name: str) -> np.ndarray:
        """Return a number's value at every update: (total_steps,) float64, not to be changed; of a
        schedule that listens as if no evaluation came.

        Raises ValueError for a schedule, perhaps of a person's own, that gives none.
        """
        if name not in self._held:
            schedule = self.schedules[name]
            trace = schedule.rates(schedule.begin(), np.arange(self.horizon.total_steps))
            trace.flags.writeable = False
            self._held[name] = trace
        return self._held[name]

    def between(self, memory: Memory, start: int, stop: int) -> dict[str, np.ndarray]:
        """Return each number's values from update `start` up to, not including, `stop`.

        memory: what a schedule that listens knows of the evaluations.
        """
        return {
            name: schedule.rates(memory, np.arange(start, stop))
            if schedule.listens
            else self.trace(name)[start:stop]
            for name, schedule in self.schedules.items()
        }
