"""The learning rates of a grid's settings, by what became of their runs."""

import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from runner.report.pictures.looks import BEST
from runner.report.pictures.picture import Picture
from runner.report.pictures.traces import few, traces
from runner.report.pictures.trials import Mark
from runner.report.runs import by_setting, columns, name_of, values_of
from runner.report.words import counted, cut
from runner.results.definition import Goal
from runner.results.metrics import heading, metric, spread
from runner.results.result import Result, Status
from runner.results.rows import COMPLETE, FAILED, Row

MOST_NAMED = 9  # settings that have words of their own each
_NAME, _WORDS = 52, 100  # letters of a legend


def grid(results: Sequence[Result], rates: Mapping[str, NDArray[np.float64]]) -> Picture:
    """Return the rates of a grid's settings: of a few each with its outcome in words, of many the
    better ones coloured by their value. Runs that differ by their seed alone are one.

    rates: setting -> the rate of each step from 0.
    """
    key = next(iter(columns(results)), "val/loss")
    goal = Goal(key, metric(key).direction)
    groups = [group for group in by_setting(results) if group[0].setting in rates]
    rows = [_row(number, group, key) for number, group in enumerate(groups)]
    drawn = {number: rates[group[0].setting] for number, group in enumerate(groups)}
    names = [_name(group, results) for group in groups]
    if len(groups) <= MOST_NAMED:
        said = [
            f"{name}: {_outcome(group, key)}" for name, group in zip(names, groups, strict=True)
        ]
        return few(rows, drawn, [cut(words, _WORDS) for words in said])
    best = [Mark(0, BEST, f"best: {names[0]}")] if rows[0].counts else []
    return traces(rows, drawn, goal, best, "run")


def _row(number: int, group: Sequence[Result], key: str) -> Row:
    """Return a setting as a row: the mean of its runs that finished, else what became of them."""
    if found := values_of(group).get(key):
        return Row(number, COMPLETE, objective=(statistics.fmean(found),))
    diverged = [one.reason or one.status for one in group if one.status == Status.DIVERGED]
    return Row(number, COMPLETE, diverged=diverged[0]) if diverged else Row(number, FAILED)


def _name(group: Sequence[Result], results: Sequence[Result]) -> str:
    name = name_of(group[0], results) if len(group) == 1 else group[0].setting_name
    return cut(name, _NAME)


def _outcome(group: Sequence[Result], key: str) -> str:
    """Return what became of a setting's runs."""
    found = values_of(group).get(key, [])
    parts = [f"{heading(key)} {spread(key, found)}"] if found else []
    if len(group) == 1:
        [one] = group
        if one.status != Status.FINISHED:
            after = f" at step {one.steps}" if one.status == Status.DIVERGED else ""
            return f"{one.status.lower()}{after}"
        return ", ".join([*parts, *([one.note] if one.note else [])])
    for status in Status:
        if n := sum(one.status == status for one in group):
            words = counted(n, "seed") if status == Status.FINISHED else f"{n} {status.lower()}"
            parts.append(words)
    return ", ".join(parts)
