"""What was searched, as axes have it: a column a key, or an element of one that is a list."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.report.words import shown
from runner.results.rows import Row
from runner.space import Choice, Ordered, Space, Spec
from runner.space.quantities import QUANTITY

_UNITS = {"": "", "%": "%", "ep": "epochs", "samples": "samples"}
ABSENT_AT = 0.02  # of an axis: where "-" is, for trials without the key
_FLOOR = 0.12  # of an axis with "-": where its values begin
_SPREAD = 0.05  # of an axis: the width of a category
_GOLDEN = 0.618  # its multiples spread evenly: jitter without chance
_MOST_STRIPS = 12
_ROUNDING = 1e-9  # of a step: the end of an axis is on it
_DECADES = 2


@dataclass(frozen=True)
class Column:
    """A searched key, or an element of one that is a list.

    places: of each row a number, or of categories the index; nan where it does not exist. ends: of
    its axis, those of the numbers where it is not given.
    """

    label: str
    places: NDArray[np.float64]
    categories: tuple[str, ...] = ()
    log: bool = False
    unit: str = ""
    ends: tuple[float, float] | None = None

    @property
    def remark(self) -> str:
        """What follows its name: in brackets the unit, and whether it is logarithmic."""
        words = ", ".join(filter(None, (_UNITS[self.unit], "log" if self.log else "")))
        return f" ({words})" if words else ""

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Which rows do not have it."""
        return np.isnan(self.places)

    @property
    def low(self) -> float:
        """Where its axis begins."""
        return self.ends[0] if self.ends else float(np.nanmin(self.places))

    @property
    def high(self) -> float:
        """Where its axis ends."""
        return self.ends[1] if self.ends else float(np.nanmax(self.places))

    def heights(self, jitter: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where lines pass through its axis, in [0, 1]; around a category they spread."""
        heights = self._height(self.places) + (_SPREAD * jitter if self.categories else 0)
        return np.where(self.absent, ABSENT_AT, heights)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the height and the text of each tick."""
        if self.categories:
            numbers = [float(i) for i in range(len(self.categories))]
            texts = list(self.categories)
        else:
            numbers = ticks(self.low, self.high, self.log)
            texts = [f"{number:g}" for number in numbers]
        heights = self._height(np.array(numbers, dtype=float)).tolist()
        return list(zip(heights, texts, strict=True))

    def _height(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        floor = _FLOOR if self.absent.any() else 0.0
        low, high = self.low, self.high
        if low == high:
            return np.full(numbers.shape, (1 + floor) / 2)
        if self.log:
            low, high, numbers = math.log(low), math.log(high), np.log(numbers)
        share: NDArray[np.float64] = (numbers - low) / (high - low)
        return floor + (1 - floor) * share


def columns(rows: Sequence[Row], space: Space) -> list[tuple[str, list[Column]]]:
    """Return the searched keys, in the order of the space, with the columns of each."""
    specs: dict[str, list[Spec]] = {}
    for entry in space.entries:
        specs.setdefault(entry.key, []).append(entry.spec)
    used = dict.fromkeys(key for row in rows for key in row.values)
    found = []
    for key in [key for key in specs if key in used] + [key for key in used if key not in specs]:
        values = [row.values.get(key, _Missing) for row in rows]
        longest = max(
            (len(value) for value in values if isinstance(value, list | tuple)), default=0
        )
        mine = [column(key, values, specs.get(key, []))] if not longest else []
        for i in range(longest):
            elements = [
                value[i] if isinstance(value, list | tuple) and i < len(value) else _Missing
                for value in values
            ]
            mine.append(column(f"{key} {i + 1}", elements, specs.get(key, []), element=True))
        found.append((key, mine))
    return found


def column(
    label: str, values: Sequence[Any], specs: Sequence[Spec], *, element: bool = False
) -> Column:
    """Return the column of some values.

    specs: the spaces of its key. element: whether they describe a list that this is an element of.
    """
    given = {shown(value): _number(value) for value in values if value is not _Missing}
    units = {number[1] for number in given.values() if number}
    chosen = bool(specs) and all(isinstance(spec, Choice) for spec in specs)
    strips = chosen and not element and len(given) <= _MOST_STRIPS
    if None in given.values() or len(units) > 1 or strips:
        order = sorted(given, key=lambda text: (given[text] or (math.inf, ""), text))
        places = [math.nan if v is _Missing else order.index(shown(v)) for v in values]
        return Column(label, np.array(places, dtype=np.float64), tuple(order))
    found = [None if value is _Missing else _number(value) for value in values]
    numbers = np.array([number[0] if number else math.nan for number in found])
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    inner = [spec.interval if isinstance(spec, Ordered) else spec for spec in specs]
    intervals = [spec for spec in inner if not isinstance(spec, Choice)]
    ranges = [(one.low, one.high) for one in intervals] or [(low, high)]
    wide = all(one > 0 and other / one > 10**_DECADES for one, other in ranges)
    log = low > 0 and (wide or any(one.log for one in intervals))
    return Column(label, numbers, log=log, unit=units.pop())


def ticks(low: float, high: float, log: bool, most: int = 5) -> list[float]:
    """Return a few round numbers between low and high, at most so many, or these two."""
    if low == high:
        return [low]
    if log:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for digits in ((1, 2, 5), (1, 3), (1,)):
            found = [float(f"{d}e{k}") for k in decades for d in digits]
            found = [number for number in found if low <= number <= high]
            if 2 <= len(found) <= most:
                return found
        every = -(-len(found) // most)
        return found[::every] if len(found) > 1 else [low, high]
    least = (high - low) / (most - 1)
    unit = 10.0 ** math.floor(math.log10(least))
    step = unit * next(d for d in (1, 2, 2.5, 5, 10) if d >= least / unit - _ROUNDING)
    first, last = math.ceil(low / step - _ROUNDING), math.floor(high / step + _ROUNDING)
    found = [float(f"{i * step:.12g}") for i in range(first, last + 1)]
    return found if len(found) > 1 else [low, high]


def jitter(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Return a number in [-0.5, 0.5) for each trial, always the same."""
    return np.array([row.number * _GOLDEN % 1 - 0.5 for row in rows])


class _Missing:
    """Stands for the value of a key that a trial does not have."""


def _number(value: Any) -> tuple[float, str] | None:
    """Return a value's number and unit; None where it is no number."""
    if isinstance(value, str):
        found = QUANTITY.fullmatch(value)
        return (float(found[1]), found[2]) if found else None
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return (float(value), "") if plain else None
