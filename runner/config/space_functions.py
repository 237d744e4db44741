"""The functions that search spaces are written with, over Hydra's grammar."""

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from hydra.core.override_parser.types import QuotedString

from runner.errors import nearest
from runner.space import Choice, Interval, Ordered, Spec
from runner.space.quantities import exact
from schedules.errors import ArgumentError

USAGE = {
    "choice": "choice(a, b, c)",
    "decreasing": "decreasing(count, interval(low, high), step=s)",
    "float": "float(interval(low, high))",
    "int": "int(interval(low, high))",
    "interval": "interval(low, high) or interval(low, high, step=s)",
    "ordered": "ordered(count, interval(low, high), step=s)",
    "range": "range(start, stop) or range(start, stop, step)",
    "tag": "tag(log, interval(low, high))",
}
_MEASURE = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(%|ep|samples)")


class Functions:
    """Stands for Hydra's table of functions."""

    def eval(self, func: Any) -> Spec:
        """Return what a call gives. Raises ArgumentError for one that cannot be made."""
        if func.name not in _TABLE:
            must = f"must be searched with one of {', '.join(USAGE)}"
            raise ArgumentError("", must, f"'{func.name}'{nearest(func.name, USAGE)}")
        function = _TABLE[func.name]
        args = [plain(arg) for arg in func.args]
        kwargs = {name: plain(arg) for name, arg in func.kwargs.items()}
        try:
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError("", f"must be written {USAGE[func.name]}: {error}") from error
        return function(*args, **kwargs)


def plain(value: Any) -> Any:
    """Return a parsed value without the marks of its quotes."""
    if isinstance(value, QuotedString):
        return value.text
    return [plain(element) for element in value] if isinstance(value, list) else value


def choice(*options: Any) -> Choice:
    """Return a choice of plain values."""
    if any(isinstance(option, Spec) for option in options):
        if len(options) == 1 and isinstance(options[0], Choice):
            return options[0]
        raise ArgumentError("", "must list plain values", "a search within a choice")
    return Choice(options)


def _interval(low: Any, high: Any, step: Any = None) -> Interval:
    numbers, unit = _measures(low, high, *([] if step is None else [step]))
    return Interval(numbers[0], numbers[1], step=None if step is None else numbers[2], unit=unit)


def _range(start: Any, stop: Any = None, step: Any = None) -> Interval:
    """Return the numbers start, start + step, ... below stop."""
    given, unit = _measures(*([start] if stop is None else [start, stop]))
    by = 1 if step is None else _measures(step, unit=unit)[0][0]
    numbers = [*([0] if stop is None else []), *given, by]
    text = f"range({', '.join(str(a) for a in (start, stop, step) if a is not None)})"
    if by <= 0:
        raise ArgumentError("", "must have a step above 0", text)
    low, high, width = map(exact, numbers)
    last = low + (math.ceil((high - low) / width) - 1) * width
    if last <= low:
        raise ArgumentError("", "must have at least two values", text)
    whole = all(isinstance(number, int) for number in numbers)
    return Interval(float(low), float(last), integer=whole, step=float(by), unit=unit)


def _cast(kind: type[int] | type[float], *given: Any) -> Spec:
    spec = given[0] if len(given) == 1 else choice(*given)
    if isinstance(spec, Interval):
        return replace(spec, integer=kind is int)
    if not isinstance(spec, Choice):
        raise ArgumentError("", f"must be written {USAGE[kind.__name__]}")
    for option in spec.options:
        number = isinstance(option, int | float) and not isinstance(option, bool)
        if not number or kind(option) != option:
            what = "whole numbers" if kind is int else "numbers"
            raise ArgumentError("", f"must list {what}", repr(option))
    return Choice([kind(option) for option in spec.options])


def _tag(*given: Any) -> Interval:
    *tags, spec = given
    for tag in tags:
        if tag != "log":
            raise ArgumentError("", "must have no other tag than log", repr(tag))
    if not isinstance(spec, Interval) or not tags:
        raise ArgumentError("", f"must be written {USAGE['tag']}")
    return replace(spec, log=True)


def _ordered(name: str, count: Any, interval: Any, step: Any = None) -> Ordered:
    if not isinstance(interval, Interval):
        raise ArgumentError("", f"must be written {USAGE[name]}")
    if step is not None:
        if interval.step is not None and not (interval.integer and interval.step == 1):
            given = f"{interval.text()} and step={step}"
            raise ArgumentError("", "must have its step once", given)
        [width], _ = _measures(step, unit=interval.unit)
        interval = replace(interval, step=width)
    return Ordered(count, interval, decreasing=name == "decreasing")


def _measures(*given: Any, unit: str | None = None) -> tuple[list[float], str]:
    """Return numbers that share one unit, whole ones as int.

    Raises:
        ArgumentError: one is no number, or the units differ, also from the one given.
    """
    numbers: list[float] = []
    units: list[str] = [] if unit is None else [unit]
    for value in given:
        found = _MEASURE.fullmatch(value) if isinstance(value, str) else None
        if found:
            numbers.append(int(found[1]) if found[1].isdigit() else float(found[1]))
            units.append(found[2])
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append(value)
            units.append("")
        else:
            kinds = "numbers, shares (10%), epochs (1ep) or samples (500samples)"
            raise ArgumentError("", f"must have {kinds} as its ends and steps", repr(value))
    if len(set(units)) > 1:
        shown = " and ".join(map(str, given))
        beside = f" beside a range in {unit or 'plain numbers'}" if unit is not None else ""
        raise ArgumentError("", "must have one unit", f"{shown}{beside}")
    return numbers, units[0]


_TABLE: dict[str, Callable[..., Spec]] = {
    "choice": choice,
    "decreasing": partial(_ordered, "decreasing"),
    "float": partial(_cast, float),
    "int": partial(_cast, int),
    "interval": _interval,
    "ordered": partial(_ordered, "ordered"),
    "range": _range,
    "tag": _tag,
}
