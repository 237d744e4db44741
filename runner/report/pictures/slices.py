"""The value against each searched key."""

import math
from collections.abc import Sequence
from itertools import pairwise

from runner.report.pictures.columns import Column, jitter, ticks
from runner.report.pictures.marks import apart
from runner.report.pictures.picture import Axis, Panel, Picture, Points, places
from runner.report.pictures.trials import Trials
from runner.report.pictures.values import Values

_ACROSS = {1: 1, 2: 2, 4: 2}  # plots beside each other by their number, else 3
_GAP = 2  # letters between two ticks
_LETTERS = 112  # of ticks across the picture
_LONGEST = 14  # letters of a category
_LOOKS = 4  # of the elements of a list
_ORDINALS = ("1st", "2nd", "3rd")


def slices(trials: Trials) -> Picture:
    """Return the value against each searched key, a small panel a key."""
    values, keys = trials.values, trials.columns
    across = _ACROSS.get(len(keys), 3)
    panels = []
    for key, mine in keys:
        span = _span(mine[0], across)
        panels.append(
            Panel(
                _across(mine, _LETTERS * span // across),
                _upwards(values),
                _points(mine, trials),
                title=f"{key}{mine[0].remark}",
                band=(values.strip[0], values.strip[2]) if values.far else None,
                span=span,
            )
        )
    found = [column for _, mine in keys for column in mine]
    remarks = {
        "points are spread sideways around a category": any(one.categories for one in found),
        "a trial without a key is missing there": any(one.absent.any() for one in found),
    }
    return Picture(
        f"{values.title} by the value of each key",
        tuple(panels),
        1.7 + 1.9 * len({row for row, _, _ in places([one.span for one in panels], across)}),
        across,
        tuple(remark for remark, holds in remarks.items() if holds),
        label=values.label,
    )


def _points(mine: Sequence[Column], trials: Trials) -> tuple[Points, ...]:
    values, counted = trials.values, trials.counted
    found = [row.objective[0] for row in counted]
    heights = [values.strip[1] if values.is_far(one) else values.scaled(one) for one in found]
    points = []
    for i, column in enumerate(mine):
        across = column.places + (jitter(counted) * 0.5 if column.categories else 0)
        there = zip(counted, across.tolist(), heights, strict=True)
        shown = {row.number: (x, y) for row, x, y in there if not math.isnan(x)}
        rest, standing = apart(trials.marks, shown)
        label = f"trial, {_ordinal(i)} of its list" if len(mine) > 1 else "trial"
        kind = f"element {1 + i % _LOOKS if len(mine) > 1 else 0}"
        points += [*([Points(kind, label, rest)] if rest else []), *standing]
    return tuple(points)


def _across(mine: Sequence[Column], room: int) -> Axis:
    """Return the axis of a key, on which so many letters have room."""
    first = mine[0]
    if first.categories:
        texts = {float(i): text for i, text in enumerate(first.categories)}
        return Axis(ends=(-0.6, len(texts) - 0.4), ticks=texts)
    low, high = min(one.low for one in mine), max(one.high for one in mine)
    found = [ticks(low, high, first.log, most) for most in (5, 4, 3, 2)]
    numbers = next((some for some in found if _fit(some, low, high, first.log, room)), found[-1])
    return Axis(ticks={number: f"{number:g}" for number in numbers}, log=first.log)


def _upwards(values: Values) -> Axis:
    """Return the axis of values, with a strip of those beyond it."""
    low, high = values.ends
    texts = {number: f"{number:g}" for number in ticks(low, high, values.log)}
    if values.far:
        _, middle, end = values.strip
        texts[middle] = values.beyond
        low, high = min(low, end), max(high, end)
    return Axis("", (low, high), texts, values.log)


def _fit(numbers: Sequence[float], low: float, high: float, log: bool, room: int) -> bool:
    """Return whether ticks stand side by side on an axis of so many letters."""
    low, high, *places = (math.log(x) if log else x for x in (low, high, *numbers))
    letters = [len(f"{number:g}") + _GAP for number in numbers]
    return all(
        (right - left) / (high - low) * room >= (first + second) / 2
        for (left, first), (right, second) in pairwise(zip(places, letters, strict=True))
    )


def _span(column: Column, across: int) -> int:
    """Return over how many places a panel must reach for its categories to stand side by side."""
    letters = sum(min(len(text), _LONGEST) + _GAP for text in column.categories)
    return min(-(-letters * across // _LETTERS) or 1, across)


def _ordinal(i: int) -> str:
    return _ORDINALS[i] if i < len(_ORDINALS) else f"{i + 1}th"
