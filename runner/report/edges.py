"""A best rate at the end of what was tried: a better one may lie beyond."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from runner.space import Choice, Interval, Space

KEY = "lr"
_NEAR = 0.05  # of an interval, from its end


def of_grid(best: float | None, tried: Sequence[float | None]) -> list[str]:
    """Return a line where the best rate is the lowest or the highest that was tried.

    >>> of_grid(0.01, [0.001, 0.01])
    ['note      the best lr, 0.01, is the highest that was tried: a better one may lie above']
    >>> of_grid(0.01, [0.001, 0.01, 0.1]), of_grid(0.01, [0.01])
    ([], [])
    """
    rates = [one for one in tried if one is not None] or [0.0]
    low, high = min(rates), max(rates)
    if best is None or low == high or best not in (low, high):
        return []
    which, where = ("highest", "above") if best == high else ("lowest", "below")
    return [
        f"note      the best {KEY}, {best:g}, is the {which} that was tried: "
        f"a better one may lie {where}"
    ]


def of_search(best: Mapping[str, Any], space: Space) -> list[str]:
    """Return a line where the best rate lies at an end of what was searched.

    >>> from runner.space import Entry
    >>> space = Space([Entry("lr", Interval(1e-4, 1e-1, log=True))], frozenset())
    >>> of_search({"lr": 0.09}, space)
    ['note      the best lr, 0.09, lies at the upper end of its search, 0.1: search higher']
    >>> of_search({"lr": 0.01}, space)
    []
    """
    spec = next((entry.spec for entry in space.entries if entry.key == KEY), None)
    rate = best.get(KEY)
    if not isinstance(rate, int | float):
        return []
    if isinstance(spec, Choice):
        tried = [value for value in spec.values() if isinstance(value, int | float)]
        return of_grid(rate, tried)
    if not isinstance(spec, Interval) or spec.unit:
        return []
    scale = math.log if spec.log else float
    share = (scale(rate) - scale(spec.low)) / (scale(spec.high) - scale(spec.low))
    if _NEAR < share < 1 - _NEAR:
        return []
    side, end, way = ("lower", spec.low, "lower") if share < 0.5 else ("upper", spec.high, "higher")
    return [
        f"note      the best {KEY}, {rate:.4g}, lies at the {side} end of its search, {end:g}: "
        f"search {way}"
    ]
