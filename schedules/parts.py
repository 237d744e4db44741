"""A schedule of several others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schedules import _checks
from schedules.errors import ArgumentError, ArgumentTypeError, within
from schedules.horizon import Horizon
from schedules.schedule import Memory, Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class PartsMemory(Memory):
    """What a schedule of several parts remembers: what each of them does.

    Arguments:
        parts: a memory for each part.

    Raises:
        TypeError: they are none.
    """

    parts: tuple[Memory, ...]

    def __post_init__(self) -> None:
        parts = _checks.sequence("parts", self.parts)
        for i, part in enumerate(parts):
            if not isinstance(part, Memory):
                raise ArgumentTypeError(f"parts[{i}]", "must be a Memory", repr(part))
        object.__setattr__(self, "parts", parts)

    def as_dict(self) -> dict[str, Any]:
        return {"parts": [memory.as_dict() for memory in self.parts]}


@dataclass(frozen=True, kw_only=True)
class Parts(Schedule):
    """Base of what makes one schedule of several.

    An evaluation goes to every part; those that listen must monitor the same metric. A subclass
    defines `_rates`, which calls `self._part_rates`, and `_bind`. An error of a part's begins with
    "schedules[1].".

    Raises:
        ValueError, TypeError: `schedules` is no list of at least one Schedule, or the parts monitor
            different metrics.
    """

    schedules: Sequence[Schedule]

    def __post_init__(self) -> None:
        schedules = _checks.sequence("schedules", self.schedules)
        for i, schedule in enumerate(schedules):
            if not isinstance(schedule, Schedule):
                raise ArgumentTypeError(f"schedules[{i}]", "must be a Schedule", repr(schedule))
        if not schedules:
            raise ArgumentError("schedules", "must hold at least 1 schedule", repr(schedules))
        self._keep(schedules=schedules)
        if len(monitors := self._monitors()) > 1:
            names = " and ".join(map(repr, monitors))
            raise ArgumentError("schedules", "must all monitor the same metric", names)
        super().__post_init__()

    def _bind_part(self, i: int, horizon: Horizon) -> Schedule:
        part = self.schedules[i]
        with within(f"schedules[{i}]", part):
            return part.bind(horizon)

    def _part_rates(self, i: int, memory: Memory, t: Steps, own_steps: bool = False) -> Rates:
        """The rates of part i; `own_steps` says that it counts `t` differently."""
        part = self.schedules[i]
        with within(f"schedules[{i}]", part, own_steps):
            return part._rates(memory, t)

    @property
    def listens(self) -> bool:
        return any(schedule.listens for schedule in self.schedules)

    @property
    def monitor(self) -> str:
        return next(iter(self._monitors()), "")

    def _monitors(self) -> list[str]:
        """The metrics that the parts monitor, each once."""
        listening = (schedule for schedule in self.schedules if schedule.listens)
        return list(dict.fromkeys(schedule.monitor for schedule in listening))

    def begin(self) -> PartsMemory:
        return PartsMemory(parts=tuple(schedule.begin() for schedule in self.schedules))

    def observe(self, memory: Memory, step: int, value: float) -> PartsMemory:
        pairs = zip(self.schedules, self._memories(memory), strict=True)
        return PartsMemory(parts=tuple(part.observe(own, step, value) for part, own in pairs))

    def recall(self, state: Mapping[str, Any]) -> PartsMemory:
        states = state["parts"] if isinstance(state, Mapping) and set(state) == {"parts"} else None
        if not isinstance(states, (list, tuple)) or len(states) != len(self.schedules):
            raise ArgumentError(
                "state",
                f"must be that of a PartsMemory of {len(self.schedules)} parts",
                repr(state),
            )
        pairs = zip(self.schedules, states, strict=True)
        return PartsMemory(parts=tuple(part.recall(own) for part, own in pairs))

    def _memories(self, memory: Memory) -> tuple[Memory, ...]:
        if not isinstance(memory, PartsMemory) or len(memory.parts) != len(self.schedules):
            raise ArgumentTypeError("memory", "must be a PartsMemory, from begin()", repr(memory))
        return memory.parts

    def _unbound(self) -> tuple[str, Any] | None:
        for i, schedule in enumerate(self.schedules):
            if (inner := schedule._unbound()) is not None:
                return f"schedules[{i}].{inner[0]}", inner[1]
        return super()._unbound()
