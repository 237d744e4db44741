"""What schedules that listen to evaluations share."""

import math
from collections.abc import Iterable
from typing import Any

from schedules import _checks
from schedules.errors import ArgumentError, ArgumentTypeError

MODES = ("min", "max")
MARGINS = ("absolute", "relative")


def metric_name(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ArgumentTypeError(name, "must be a metric's name", repr(value))
    return value


def metric(name: str, value: Any) -> float:
    """A metric's value: it may be infinite, but not NaN."""
    number = _checks.real(name, value)
    if math.isnan(number):
        raise ArgumentError(name, "must not be NaN", repr(value))
    return number


def evaluation(step: Any, value: Any, monitor: str) -> float:
    """The value of an evaluation made after `step` updates; it may be infinite, but not NaN."""
    _checks.whole("step", step, 0)
    number = _checks.real("value", value)
    if math.isnan(number):
        raise ArgumentError("value", "must not be NaN", f"{value!r} for {monitor!r}")
    return number


def check_memory(memory: Any, counts: Iterable[str]) -> None:
    """Check what a frozen memory holds: its rate, its best value and its counts of evaluations."""
    checked: dict[str, float] = {"rate": _checks.at_least("rate", memory.rate, 0)}
    if memory.best is not None:
        checked["best"] = metric("best", memory.best)
    checked |= {name: _checks.whole(name, getattr(memory, name), 0) for name in counts}
    for name, value in checked.items():
        object.__setattr__(memory, name, value)


def improves(
    value: float, best: float | None, mode: str, min_delta: float, min_delta_mode: str
) -> bool:
    """Whether `value` is better than `best` by more than the margin; None is worse than any."""
    if best is None:
        return value < math.inf if mode == "min" else value > -math.inf
    margin = min_delta * (abs(best) if min_delta_mode == "relative" else 1)
    return value < best - margin if mode == "min" else value > best + margin
