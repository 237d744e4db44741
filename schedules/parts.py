"""Schedules made of others, and the simplest of them, the product."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from schedules import _checks
from schedules.durations import Horizon
from schedules.errors import ArgumentError, ArgumentTypeError, raise_under
from schedules.schedule import Memory, Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Compound(Schedule):
    """Base of what is made of other schedules.

    A subclass defines `_rates`, which calls `self._part_rates`. An error of a part's begins with
    the part's name: "schedule." or "schedules[1].". Those that listen monitor the same metric.
    """

    def __post_init__(self) -> None:
        parts = self._parts()
        for name, part in parts.items():
            if not isinstance(part, Schedule):
                raise ArgumentTypeError(name, "must be a Schedule", repr(part))
        monitors = dict.fromkeys(part.monitor for part in parts.values() if part.listens)
        if len(monitors) > 1:
            names = " and ".join(map(repr, monitors))
            raise ArgumentError("schedules", "must all monitor the same metric", names)
        super().__post_init__()

    def _parts(self) -> dict[str, Schedule]:
        """The other schedules by name."""
        raise NotImplementedError

    def _bind_part(self, horizon: Horizon, name: str = "schedule") -> Schedule:
        part = self._parts()[name]
        try:
            return part.bind(horizon)
        except ValueError as error:
            raise_under(name, part, error)

    def _part_rates(
        self, memory: Memory, t: Steps, own_steps: bool = False, name: str = "schedule"
    ) -> Rates:
        """The rates of a part; `own_steps` says that it counts `t` differently."""
        part = self._parts()[name]
        try:
            return part._rates(memory, t)
        except ValueError as error:
            raise_under(name, part, error, own_steps)

    @property
    def listens(self) -> bool:
        return any(part.listens for part in self._parts().values())

    @property
    def monitor(self) -> str:
        return next((part.monitor for part in self._parts().values() if part.listens), "")

    def _unbound(self) -> tuple[str, Any] | None:
        for name, part in self._parts().items():
            if (inner := part._unbound()) is not None:
                return f"{name}.{inner[0]}", inner[1]
        return super()._unbound()


@dataclass(frozen=True, kw_only=True)
class Wrapper(Compound):
    """Base of what changes the rates or the steps of one other schedule.

    Durations and evaluations pass through.
    """

    schedule: Schedule

    def _parts(self) -> dict[str, Schedule]:
        return {"schedule": self.schedule}

    def _bind(self, horizon: Horizon) -> Self:
        own = super()._bind(horizon)
        return replace(own, schedule=self._bind_part(horizon))

    def begin(self) -> Memory:
        return self.schedule.begin()

    def observe(self, memory: Memory, step: int, value: float) -> Memory:
        return self.schedule.observe(memory, step, value)

    def recall(self, state: Mapping[str, Any]) -> Memory:
        return self.schedule.recall(state)


@dataclass(frozen=True, kw_only=True)
class PartsMemory(Memory):
    """What a schedule of several parts remembers: `parts`, what each of them does."""

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
class Parts(Compound):
    """Base of what makes one schedule of several; an evaluation goes to each of them."""

    schedules: Sequence[Schedule]

    def __post_init__(self) -> None:
        self._keep(schedules=_checks.sequence("schedules", self.schedules))
        if not self.schedules:
            raise ArgumentError("schedules", "must hold at least 1 schedule", repr(self.schedules))
        super().__post_init__()

    def _parts(self) -> dict[str, Schedule]:
        return {f"schedules[{i}]": part for i, part in enumerate(self.schedules)}

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


@dataclass(frozen=True, kw_only=True)
class Product(Parts):
    """Schedules multiplied: rate(t) = schedules[0](t) * schedules[1](t) * ...

    One of them gives rates; the others are shapes with lr=1.0. Each counts from 0, its durations
    are shares of the run, and each that listens hears every evaluation.

    Arguments:
        schedules: at least 1, each of any kind; those that listen monitor the same metric.

    Raises:
        ValueError: also when called, where a product is too large for a float.

    >>> from schedules import Constant, Polynomial
    >>> product = Product(schedules=(Polynomial(lr=0.1, decay_steps=10), Constant(lr=0.5)))
    >>> product(0), product(5), product(10)
    (0.05, 0.025, 0.0)

    Source: `ChainedScheduler` and `LambdaLR` of PyTorch.
    """

    def _bind(self, horizon: Horizon) -> Self:
        schedules = tuple(self._bind_part(horizon, name) for name in self._parts())
        return replace(self, schedules=schedules)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        rates = np.ones(t.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            for name, own in zip(self._parts(), self._memories(memory), strict=True):
                rates *= self._part_rates(own, t, name=name)
        if (bad := np.flatnonzero(~np.isfinite(rates))).size:
            step = int(t[bad[0]])
            given = f"none at step {step}"
            raise ArgumentError("schedules", "must have a finite product", given, step=step)
        return rates
