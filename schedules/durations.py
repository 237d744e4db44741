"""Durations: an int is steps, "2ep" is epochs, "10%" is a share of the run, "5000samples" is data.

The one rounding rule: a duration is computed exactly, from its decimal text, and becomes the
nearest whole step, halves up. Samples count in passes over the data, so that as many samples as
there are is one epoch, also where the last batch of an epoch is a smaller one.
"""

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from numbers import Integral
from typing import Any

from schedules._checks import DECIMAL, plain, sequence
from schedules.errors import ArgumentError, ArgumentTypeError
from schedules.horizon import MAX_STEPS, Horizon

Duration = int | str

_TEXT = re.compile(rf"({DECIMAL})(ep|%|samples)")
_KINDS = "steps (an int), epochs ('2ep'), a share of the run ('10%') or samples ('5000samples')"


def parse(duration: Any, name: str = "duration", at_least: int = 0) -> tuple[Fraction, str]:
    """The exact amount and the unit ("steps", "ep", "%" or "samples") of a duration.

    Raises:
        ValueError, TypeError: it is no duration, is negative, or is 0 where steps are needed.

    >>> parse("2.5ep")
    (Fraction(5, 2), 'ep')
    """
    if isinstance(duration, str):
        match = _TEXT.fullmatch(duration)
        if match is None:
            raise ArgumentError(name, f"must be {_KINDS}", repr(duration))
        amount, unit = Fraction(match[1]), match[2]
    elif isinstance(duration, Integral) and not isinstance(duration, bool):
        amount, unit = Fraction(int(duration)), "steps"
        if amount > MAX_STEPS:
            raise ArgumentError(name, "must be at most 2**53 steps", repr(duration))
    else:
        raise ArgumentTypeError(name, f"must be {_KINDS}", repr(duration))
    if amount < 0:
        raise ArgumentError(name, "must not be negative", repr(duration))
    if at_least and unit == "steps" and amount < at_least:
        raise ArgumentError(name, f"must be at least {_count(at_least)}", repr(duration))
    if at_least and amount == 0:
        raise ArgumentError(name, "must be greater than 0", repr(duration))
    return amount, unit


def steps_of(
    duration: Duration, horizon: Horizon, name: str = "duration", at_least: int = 0
) -> int:
    """The whole steps of a duration in a run, to the nearest step, halves up.

    Arguments:
        duration: steps (10), epochs ("2ep", "0.5ep"), a share of the run ("10%", "2.5%") or
            samples ("5000samples"), for which the horizon must have its samples_per_epoch.
        horizon: the run.
        name: the argument's name, for messages.
        at_least: the fewest steps that make sense.

    Raises:
        ValueError, TypeError: it is no duration, or comes to fewer steps than `at_least`.

    >>> horizon = Horizon(total_steps=1000, steps_per_epoch=125, samples_per_epoch=4000)
    >>> [steps_of(d, horizon) for d in (7, "2ep", "0.5ep", "10%", "0.04%", "0.05%", "8000samples")]
    [7, 250, 63, 100, 0, 1, 250]
    """
    amount, unit = parse(duration, name, at_least)
    if unit == "samples":
        if horizon.samples_per_epoch is None:
            needed = "in samples needs a horizon with samples_per_epoch"
            raise ArgumentError(name, needed, repr(duration))
        amount *= Fraction(horizon.steps_per_epoch, horizon.samples_per_epoch)
    if unit == "ep":
        amount *= horizon.steps_per_epoch
    if unit in ("ep", "samples"):
        run = f"steps at {_count(horizon.steps_per_epoch)} per epoch"
    else:
        amount *= Fraction(horizon.total_steps, 100) if unit == "%" else 1
        run = f"of {_count(horizon.total_steps)}"
    steps = half_up(amount)
    if steps < at_least:
        raise ArgumentError(
            name, f"must be at least {_count(at_least)}", f"{duration!r} = {steps} {run}"
        )
    if steps > MAX_STEPS:
        raise ArgumentError(name, "must be at most 2**53 steps", f"{duration!r} = {steps}")
    return steps


def increasing_steps_of(
    durations: Sequence[Duration], horizon: Horizon, name: str = "boundaries", at_least: int = 1
) -> tuple[int, ...]:
    """The whole steps of boundaries, strictly increasing also after rounding.

    Raises:
        ValueError, TypeError: one is no duration or too short, or two do not increase.

    >>> increasing_steps_of(("30%", "2ep", 90), Horizon(total_steps=100, steps_per_epoch=20))
    (30, 40, 90)
    """
    steps = tuple(
        steps_of(duration, horizon, f"{name}[{i}]", at_least)
        for i, duration in enumerate(durations)
    )
    if not _increases(steps):
        raise ArgumentError(
            name, "must be strictly increasing", f"{tuple(durations)!r} = {steps!r}"
        )
    return steps


def listed(given: Any, name: str = "boundaries", at_least: int = 1) -> tuple[Duration, ...]:
    """Boundaries as a tuple of durations that increase, as far as it shows without a horizon.

    Raises:
        ValueError, TypeError: it is no list, one is no duration or too short, or two of the same
            unit do not increase.

    >>> listed([10, "2ep"])
    (10, '2ep')
    """
    durations = sequence(name, given)
    parsed = [parse(duration, f"{name}[{i}]", at_least) for i, duration in enumerate(durations)]
    for unit in ("steps", "ep", "%", "samples"):
        if not _increases([amount for amount, its_unit in parsed if its_unit == unit]):
            raise ArgumentError(name, "must be strictly increasing", repr(durations))
    return tuple(plain(d) if isinstance(d, str) else int(d) for d in durations)


def half_up(amount: Fraction) -> int:
    """The nearest whole number, halves up."""
    return math.floor(amount + Fraction(1, 2))


def _increases(amounts: Sequence[Fraction | int]) -> bool:
    return all(a < b for a, b in pairwise(amounts))


def _count(steps: int) -> str:
    return f"{steps} step" if steps == 1 else f"{steps} steps"
