"""A schedule around another one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from schedules.horizon import Horizon
from schedules.schedule import Memory, Schedule


@dataclass(frozen=True, kw_only=True)
class Wrapper(Schedule):
    """Base of what changes the rates or the steps of one other schedule.

    Durations, evaluations and landmarks pass through; a subclass defines `_rates`, which calls
    `self.schedule._rates`. An error of the inner schedule's begins with "schedule.".

    Raises:
        TypeError: `schedule` is no Schedule.
    """

    schedule: Schedule

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, Schedule):
            raise TypeError(f"schedule must be a Schedule, got {self.schedule!r}")
        super().__post_init__()

    def bind(self, horizon: Horizon) -> Self:
        own = super().bind(horizon)
        return replace(own, schedule=self._bind_inner(horizon))

    def _bind_inner(self, horizon: Horizon) -> Schedule:
        try:
            return self.schedule.bind(horizon)
        except ValueError as error:
            raise ValueError(f"schedule.{error}") from error

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

    def _landmarks(self, total_steps: int) -> Iterable[tuple[int, str]]:
        return self.schedule._landmarks(total_steps)

    def _unbound(self) -> tuple[str, Any] | None:
        if (inner := self.schedule._unbound()) is not None:
            return f"schedule.{inner[0]}", inner[1]
        return super()._unbound()
