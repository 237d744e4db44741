"""A schedule around another one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

from schedules._landmarks import Landmarks
from schedules._naming import is_of, named
from schedules.horizon import Horizon
from schedules.schedule import Memory, Rates, Schedule, Steps

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Wrapper(Schedule):
    """Base of what changes the rates or the steps of one other schedule.

    Durations, evaluations and landmarks pass through; a subclass defines `_rates`, which calls
    `self._inner_rates`. An error of the inner schedule's begins with "schedule.".

    Raises:
        TypeError: `schedule` is no Schedule.
    """

    schedule: Schedule

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, Schedule):
            raise TypeError(f"schedule must be a Schedule, got {self.schedule!r}")
        super().__post_init__()

    def _bind(self, horizon: Horizon) -> Self:
        own = super()._bind(horizon)
        return replace(own, schedule=self._bind_inner(horizon))

    def _bind_inner(self, horizon: Horizon) -> Schedule:
        return self._ask(self.schedule.bind, horizon)

    def _inner_rates(self, memory: Memory, t: Steps, own_steps: bool = False) -> Rates:
        """The inner schedule's rates; `own_steps` says that it counts `t` differently."""
        return self._ask(self.schedule._rates, memory, t, own_steps=own_steps)

    def _ask(self, method: Callable[..., T], *given: Any, own_steps: bool = False) -> T:
        """What a method of the inner schedule gives; its errors say whose they are."""
        try:
            return method(*given)
        except ValueError as error:
            if not is_of(self.schedule, error):
                raise
            raise named("schedule", error, own_steps) from error

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

    def _landmarks(self, start: int, stop: int) -> Landmarks:
        return self.schedule._landmarks(start, stop)

    def _unbound(self) -> tuple[str, Any] | None:
        if (inner := self.schedule._unbound()) is not None:
            return f"schedule.{inner[0]}", inner[1]
        return super()._unbound()
