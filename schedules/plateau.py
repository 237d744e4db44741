"""Reduce on plateau, which listens to the evaluations."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules._evaluations import (
    MARGINS,
    MODES,
    check_memory,
    evaluation,
    improves,
    metric_name,
    own,
)
from schedules.schedule import Memory, Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class PlateauMemory(Memory):
    """What `ReduceOnPlateau` remembers.

    Arguments:
        rate: the rate now.
        best: the best value so far; None before the first.
        wait: evaluations without an improvement since the last one, or since the last cut.
        rest: evaluations of the cooldown that are left.

    Raises:
        ValueError, TypeError: one of them is out of its range or no number.
    """

    rate: float
    best: float | None = None
    wait: int = 0
    rest: int = 0

    def __post_init__(self) -> None:
        check_memory(self, counts=("wait", "rest"))


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateau(Schedule):
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
        floor: lowest rate, in [0, lr], or a share of lr ("10%").
        lr: peak, the rate before the first cut, at least 0.
        factor: what a cut multiplies the rate by, in (0, 1).
        patience: evaluations without an improvement, at least 0: "keras": as many cause a cut, and
            0 acts as 1; "torch": one more causes it.
        min_delta: the margin of an improvement, at least 0.
        min_delta_mode: "absolute": the margin is min_delta; "relative": min_delta * |best|.
        cooldown: evaluations of rest after a cut, at least 0; "keras": the last of them counts
            again; "torch": none of them does.
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

    lr: float
    factor: float = 0.5
    patience: int = 2
    min_delta: float = 1e-4
    min_delta_mode: str = "absolute"
    cooldown: int = 0
    floor: float | str = 0.0
    counting: str = "keras"
    mode: str = "min"
    monitor: str = "val/loss"

    checks: ClassVar = {
        "lr": _checks.rate,
        "factor": partial(_checks.within, low=0, high=1, ends="()"),
        "patience": partial(_checks.whole, low=0),
        "min_delta": partial(_checks.at_least, low=0),
        "min_delta_mode": partial(_checks.one_of, options=MARGINS),
        "cooldown": partial(_checks.whole, low=0),
        "counting": partial(_checks.one_of, options=("keras", "torch")),
        "mode": partial(_checks.one_of, options=MODES),
        "monitor": metric_name,
    }
    share_of_lr: ClassVar = "floor"

    @property
    def listens(self) -> bool:
        return True

    def begin(self) -> PlateauMemory:
        return PlateauMemory(rate=self.lr)

    def observe(self, memory: Memory, step: int, value: float) -> PlateauMemory:
        """The memory after one more evaluation.

        Raises:
            ValueError, TypeError: the value is NaN or no number, or the step is negative.
        """
        memory = own(memory, PlateauMemory)
        value = evaluation(step, value, self.monitor)
        best = memory.best
        better = improves(value, best, self.mode, self.min_delta, self.min_delta_mode)
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

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        return np.full(t.shape, own(memory, PlateauMemory).rate)
