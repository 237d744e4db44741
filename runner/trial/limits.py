"""The ranges of the numbers that optimizers and clippings have, without torch."""

from collections.abc import Mapping
from typing import Any

from schedules.errors import ArgumentError

LEAST, MOST = 1.2e-38, 3.4e38  # of a positive float32
CLIPPING = ("max_norm", "max_value", "factor")


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Raise ValueError for the field's usual arguments when out of range."""
    decay = arguments.get("weight_decay")
    if isinstance(decay, int | float) and decay < 0:
        raise ArgumentError("weight_decay", "must be at least 0", f"{decay}")
    eps = arguments.get("eps")
    if isinstance(eps, int | float) and not eps > 0:
        raise ArgumentError("eps", "must be greater than 0", f"{eps}")
    if isinstance(eps, int | float):
        positive("eps", eps)
    for name in ("momentum", "alpha", "dampening"):
        value = arguments.get(name)
        if isinstance(value, int | float) and not 0 <= value < 1:
            raise ArgumentError(name, "must lie in [0, 1)", f"{value}")
    if "lr" in arguments:
        raise ArgumentError("lr", "must be left out: the schedule sets the rate, lr= its peak")
    betas = arguments.get("betas")
    if betas is not None and not all(0 <= b < 1 for b in betas):
        raise ArgumentError("betas", "must each lie in [0, 1)", f"{list(betas)}")
    if arguments.get("nesterov") and not arguments.get("momentum"):
        raise ArgumentError("nesterov", "needs momentum greater than 0", "0")


def check_clipping(arguments: Mapping[str, Any]) -> None:
    """Raise ValueError for a threshold out of range."""
    for name in CLIPPING:
        if name in arguments:
            positive(name, arguments[name])


def positive(name: str, value: Any) -> None:
    """Raise ValueError unless a value is a number greater than 0 that float32 can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ArgumentError(name, "must be a number greater than 0", f"{value!r}")
    if not LEAST <= value <= MOST:
        raise ArgumentError(name, f"must lie in [{LEAST:g}, {MOST:g}], as float32", f"{value!r}")
