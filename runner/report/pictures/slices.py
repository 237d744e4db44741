"""The value against each searched key."""

import math
from collections.abc import Iterable, Sequence

from runner.report.pictures.columns import Column, jitter
from runner.report.pictures.picture import Axis, Panel, Picture, Points
from runner.report.pictures.scale import Scale
from runner.report.pictures.trials import Trials
from runner.report.pictures.values import Values

_ACROSS = {1: 1, 2: 2, 4: 2}  # plots beside each other by their number, else 3
_GAP = 2  # letters between two categories
_LETTERS = 112  # of ticks across the picture
_LONGEST = 14  # letters of a category
_LOOKS = 4  # of the elements of a list
_ORDINALS = ("1st", "2nd", "3rd")


def slices(trials: Trials) -> Picture:
    """Return the value against each searched key, a small panel a key."""
    values, keys = trials.values, trials.columns
    across = _ACROSS.get(len(keys), 3)
    spans = [span(mine[0], across) for mine in keys.values()]
    found = places(spans, across)
    panels = tuple(
        Panel(
            _across(mine, _LETTERS * (end - start) // across),
            _upwards(values),
            _points(mine, trials),
            title=f"{key}{mine[0].remark}",
            band=(values.strip[0], values.strip[2]) if values.far else None,
            place=(row, start, end),
        )
        for (key, mine), (row, start, end) in zip(keys.items(), found, strict=True)
    )
    columns = [column for mine in keys.values() for column in mine]
    remarks = {
        "points are spread sideways around a category": any(one.categories for one in columns),
        "a trial without a key is missing there": any(one.absent.any() for one in columns),
    }
    return Picture(
        f"{values.title} by the value of each key",
        panels,
        1.7 + 1.9 * len({row for row, _, _ in found}),
        across,
        tuple(remark for remark, holds in remarks.items() if holds),
        label=values.label,
    )


def _points(mine: Sequence[Column], trials: Trials) -> tuple[Points, ...]:
    values, counted = trials.values, trials.counted
    found = [values.height(row) for row in counted]
    heights = [values.strip[1] if values.is_far(height) else height for height in found]
    points = []
    for i, column in enumerate(mine):
        across = column.places + (jitter(counted) * 0.5 if column.categories else 0)
        there = zip(counted, across.tolist(), heights, strict=True)
        rest, standing = trials.apart(
            {row.number: (x, y) for row, x, y in there if not math.isnan(x)}
        )
        ordinal = _ORDINALS[i] if i < len(_ORDINALS) else f"{i + 1}th"
        label = f"trial, {ordinal} of its list" if len(mine) > 1 else "trial"
        kind = f"element {1 + i % _LOOKS if len(mine) > 1 else 0}"
        points += [*([Points(kind, label, rest)] if rest else []), *standing]
    return tuple(points)


def _across(mine: Sequence[Column], room: int) -> Axis:
    """Return the axis of a key, on which so many letters have room."""
    first, ends = mine[0], None
    if first.categories:
        texts, ends = first.texts(), (-0.6, len(first.categories) - 0.4)
    else:
        low, high = min(one.scale.low for one in mine), max(one.scale.high for one in mine)
        texts = Scale(low, high, first.scale.log).ticks(room)
    fitting = room if _letters(texts.values()) <= room else max(room // len(texts) - _GAP, 3)
    return Axis("", ends, texts, min(fitting, _LONGEST), first.scale.log)


def _upwards(values: Values) -> Axis:
    """Return the axis of values, with a strip of those beyond it."""
    scale = values.axis
    texts, low, high = scale.ticks(), scale.low, scale.high
    if values.far:
        _, middle, end = values.strip
        texts[middle] = values.beyond
        low, high = min(low, end), max(high, end)
    return Axis("", (low, high), texts, log=scale.log)


def span(column: Column, across: int) -> int:
    """Return over how many places a panel must reach for its categories to stand side by side."""
    return min(-(-_letters(column.categories) * across // _LETTERS) or 1, across)


def _letters(texts: Iterable[str]) -> int:
    return sum(min(len(text), _LONGEST) + _GAP for text in texts)


def places(spans: Sequence[int], across: int) -> list[tuple[int, int, int]]:
    """Return the row, the first place and the end of each panel; the last of a row fills it.

    >>> places([1, 1, 2, 1, 3], 3)
    [(0, 0, 1), (0, 1, 3), (1, 0, 2), (1, 2, 3), (2, 0, 3)]
    """
    found: list[tuple[int, int, int]] = []
    row = end = 0
    for span in spans:
        if end + span > across:
            found[-1] = (row, found[-1][1], across)
            row, end = row + 1, 0
        found.append((row, end, end + span))
        end += span
    return found
