"""A schedule around another one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from schedules.errors import ArgumentTypeError, within
from schedules.horizon import Horizon
from schedules.schedule import Memory, Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Wrapper(Schedule):
    """Base of what changes the rates or the steps of one other schedule.

    Durations and evaluations pass through; a subclass defines `_rates`, which calls
    `self._inner_rates`. An error of the inner schedule's begins with "schedule.".

    Raises:
        TypeError: `schedule` is no Schedule.
    """

    schedule: Schedule

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, Schedule):
            raise ArgumentTypeError("schedule", "must be a Schedule", repr(self.schedule))
        super().__post_init__()

    def _bind(self, horizon: Horizon) -> Self:
        own = super()._bind(horizon)
        return replace(own, schedule=self._bind_inner(horizon))

    def _bind_inner(self, horizon: Horizon) -> Schedule:
        with within("schedule", self.schedule):
            return self.schedule.bind(horizon)

    def _inner_rates(self, memory: Memory, t: Steps, own_steps: bool = False) -> Rates:
        """The inner schedule's rates; `own_steps` says that it counts `t` differently."""
        with within("schedule", self.schedule, own_steps):
            return self.schedule._rates(memory, t)

    @property
    def listens(self) -> bool:
        return self.schedule.listens

    @property
    def monitor(self) -> str:
        return self.schedule.monitor

    def begin(self) -> Memory:
        return self.schedule.begin()

    def observe(self, memory: Memory, step: int, value: float) -> Memory:
        return self.schedule.observe(memory, step, value)

    def recall(self, state: Mapping[str, Any]) -> Memory:
        return self.schedule.recall(state)

    def _unbound(self) -> tuple[str, Any] | None:
        if (inner := self.schedule._unbound()) is not None:
            return f"schedule.{inner[0]}", inner[1]
        return super()._unbound()
