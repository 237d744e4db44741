"""Numbers of a range, with or without a unit."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from runner.space.quantities import QUANTITY, decimals, exact, with_unit
from schedules.errors import ArgumentError

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

_PLACES = 3  # decimals of a drawn share or duration


@dataclass(frozen=True)
class Interval:
    """Numbers from low to high, both included; with a step low, low + step, ... up to high.

    Arguments:
        low, high: its ends, in the unit; low < high.
        log: drawn uniformly in the logarithm; low > 0, and no step.
        integer: whole numbers only.
        step: > 0 and at most the range; 1 for whole numbers when it is not given.
        unit: "", "%", "ep" or "samples". With a unit a value is text, to 3 decimals.

    Raises:
        ArgumentError: an argument is out of its range; what holds the interval gives it a name.

    >>> Interval(10, 90, step=5, unit="%").values()[:3]
    ['10%', '15%', '20%']
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False
    step: float | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        given = [n for n in (self.low, self.high, self.step) if n is not None]
        if not all(math.isfinite(n) for n in given):
            raise self._refusal("must have finite ends and steps")
        if self.low >= self.high:
            raise self._refusal("must have its low end below its high end")
        if self.log and self.low <= 0:
            raise self._refusal("must be above 0 everywhere to be log")
        if self.step is not None and self.step <= 0:
            raise self._refusal("must have a step above 0")
        if self.step is not None and exact(self.step) > exact(self.high) - exact(self.low):
            raise self._refusal("must have a step no larger than its range")
        if self.integer and any(n != int(n) for n in given):
            raise self._refusal("must have whole ends and steps to be whole")
        if self.log and self.step is not None and not (self.integer and self.step == 1):
            raise self._refusal("must be log or have a step, not both")
        step = 1 if self.integer and self.step is None else self.step
        object.__setattr__(self, "low", self._plain(self.low))
        object.__setattr__(self, "high", self._plain(self.high))
        object.__setattr__(self, "step", None if step is None else self._plain(step))

    def suggest(self, trial: "BaseTrial", name: str) -> int | float | str:
        """Draw a value."""
        number: float
        if self.integer:
            low, high, step = int(self.low), int(self._last), int(self.step or 1)
            number = trial.suggest_int(name, low, high, step=step, log=self.log)
        else:
            last = float(self._last)
            number = trial.suggest_float(name, self.low, last, step=self.step, log=self.log)
        return self.show(self._nearest(Fraction(number)))

    def encode(self, value: Any, name: str) -> dict[str, Any] | None:
        """Return the inner parameters that give a value; None when it is not in the interval.

        >>> Interval(10, 90, unit="%").encode("12.5%", "warmup.fraction")
        {'warmup.fraction': 12.5}
        """
        amount = self.amount(value)
        return None if amount is None else {name: self._plain(amount)}

    def size(self) -> int | None:
        """Return how many values there are; None when it is continuous."""
        if self.step is None:
            return None
        return int((exact(self.high) - exact(self.low)) / exact(self.step)) + 1

    def values(self) -> list[int | float | str]:
        """Return all values, in order.

        Raises:
            ArgumentError: it is continuous.
        """
        self.refuse_continuous(self.text())
        return [self.show(self._at(i)) for i in range(self.size() or 0)]

    def text(self) -> str:
        """Return its normal form.

        >>> Interval(1e-4, 1e-1, log=True).text()
        'tag(log, interval(0.0001, 0.1))'
        """
        ends = f"{with_unit(self.low, self.unit)}, {with_unit(self.high, self.unit)}"
        text = f"interval({ends}{self.step_text()})"
        text = f"int({text})" if self.integer else text
        return f"tag(log, {text})" if self.log else text

    def step_text(self) -> str:
        """Return its step as an argument of the normal form, nothing where it has none."""
        if self.step is None or (self.integer and self.step == 1):
            return ""
        return f", step={with_unit(self.step, self.unit)}"

    def amount(self, value: Any) -> Fraction | None:
        """Return the exact number of a value, in the unit; None when it is not in the interval."""
        if self.unit:
            found = QUANTITY.fullmatch(value) if isinstance(value, str) else None
            if found is None or found[2] != self.unit:
                return None
            amount = Fraction(found[1])
        else:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            if not math.isfinite(value):
                return None
            amount = exact(value)
        inside = exact(self.low) <= amount <= exact(self.high)
        return amount if inside and self._nearest(amount) == amount else None

    def show(self, amount: Fraction) -> int | float | str:
        """Return the value of an exact number."""
        number = self._plain(amount)
        return with_unit(number, self.unit) if self.unit else number

    def refuse_continuous(self, text: str) -> None:
        """Raise ArgumentError, which shows a text, where there is no list of values."""
        if self.step is None:
            advice = "list its values instead" if self.log else "give it a step"
            must = f"must be finite for study/sampler=grid: {text} is continuous"
            raise ArgumentError("", must, advice=advice)

    def _refusal(self, must: str) -> ArgumentError:
        return ArgumentError("", must, self.text())

    @property
    def places(self) -> int:
        """How many decimals a value with a unit has at most."""
        return max(_PLACES, decimals(self.low), decimals(self.high))

    @property
    def _last(self) -> float:
        size = self.size()
        return self.high if size is None else float(self._at(size - 1))

    def _at(self, position: int) -> Fraction:
        return exact(self.low) + position * exact(self.step or 1)

    def _nearest(self, amount: Fraction) -> Fraction:
        size = self.size()
        if size is not None:
            position = round((amount - exact(self.low)) / exact(self.step or 1))
            return self._at(min(max(position, 0), size - 1))
        return round(amount, self.places) if self.unit else amount

    def _plain(self, number: float | Fraction) -> float:
        return int(number) if self.integer else float(number)
