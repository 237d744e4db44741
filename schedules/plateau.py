"""Reduce on plateau, which listens to the evaluations."""

import math
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from schedules import _checks
from schedules.errors import ArgumentError, ArgumentTypeError
from schedules.schedule import Memory, Rates, Schedule, Steps


def metric(name: str, value: Any, of: str = "") -> float:
    """A metric's value: it may be infinite, but not NaN."""
    number = _checks.real(name, value)
    if math.isnan(number):
        raise ArgumentError(name, "must not be NaN", f"{value!r}{of}")
    return number


def metric_name(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ArgumentTypeError(name, "must be a metric's name", repr(value))
    return value


HEARS: dict[str, Any] = {  # the checks of what is listened to
    "mode": partial(_checks.one_of, options=("min", "max")),
    "monitor": metric_name,
}


@dataclass(frozen=True, kw_only=True)
class RateMemory(Memory):
    """Base of what remembers the rate now, the best value so far, and counts of evaluations."""

    rate: float
    best: float | None = None

    def __post_init__(self) -> None:
        checked: dict[str, float] = {"rate": _checks.at_least("rate", self.rate, 0)}
        if self.best is not None:
            checked["best"] = metric("best", self.best)
        counts = [field.name for field in fields(self) if field.type is int]
        checked |= {name: _checks.whole(name, getattr(self, name), 0) for name in counts}
        for name, value in checked.items():
            object.__setattr__(self, name, value)


M = TypeVar("M", bound=RateMemory)


@dataclass(frozen=True, kw_only=True)
class Plateau(Schedule, Generic[M]):
    """Base of what changes the rate by whether a metric improves."""

    lr: float
    factor: float
    patience: int
    min_delta: float
    min_delta_mode: str = "absolute"
    cooldown: int = 0

    checks: ClassVar = {
        "lr": _checks.rate,
        "factor": partial(_checks.within, low=0, high=1, ends="()"),
        "patience": partial(_checks.whole, low=0),
        "min_delta": partial(_checks.at_least, low=0),
        "min_delta_mode": partial(_checks.one_of, options=("absolute", "relative")),
        "cooldown": partial(_checks.whole, low=0),
    }
    share_of_lr: ClassVar = "floor"
    listens: ClassVar = True

    def begin(self) -> M:
        raise NotImplementedError

    def observe(self, memory: Memory, step: int, value: float) -> M:
        """The memory after one more evaluation.

        Raises:
            ValueError, TypeError: the value is NaN or no number, or the step is negative.
        """
        own = self._own(memory)
        _checks.whole("step", step, 0)
        return self._observed(own, metric("value", value, f" for {self.monitor!r}"))

    def _observed(self, memory: M, value: float) -> M:
        raise NotImplementedError

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        return np.full(t.shape, self._own(memory).rate)

    def _own(self, memory: Memory) -> M:
        kind = type(self.begin())
        if not isinstance(memory, kind):
            given = repr(memory)
            raise ArgumentTypeError("memory", f"must be a {kind.__name__}, from begin()", given)
        return memory

    def _improves(self, value: float, best: float | None, mode: str) -> bool:
        """Whether `value` is better than `best` by more than the margin; None is worse than any."""
        if best is None:
            return value < math.inf if mode == "min" else value > -math.inf
        margin = self.min_delta * (abs(best) if self.min_delta_mode == "relative" else 1)
        return value < best - margin if mode == "min" else value > best + margin


@dataclass(frozen=True, kw_only=True)
class PlateauMemory(RateMemory):
    """What `ReduceOnPlateau` remembers.

    Arguments:
        rate: the rate now.
        best: the best value so far; None before the first.
        wait: evaluations without an improvement since the last one, or since the last cut.
        rest: evaluations of the cooldown that are left.
    """

    wait: int = 0
    rest: int = 0


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateau(Plateau[PlateauMemory]):
    """Cut the rate when a metric stops improving: rate = max(rate * factor, floor).

    At each evaluation a value that improves on the best by more than the margin becomes the best
    and sets the wait to 0. What else happens depends on `counting`:

    "keras": first a cooldown loses one evaluation and sets the wait to 0. Without an improvement,
    unless some of the cooldown is left, the wait grows by one, and when wait >= patience the rate
    is cut, the wait is 0 again and the cooldown starts.

    "torch": without an improvement the wait grows by one. Then a cooldown of which some is left
    loses one evaluation and sets the wait to 0. When wait > patience the rate is cut, the wait is 0
    again and the cooldown starts.

    Arguments:
        lr: peak, the rate before the first cut, at least 0.
        factor: what a cut multiplies the rate by, in (0, 1).
        patience: evaluations without an improvement, at least 0: "keras": as many cause a cut, and
            0 acts as 1; "torch": one more causes it.
        min_delta: the margin of an improvement, at least 0.
        min_delta_mode: "absolute": the margin is min_delta; "relative": min_delta * |best|.
        cooldown: evaluations of rest after a cut, at least 0; "keras": the last of them counts
            again; "torch": none of them does.
        floor: lowest rate, in [0, lr], or a share of lr ("10%").
        counting: "keras" or "torch".
        mode: "min" when lower values are better, "max" when higher ones are.
        monitor: the metric to observe.

    >>> schedule = ReduceOnPlateau(lr=0.1, patience=2)
    >>> memory = schedule.begin()
    >>> for step, loss in [(10, 1.0), (20, 1.2), (30, 1.1)]:
    ...     memory = schedule.observe(memory, step, loss)
    >>> schedule.rates(memory, np.array([30, 31]))
    array([0.05, 0.05])

    Source: `ReduceLROnPlateau` of Keras and of PyTorch.
    """

    factor: float = 0.5
    patience: int = 2
    min_delta: float = 1e-4
    floor: float | str = 0.0
    counting: str = "keras"
    mode: str = "min"
    monitor: str = "val/loss"

    checks: ClassVar = {
        **Plateau.checks,
        "counting": partial(_checks.one_of, options=("keras", "torch")),
        **HEARS,
    }

    def begin(self) -> PlateauMemory:
        return PlateauMemory(rate=self.lr)

    def _observed(self, memory: PlateauMemory, value: float) -> PlateauMemory:
        best = memory.best
        better = self._improves(value, best, self.mode)
        count = self._keras if self.counting == "keras" else self._torch
        wait, rest, due = count(memory.wait, memory.rest, better)
        rate = memory.rate
        if due:
            rate = max(rate * self.factor, float(self.floor))
            wait, rest = 0, self.cooldown
        return PlateauMemory(rate=rate, best=value if better else best, wait=wait, rest=rest)

    def _keras(self, wait: int, rest: int, better: bool) -> tuple[int, int, bool]:
        """The wait and the rest after an evaluation, and whether a cut is due."""
        if rest > 0:
            rest -= 1
            wait = 0
        if better:
            return 0, rest, False
        if rest > 0:
            return wait, rest, False
        return wait + 1, rest, wait + 1 >= self.patience

    def _torch(self, wait: int, rest: int, better: bool) -> tuple[int, int, bool]:
        wait = 0 if better else wait + 1
        if rest > 0:
            return 0, rest - 1, False
        return wait, rest, wait > self.patience
