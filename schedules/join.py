"""Schedules one after another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np

from schedules import _checks
from schedules.durations import MAX_STEPS, Duration, Horizon, increasing_steps_of, listed
from schedules.errors import ArgumentError
from schedules.parts import Parts, PartsMemory
from schedules.schedule import Memory, Rates, Steps

_PLACEMENTS = ("shift", "overlay")


@dataclass(frozen=True, kw_only=True)
class Join(Parts):
    """One schedule after another: at t >= boundaries[i] the next one gives the rates.

    Placement "shift": each schedule counts from its own start, and its durations are shares of its
    own stretch, the last one's up to the end of the run: rate(t) = schedules[i](t - start_i).
    Placement "overlay": each counts from 0, and its durations are shares of the whole run:
    rate(t) = schedules[i](t).

    An evaluation goes to the schedule whose rate the last update before it had: one made after s
    updates goes to schedules[i] for start_i < s <= start_{i+1}, counted as the schedule's updates
    are. An evaluation at a boundary still judges what came before it.

    Arguments:
        schedules: at least 1, each of any kind; those that listen monitor the same metric.
        boundaries: durations at which the next one starts, one less than schedules, at least 1
            step, strictly increasing, before the end of the run.
        placement: "shift" or "overlay".

    Raises:
        ValueError: also when bound, where a boundary does not lie before the end of the run.

    >>> from schedules import Constant, Polynomial
    >>> join = Join(schedules=(Constant(lr=0.2), Polynomial(lr=0.1)), boundaries=("60%",))
    >>> join = join.bind(Horizon(total_steps=100, steps_per_epoch=10))
    >>> join(59), join(60), join(80), join(100)
    (0.2, 0.1, 0.05, 0.0)

    Source: `join_schedules` of optax and `SequentialLR` of PyTorch, which are "shift".
    """

    boundaries: Sequence[Duration] = ("50%",)
    placement: str = "shift"

    durations: ClassVar = {"boundaries": 1}
    lists: ClassVar = ("boundaries",)
    checks: ClassVar = {"placement": partial(_checks.one_of, options=_PLACEMENTS)}

    def __post_init__(self) -> None:
        self._keep(boundaries=listed(self.boundaries))  # before what the parts must be
        super().__post_init__()
        if len(self.boundaries) != len(self.schedules) - 1:
            raise ArgumentError(
                "boundaries",
                "must be one less than schedules",
                f"{len(self.boundaries)} boundaries and {len(self.schedules)} schedules",
            )

    def _bind(self, horizon: Horizon) -> Self:
        total = horizon.total_steps
        boundaries = increasing_steps_of(self.boundaries, horizon)
        for i, (given, boundary) in enumerate(zip(self.boundaries, boundaries, strict=True)):
            if boundary >= total:
                came_to = "" if isinstance(given, int) else f" = {boundary} steps"
                raise ArgumentError(
                    f"boundaries[{i}]",
                    f"must lie before the end of the run of {total} steps",
                    f"{given!r}{came_to}",
                )
        pieces = zip(self._parts(), pairwise((0, *boundaries, total)), strict=True)
        schedules = tuple(
            self._bind_part(horizon.of(end - start) if self.placement == "shift" else horizon, name)
            for name, (start, end) in pieces
        )
        return replace(self, schedules=schedules, boundaries=boundaries)

    def observe(self, memory: Memory, step: int, value: float) -> PartsMemory:
        _checks.whole("step", step, 0)
        self._check_bound()
        memories = list(self._memories(memory))
        i = sum(boundary < step for boundary in self._starts()[1:])
        own_step = step - self._offset(self._starts()[i])
        memories[i] = self.schedules[i].observe(memories[i], own_step, value)
        return PartsMemory(parts=tuple(memories))

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        rates = np.empty(t.shape)
        edges = pairwise((*self._starts(), MAX_STEPS + 1))
        pieces = zip(self._parts(), edges, self._memories(memory), strict=True)
        for name, (start, end), own in pieces:
            mine = (t >= start) & (t < end)
            steps = t[mine]
            steps -= (offset := self._offset(start))
            rates[mine] = self._part_rates(own, steps, offset > 0, name)
        return rates

    def _starts(self) -> tuple[int, ...]:
        return (0, *map(int, self.boundaries))

    def _offset(self, start: int) -> int:
        """The steps before the schedule that starts there begins to count."""
        return start if self.placement == "shift" else 0
