"""The values of each trial as a line."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from runner.report.pictures.columns import Column, jitter
from runner.report.pictures.picture import Axis, Line, Panel, Picture, Shades
from runner.report.pictures.scale import Scale
from runner.report.pictures.trials import Trials
from runner.report.words import counted

_MANY = 6  # axes: of more, those of rare keys are left out
_RARE = 0.2  # of the trials; a key that the best trial has is never rare
_BEYOND = 0.02  # of the height: how far from the end of the last axis the worse trials are
_GAP = 0.12  # of the height: where its values begin then


def parallel(trials: Trials) -> Picture:
    """Return each trial as a line through its values, an axis a key and element of a list.

    It ends at its outcome. Keys that some trials do not have come first, and towards "-" the lines
    are pale; of many keys the rare ones are left out, which the slices show.
    """
    values, rows = trials.values, trials.counted
    found = [column for mine in trials.columns.values() for column in mine]
    searched = chosen(found)
    ends, outcomes, shades = _outcomes(trials)
    heights = np.array([*(column.heights(jitter(rows)) for column in searched), ends]).T
    absent = np.array([*(column.absent for column in searched), [False] * len(rows)]).T
    x = np.arange(len(searched) + 1)
    lines = []
    for row, y, gaps in list(zip(rows, heights, absent, strict=True))[::-1]:  # the best on top
        colour = values.shade(values.height(row))
        lines.append(Line("pale", "", x, y, row.number, colour))
        lines.append(Line("trial", "", x, np.where(gaps, np.nan, y), row.number, colour))
    of = {row.number: y for row, y in zip(rows, heights, strict=True)}
    marks = [mark for mark in trials.marks if mark.number in of]
    lines += [Line(m.kind, m.label, x, of[m.number], m.number, ended=True) for m in marks]
    names = [column.label + column.remark for column in searched] + [values.name]
    panel = Panel(
        Axis(ticks=dict(enumerate(names)), ends=(-0.02 * x[-1], 1.1 * x[-1])),
        Axis(ends=(-0.05, 1.04), ticks={}),
        lines=tuple(lines),
        rules=(*(column.ticks() for column in searched), outcomes),
    )
    title = f"values of the finished trials, coloured by {values.title}"
    remarks, panels = _remarks(searched, len(found) - len(searched)), (panel,) if searched else ()
    return Picture(title, panels, 5.6, remarks=remarks, shades=shades)


def chosen(searched: Sequence[Column]) -> list[Column]:
    """Return the columns that are drawn, those that every trial has last."""
    common = [c for c in searched if c.absent.mean() <= 1 - _RARE or not c.absent[0]]
    if len(searched) > _MANY and common:
        searched = common
    return sorted(searched, key=lambda column: not column.absent.any())


def _outcomes(trials: Trials) -> tuple[NDArray[np.float64], list[tuple[float, str]], Shades]:
    """Return where lines end, the ticks of the axis there, and its colours.

    It reaches as far as the colours do; trials that are worse have a place beyond it.
    """
    values = trials.values
    found = np.array([values.height(row) for row in trials.counted])
    pale = np.array([values.is_pale(height) for height in found], dtype=bool)
    beyond, sign = (_BEYOND, "<") if values.upwards else (1 - _BEYOND, ">")
    ends = Scale(_GAP, 1.0) if values.upwards else Scale(0.0, 1 - _GAP)
    if not pale.any():
        ends = Scale(0.0, 1.0)
    scale = values.coloured
    shares = scale.share(np.clip(found, scale.low, scale.high))
    heights = np.where(pale, beyond, ends.low + (ends.high - ends.low) * shares)
    places = ends.low + (ends.high - ends.low) * scale.share(list(scale.ticks()))
    ticks = list(zip(places.tolist(), scale.ticks().values(), strict=True))
    ticks += [(beyond, f"{sign} {values.pale:.4g}")] if pale.any() else []
    return heights, ticks, replace(values.shades(found), scale=ends)


def _remarks(searched: Sequence[Column], rare: int) -> tuple[str, ...]:
    """Return what is to be known to read the picture."""
    absent = any(column.absent.any() for column in searched)
    order = "keys that only some trials have, then the others, each in the order of the space"
    remarks = {
        f"axes: {order if absent else 'in the order of the space'}": True,
        "-: the trial does not have the key": absent,
        "lines are spread around a category": any(column.categories for column in searched),
        f"{counted(rare, 'axis', 'axes')} of rare keys not drawn": bool(rare),
    }
    return tuple(remark for remark, holds in remarks.items() if holds)
