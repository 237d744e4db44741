"""Reduce on plateau: the one schedule here that listens to the evaluations."""

import math
from dataclasses import dataclass

import numpy as np

from schedules import _checks
from schedules.schedule import Memory, Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class PlateauMemory(Memory):
    """What `ReduceOnPlateau` remembers.

    Arguments:
        rate: the rate now.
        best: the best value so far; None before the first.
        wait: evaluations without an improvement since the last one, or since the last cut.
        rest: evaluations of the cooldown that are left.
    """

    rate: float
    best: float | None = None
    wait: int = 0
    rest: int = 0


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateau(Schedule):
    """Cut the rate when a metric stops improving: rate = max(rate * factor, floor).

    At each evaluation, in Keras's order: a cooldown loses one evaluation and sets the wait to 0;
    a value that improves on the best by more than the margin becomes the best and sets the wait
    to 0; otherwise, unless some of the cooldown is left, the wait grows by one, and when
    wait >= patience the rate is cut, the wait is 0 again and the cooldown starts. (PyTorch cuts one
    evaluation later, when its count exceeds patience, and rests one evaluation longer.)

    Arguments:
        lr: peak, the rate before the first cut, at least 0.
        factor: what a cut multiplies the rate by, in (0, 1).
        patience: evaluations without an improvement that cause a cut, at least 0; 0 acts as 1.
        min_delta: the margin of an improvement, at least 0.
        min_delta_mode: "absolute": the margin is min_delta; "relative": min_delta * |best|.
        cooldown: evaluations of rest after a cut, at least 0; the last of them counts again.
        floor: lowest rate, in [0, lr].
        mode: "min" when lower values are better, "max" when higher ones are.
        monitor: the metric to observe.

    Raises:
        ValueError, TypeError: an argument is out of its range or no number.

    >>> schedule = ReduceOnPlateau(lr=0.1, patience=2)
    >>> memory = schedule.begin()
    >>> for step, loss in [(10, 1.0), (20, 1.2), (30, 1.1)]:
    ...     memory = schedule.observe(memory, step, loss)
    >>> schedule.rates(memory, np.array([30, 31]))
    array([0.05, 0.05])

    Source: `ReduceLROnPlateau` of Keras.
    """

    lr: float
    factor: float = 0.5
    patience: int = 2
    min_delta: float = 1e-4
    min_delta_mode: str = "absolute"
    cooldown: int = 0
    floor: float = 0.0
    mode: str = "min"
    monitor: str = "val/loss"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep(
            lr=_checks.at_least("lr", self.lr, 0),
            factor=_checks.within("factor", self.factor, 0, 1, "()"),
            patience=_checks.whole("patience", self.patience, 0),
            min_delta=_checks.at_least("min_delta", self.min_delta, 0),
            min_delta_mode=_checks.one_of(
                "min_delta_mode", self.min_delta_mode, ("absolute", "relative")
            ),
            cooldown=_checks.whole("cooldown", self.cooldown, 0),
            mode=_checks.one_of("mode", self.mode, ("min", "max")),
        )
        self._keep(floor=_checks.up_to("floor", self.floor, "lr", self.lr))
        if not isinstance(self.monitor, str) or not self.monitor:
            raise TypeError(f"monitor must be a metric's name, got {self.monitor!r}")

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
        memory = _own(memory)
        _checks.whole("step", step, 0)
        value = _checks.real("value", value)
        if math.isnan(value):
            raise ValueError(f"value must not be NaN, got {value!r} for {self.monitor!r}")
        rate, best, wait, rest = memory.rate, memory.best, memory.wait, memory.rest
        if rest > 0:
            rest -= 1
            wait = 0
        if self._improves(value, best):
            best, wait = value, 0
        elif rest == 0:
            wait += 1
            if wait >= self.patience and rate > self.floor:
                rate = max(rate * self.factor, self.floor)
                wait, rest = 0, self.cooldown
        return PlateauMemory(rate=rate, best=best, wait=wait, rest=rest)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        return np.full(t.shape, _own(memory).rate)

    def _improves(self, value: float, best: float | None) -> bool:
        if best is None:
            return value < math.inf if self.mode == "min" else value > -math.inf
        margin = self.min_delta * (abs(best) if self.min_delta_mode == "relative" else 1)
        return value < best - margin if self.mode == "min" else value > best + margin


def _own(memory: Memory) -> PlateauMemory:
    if not isinstance(memory, PlateauMemory):
        raise TypeError(f"memory must be a PlateauMemory, from begin(), got {memory!r}")
    return memory
