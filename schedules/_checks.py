"""Checks that every constructor shares: the argument's name, what must hold, what was given."""

import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schedules.errors import ArgumentError, ArgumentTypeError

DECIMAL = r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})"


def real(name: str, value: Any) -> float:
    """`value` as a float, which may be infinite or NaN; a bool or a text is no number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ArgumentTypeError(name, "must be a number", repr(value))
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf


def number(name: str, value: Any) -> float:
    """`value` as a finite float."""
    result = real(name, value)
    if not math.isfinite(result):
        raise ArgumentError(name, "must be finite", repr(value))
    return result


def at_least(name: str, value: Any, low: float) -> float:
    result = number(name, value)
    if result < low:
        raise ArgumentError(name, f"must be at least {low:g}", repr(value))
    return result


def rate(name: str, value: Any) -> float:
    return at_least(name, value, 0)


def above(name: str, value: Any, low: float) -> float:
    result = number(name, value)
    if result <= low:
        raise ArgumentError(name, f"must be greater than {low:g}", repr(value))
    return result


def within(name: str, value: Any, low: float, high: float, ends: str = "[]") -> float:
    """`value` between `low` and `high`; `ends` says of each end whether it belongs: "[]", "(]"."""
    result = number(name, value)
    above_low = result >= low if ends[0] == "[" else result > low
    below_high = result <= high if ends[1] == "]" else result < high
    if not (above_low and below_high):
        interval = f"{ends[0]}{low:g}, {high:g}{ends[1]}"
        raise ArgumentError(name, f"must lie in {interval}", repr(value))
    return result


def up_to(name: str, value: Any, limit_name: str, limit: float) -> float:
    """`value` from 0 to another argument's value."""
    result = number(name, value)
    if not 0 <= result <= limit:
        raise ArgumentError(
            name, f"must lie in [0, {limit_name}]", f"{value!r} with {limit_name} {limit!r}"
        )
    return result


def rate_up_to(name: str, value: Any, lr: float) -> float:
    """`value` from 0 to `lr`; a text such as "10%" is that share of it, by both decimal texts."""
    if not isinstance(value, str):
        return up_to(name, value, "lr", lr)
    match = re.fullmatch(rf"({DECIMAL})%", value)
    if match is None:
        raise ArgumentError(name, "must be a rate or a share of lr ('10%')", repr(value))
    share = Fraction(match[1]) / 100
    if not 0 <= share <= 1:
        raise ArgumentError(name, "must lie in [0%, 100%]", repr(value))
    return float(share * Fraction(repr(lr)))


def whole(name: str, value: Any, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ArgumentTypeError(name, "must be a whole number", repr(value))
    if value < low:
        raise ArgumentError(name, f"must be at least {low}", repr(value))
    return int(value)


def null(name: str, value: Any, why: str) -> None:
    if value is not None:
        raise ArgumentError(name, f"must be null {why}", repr(value))


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ArgumentTypeError(name, "must be true or false", repr(value))
    return value


def one_of(name: str, value: Any, options: Iterable[str]) -> str:
    options = tuple(options)
    if not isinstance(value, str) or value not in options:
        raise ArgumentError(name, f"must be {' or '.join(map(repr, options))}", repr(value))
    return value


def plain(value: Any) -> Any:
    """A text of any kind, such as numpy's, as one of Python's; else the value as it is."""
    return str.__str__(value) if isinstance(value, str) else value


def sequence(name: str, value: Any) -> tuple[Any, ...]:
    """A list, a tuple, a 1-D array or another sequence as a tuple; a text is none."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return tuple(value.tolist())
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise ArgumentTypeError(name, "must be a list", repr(value))
    return tuple(value)


def rates(name: str, rates: NDArray[Any], t: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a formula from outside gave for steps `t`, as new rates."""
    result = np.array(rates, dtype=np.float64)
    bad = np.flatnonzero(~(np.isfinite(result) & (result >= 0)))
    if bad.size:
        step = int(t[bad[0]])
        given = f"{result[bad[0]]} at step {step}"
        raise ArgumentError(name, "must give finite rates of at least 0", given, step=step)
    return result
