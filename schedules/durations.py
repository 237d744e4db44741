"""Durations: an int is steps, "2ep" is epochs, "10%" is a share of the run, "5000samples" is data.

The one rounding rule: a duration is computed exactly, from its decimal text, and becomes the
nearest whole step, halves up. Samples count in passes over the data, so that as many samples as
there are is one epoch, also where the last batch of an epoch is a smaller one.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from numbers import Integral
from typing import Any

from schedules import _checks
from schedules.errors import ArgumentError, ArgumentTypeError

MAX_STEPS = 2**53  # beyond it a float64 no longer tells one step from the next
Duration = int | str

_TEXT = re.compile(rf"({_checks.DECIMAL})(ep|%|samples)")
_KINDS = "steps (an int), epochs ('2ep'), a share of the run ('10%') or samples ('5000samples')"


@dataclass(frozen=True)
class Horizon:
    """The length of a run, which gives durations such as "10%" and "2ep" their steps.

    Arguments:
        total_steps: optimizer updates in the whole run, at least 1.
        steps_per_epoch: updates in one pass over the data, at least 1; a run may be shorter.
        samples_per_epoch: samples in one pass, at least 1, which "5000samples" needs, or None.

    Raises:
        ValueError, TypeError: an argument is not a whole number of at least 1.

    >>> Horizon(total_steps=1000, steps_per_epoch=100)
    Horizon(total_steps=1000, steps_per_epoch=100, samples_per_epoch=None)
    """

    total_steps: int
    steps_per_epoch: int
    samples_per_epoch: int | None = None

    def __post_init__(self) -> None:
        for name in ("total_steps", "steps_per_epoch", "samples_per_epoch"):
            if name == "samples_per_epoch" and self.samples_per_epoch is None:
                continue
            count = _checks.whole(name, getattr(self, name), 1)
            if count > MAX_STEPS:
                raise ArgumentError(name, "must be at most 2**53", str(count))
            object.__setattr__(self, name, count)

    def of(self, total_steps: int) -> "Horizon":
        """The same passes over the data in a run of another length.

        >>> Horizon(total_steps=1000, steps_per_epoch=100).of(300).total_steps
        300
        """
        return Horizon(total_steps, self.steps_per_epoch, self.samples_per_epoch)


def parse(duration: Any, name: str = "duration", at_least: int = 0) -> tuple[Fraction, str]:
    """The exact amount and the unit ("steps", "ep", "%" or "samples") of a duration.

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
    """Boundaries as a tuple of durations that increase, as far as it shows without a horizon."""
    durations = _checks.sequence(name, given)
    parsed = [parse(duration, f"{name}[{i}]", at_least) for i, duration in enumerate(durations)]
    for unit in ("steps", "ep", "%", "samples"):
        if not _increases([amount for amount, its_unit in parsed if its_unit == unit]):
            raise ArgumentError(name, "must be strictly increasing", repr(durations))
    return tuple(_checks.plain(d) if isinstance(d, str) else int(d) for d in durations)


def half_up(amount: Fraction) -> int:
    """The nearest whole number, halves up."""
    return math.floor(amount + Fraction(1, 2))


def _increases(amounts: Sequence[Fraction | int]) -> bool:
    return all(a < b for a, b in pairwise(amounts))


def _count(steps: int) -> str:
    return f"{steps} step" if steps == 1 else f"{steps} steps"
