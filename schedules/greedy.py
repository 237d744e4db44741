"""Greedy plateau, which raises and cuts the rate by the evaluations."""

import sys
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import ClassVar

from schedules import _checks
from schedules.errors import ArgumentError
from schedules.plateau import HEARS, Plateau, RateMemory, metric

_USUAL_CEILING = 10.0  # times lr


@dataclass(frozen=True, kw_only=True)
class GreedyMemory(RateMemory):
    """What `GreedyPlateau` remembers.

    Arguments:
        rate: the rate now.
        best: the best smoothed value so far; None before the first.
        good: improvements in a row; bad: evaluations in a row without one.
        cut_rest, raise_rest: evaluations of the rest after a cut and after a raise that are left.
        floor_cuts: cuts that came due at the floor, since the last raise.
        recent: the values that the next one is averaged with.
    """

    good: int = 0
    bad: int = 0
    cut_rest: int = 0
    raise_rest: int = 0
    floor_cuts: int = 0
    recent: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        recent = _checks.sequence("recent", self.recent)  # a saved state may hold a list
        checked = tuple(metric(f"recent[{i}]", value) for i, value in enumerate(recent))
        object.__setattr__(self, "recent", checked)


@dataclass(frozen=True, kw_only=True)
class GreedyPlateau(Plateau[GreedyMemory]):
    """Raise the rate while a metric improves, cut it while it does not.

    At each evaluation the value is averaged with the window - 1 before it. While some of a cooldown
    is left, it loses one evaluation; else, while some of the rest after a raise is left, that does;
    either way both counts are 0. Otherwise a value that improves on the best by more than the
    margin becomes the best, good grows by one and bad is 0; any other value makes bad grow by one
    and good 0. Then

        good > patience: rate = min(rate / factor, ceiling), good = 0, and raise_rest starts;
        bad > patience: rate = max(rate * factor, floor), bad = 0, and the cooldown starts.

    When `reset_after` cuts have come due at the floor (the one that reaches it counts) without a
    raise between them, everything starts again from `lr`.

    Arguments:
        lr: the rate at the start, at least 0; unlike other schedules' rates this one's may rise
            above it.
        factor: what a cut multiplies and a raise divides the rate by, in (0, 1).
        patience: evaluations in a row, at least 0, good or bad ones, after which one more changes
            the rate. 1 suits evaluations once an epoch; the paper's 10 suits one at each step.
        min_delta, min_delta_mode, floor, mode, monitor: as `ReduceOnPlateau` has them.
        cooldown: evaluations of rest after a cut, at least 0.
        raise_rest: evaluations of rest after a raise, at least 0.
        ceiling: highest rate, at least lr; 10 * lr when None.
        window: values that are averaged, at least 1; 1 takes each as it is.
        reset_after: cuts at the floor, at least 1, that start everything again; None: never.

    >>> schedule = GreedyPlateau(lr=0.1, factor=0.5, patience=1)
    >>> memory = schedule.begin()
    >>> for step, loss in [(10, 3.0), (20, 2.0), (30, 2.0), (40, 2.0)]:
    ...     memory = schedule.observe(memory, step, loss)
    ...     print(memory.rate)
    0.1
    0.2
    0.2
    0.1

    Source: Subramanian et al., GreedyLR, 2025 (arXiv:2512.14527).
    """

    factor: float = 0.95
    patience: int = 1
    min_delta: float = 1e-6
    raise_rest: int = 0
    floor: float | str = 0.0
    ceiling: float | None = None
    window: int = 1
    reset_after: int | None = None
    mode: str = "min"
    monitor: str = "val/loss"

    checks: ClassVar = {
        **Plateau.checks,
        "raise_rest": partial(_checks.whole, low=0),
        "window": partial(_checks.whole, low=1),
        **HEARS,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reset_after is not None:
            self._keep(reset_after=_checks.whole("reset_after", self.reset_after, 1))
        if self.ceiling is not None:
            self._keep(ceiling=_checks.number("ceiling", self.ceiling))
            if self.ceiling < self.lr:
                raise ArgumentError(
                    "ceiling", "must be at least lr", f"{self.ceiling!r} with lr {self.lr!r}"
                )

    def begin(self) -> GreedyMemory:
        return GreedyMemory(rate=self.lr)

    def _observed(self, memory: GreedyMemory, value: float) -> GreedyMemory:
        values = (*memory.recent, value)
        mean = reduce(add, values) / len(values)
        memory = replace(memory, recent=values[max(0, len(values) - self.window + 1) :])
        if memory.cut_rest > 0:
            return replace(memory, cut_rest=memory.cut_rest - 1, good=0, bad=0)
        if memory.raise_rest > 0:
            return replace(memory, raise_rest=memory.raise_rest - 1, good=0, bad=0)
        if self._improves(mean, memory.best, self.mode):
            memory = replace(memory, best=mean, good=memory.good + 1, bad=0)
        else:
            memory = replace(memory, good=0, bad=memory.bad + 1)
        if memory.good > self.patience:
            return self._raised(memory)
        return self._cut(memory) if memory.bad > self.patience else memory

    def _raised(self, memory: GreedyMemory) -> GreedyMemory:
        ceiling = self.ceiling
        if ceiling is None:
            ceiling = min(_USUAL_CEILING * self.lr, sys.float_info.max)
        rate = min(memory.rate / self.factor, ceiling)
        return replace(memory, rate=rate, good=0, raise_rest=self.raise_rest, floor_cuts=0)

    def _cut(self, memory: GreedyMemory) -> GreedyMemory:
        rate = max(memory.rate * self.factor, float(self.floor))
        floor_cuts = memory.floor_cuts + (rate == self.floor)
        if self.reset_after is not None and floor_cuts >= self.reset_after:
            return self.begin()
        return replace(memory, rate=rate, bad=0, cut_rest=self.cooldown, floor_cuts=floor_cuts)
