"""Ordered lists of values of an interval."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runner.space.elements import Continuum, Grid
from runner.space.interval import Interval
from runner.space.quantities import exact, with_unit
from schedules.errors import ArgumentError

if TYPE_CHECKING:
    from optuna.trial import BaseTrial


@dataclass(frozen=True)
class Ordered:
    """A strictly increasing (or decreasing) list of so many values of an interval.

    Its inner numbers u_0, u_1, ... lie in [0, 1], one for each position. Position i is
    the u_i-quantile of that element among all valid lists that begin with the elements before it.
    So every u gives a valid list, and uniform u give every list equally often: exactly counted
    where the values lie on a grid (with a step, whole, or with a unit, to its last decimal), by
    order statistics otherwise (to 12 digits).

    Raises:
        ArgumentError: the count is below 1, or the interval has no room for it.

    >>> boundaries = Ordered(2, Interval(10, 90, step=5, unit="%"))
    >>> boundaries.size(), boundaries.decode([0.0, 1.0])
    (136, ['10%', '90%'])
    """

    count: int
    interval: Interval
    decreasing: bool = False

    def __post_init__(self) -> None:
        whole = isinstance(self.count, int) and not isinstance(self.count, bool)
        if not whole or self.count < 1:
            raise ArgumentError("", "must list at least one value, a whole number", self.text())
        interval, size = self.interval, self._elements.size
        if interval.log and interval.integer:
            raise ArgumentError("", "must be log or whole in a list, not both", self.text())
        if size < self.count:
            low, high = (with_unit(n, interval.unit) for n in (interval.low, interval.high))
            room = f"must have room for {self.count} values between {low} and {high}"
            if interval.step is None:
                raise ArgumentError("", f"{room}, which lie too close together")
            step = with_unit(interval.step, interval.unit)
            raise ArgumentError("", f"{room} in steps of {step}, which has {size}")

    def suggest(self, trial: "BaseTrial", name: str) -> list[Any]:
        """Draw a list, from the inner parameters NAME[0], NAME[1], ..."""
        return self.decode(
            [trial.suggest_float(inner, 0.0, 1.0) for inner in self.inner_names(name)]
        )

    def encode(self, value: Any, name: str) -> dict[str, Any] | None:
        """Return the inner parameters that give a list; None when it is none of these lists."""
        numbers = self.numbers(value)
        if numbers is None:
            return None
        return dict(zip(self.inner_names(name), numbers, strict=True))

    def inner_names(self, name: str) -> list[str]:
        """Return the names of the inner parameters."""
        return [f"{name}[{i}]" for i in range(self.count)]

    def decode(self, numbers: Sequence[float]) -> list[Any]:
        """Return the list of inner numbers in [0, 1]."""
        taken: list[Fraction] = []
        for left, number in zip(range(self.count, 0, -1), numbers, strict=True):
            taken.append(self._elements.decode(taken[-1] if taken else None, left, number))
        return [self.interval.show(amount) for amount in taken]

    def numbers(self, values: Any) -> list[float] | None:
        """Return inner numbers of a list, the middle of those that give it; None without any.

        >>> Ordered(2, Interval(10, 90, step=5, unit="%")).numbers(["20%", "10%"]) is None
        True
        """
        amounts = self._amounts(values)
        if amounts is None:
            return None
        numbers = [self._elements.encode(*element) for element in self._in_turn(amounts)]
        return numbers if self._amounts(self.decode(numbers)) == amounts else None

    def size(self) -> int | None:
        """Return how many lists there are; None when the interval is continuous."""
        size = self.interval.size()
        return None if size is None else math.comb(size, self.count)

    def values(self) -> list[list[Any]]:
        """Return all lists, in order.

        Raises:
            ArgumentError: the interval is continuous.
        """
        self.interval.refuse_continuous(self.text())
        values = self.interval.values()[:: -1 if self.decreasing else 1]
        return [list(chosen) for chosen in itertools.combinations(values, self.count)]

    def text(self) -> str:
        """Return its normal form."""
        name = "decreasing" if self.decreasing else "ordered"
        values = replace(self.interval, step=None).text()
        return f"{name}({self.count}, {values}{self.interval.step_text()})"

    @cached_property
    def _elements(self) -> Grid | Continuum:
        interval = self.interval
        if interval.step is None and (interval.log or not interval.unit):
            return Continuum(interval, self.decreasing)
        low, high = exact(interval.low), exact(interval.high)
        step = Fraction(1, 10**interval.places) if interval.step is None else exact(interval.step)
        return Grid(low, step, int((high - low) / step) + 1, self.decreasing)

    def _in_turn(self, amounts: list[Fraction]) -> Iterable[tuple[Fraction | None, int, Fraction]]:
        """Return each element behind the one before it and how many are left."""
        return zip([None, *amounts[:-1]], range(self.count, 0, -1), amounts, strict=True)

    def _amounts(self, values: Any) -> list[Fraction] | None:
        if not isinstance(values, list | tuple) or len(values) != self.count:
            return None
        amounts = [amount for v in values if (amount := self.interval.amount(v)) is not None]
        rising = amounts[::-1] if self.decreasing else amounts
        ordered = all(a < b for a, b in itertools.pairwise(rising))
        return amounts if len(amounts) == self.count and ordered else None
