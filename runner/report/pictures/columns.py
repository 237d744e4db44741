"""What was searched, as axes have it: a column a key, or an element of one that is a list."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.report.pictures.scale import Scale
from runner.report.words import shown
from runner.results.rows import Row
from runner.space import Choice, Ordered, Space, Spec
from runner.space.quantities import QUANTITY

_UNITS = {"": "", "%": "%", "ep": "epochs", "samples": "samples"}
_ABSENT_AT = 0.02  # of an axis: where "-" is, for trials without the key
_FLOOR = 0.12  # of an axis with "-": where its values begin
_SPREAD = 0.05  # of an axis: the width of a category
_GOLDEN = 0.618  # its multiples spread evenly: jitter without chance
_MOST_STRIPS = 12
_DECADES = 2
_MISSING = object()  # stands for the value of a key that a trial does not have


@dataclass(frozen=True)
class Column:
    """A searched key, or an element of one that is a list.

    places: of each row a number, or of categories the index; nan where it does not exist.
    """

    label: str
    places: NDArray[np.float64]
    scale: Scale
    categories: tuple[str, ...] = ()
    unit: str = ""

    @property
    def remark(self) -> str:
        """What follows its name: in brackets the unit, and whether it is logarithmic."""
        words = ", ".join(filter(None, (_UNITS[self.unit], "log" if self.scale.log else "")))
        return f" ({words})" if words else ""

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Which rows do not have it."""
        return np.isnan(self.places)

    def heights(self, jitter: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where lines pass through its axis, in [0, 1]; around a category they spread."""
        heights = self._height(self.places) + (_SPREAD * jitter if self.categories else 0)
        return np.where(self.absent, _ABSENT_AT, heights)

    def texts(self) -> dict[float, str]:
        """Return the categories, or round numbers, by their places."""
        return {float(i): text for i, text in enumerate(self.categories)} or self.scale.ticks()

    def ticks(self) -> list[tuple[float, str]]:
        """Return the height and the text of each tick, and where trials without the key are."""
        texts = self.texts()
        heights = self._height(np.array(list(texts))).tolist()
        absent = [(_ABSENT_AT, "-")] if self.absent.any() else []
        return [*zip(heights, texts.values(), strict=True), *absent]

    def _height(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        floor = _FLOOR if self.absent.any() else 0.0
        return floor + (1 - floor) * self.scale.share(numbers)


def columns(rows: Sequence[Row], space: Space) -> dict[str, list[Column]]:
    """Return the searched keys, in the order of the space, with the columns of each."""
    specs: dict[str, list[Spec]] = {}
    for entry in space.entries:
        specs.setdefault(entry.key, []).append(entry.spec)
    used = {key: specs.get(key, []) for row in rows for key in row.values}
    found = {}
    for key in [key for key in specs | used if key in used]:
        values = [row.values.get(key, _MISSING) for row in rows]
        lists = [value if isinstance(value, list | tuple) else () for value in values]
        found[key] = [
            column(
                f"{key} {i + 1}",
                [one[i] if i < len(one) else _MISSING for one in lists],
                used[key],
                element=True,
            )
            for i in range(max(map(len, lists)))
        ] or [column(key, values, used[key])]
    return found


def column(
    label: str, values: Sequence[Any], specs: Sequence[Spec], *, element: bool = False
) -> Column:
    """Return the column of some values.

    specs: the spaces of its key. element: whether they describe a list that this is an element of.
    """
    given = {shown(value): _number(value) for value in values if value is not _MISSING}
    units = {number[1] for number in given.values() if number}
    chosen = bool(specs) and all(isinstance(spec, Choice) for spec in specs)
    strips = chosen and not element and len(given) <= _MOST_STRIPS
    if None in given.values() or len(units) > 1 or strips:
        order = sorted(given, key=lambda text: (given[text] or (math.inf, ""), text))
        places = [math.nan if v is _MISSING else order.index(shown(v)) for v in values]
        return Column(label, np.array(places), Scale(0, len(order) - 1), tuple(order))
    found = [None if value is _MISSING else _number(value) for value in values]
    numbers = np.array([number[0] if number else math.nan for number in found])
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    inner = [spec.interval if isinstance(spec, Ordered) else spec for spec in specs]
    intervals = [spec for spec in inner if not isinstance(spec, Choice)]
    ranges = [(one.low, one.high) for one in intervals] or [(low, high)]
    wide = all(one > 0 and other / one > 10**_DECADES for one, other in ranges)
    log = low > 0 and (wide or any(one.log for one in intervals))
    return Column(label, numbers, Scale(low, high, log), unit=units.pop())


def jitter(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Return a number in [-0.5, 0.5) for each trial, always the same."""
    return np.array([row.number * _GOLDEN % 1 - 0.5 for row in rows])


def _number(value: Any) -> tuple[float, str] | None:
    """Return a value's number and unit; None where it is no number."""
    if isinstance(value, str):
        found = QUANTITY.fullmatch(value)
        return (float(found[1]), found[2]) if found else None
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return (float(value), "") if plain else None
