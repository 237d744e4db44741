"""Recipes as people read them. A recipe is nested plain data: all that decides a run but its
schedules."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from runner.flat import flat

Rows = Mapping[str, Any]
_PARTS = ("model", "loop.keys", "dataset", "optimizer")  # that stand in front
_TARGET = "._target_"
_HASH, _DIGITS = re.compile(r"[0-9a-f]{32,}"), 8


def described(recipes: Sequence[Rows]) -> list[str]:
    """Return what each of some recipes is, in a line: its parts and seed, then what differs.

    >>> one = {"model": {"_target_": "mine.Net", "width": 8}, "seed": 1, "ema": None}
    >>> described([one])
    ['Net seed=1']
    >>> described([one, {**one, "seed": 2}, {**one, "model": {"_target_": "mine.Net", "width": 4}}])
    ['Net seed=1 model.width=8', 'Net seed=2 model.width=8', 'Net seed=1 model.width=4']
    """
    rows = [flat(recipe) for recipe in recipes]
    first = [*(part + _TARGET for part in _PARTS), "seed"]
    keys = dict.fromkeys(key for one in rows for key in one if key not in first)
    differing = [key for key in keys if len({_text(one, key) for one in rows}) > 1]
    return [" ".join(_words(one, first) + _words(one, differing)) for one in rows]


def differences(one: Rows, other: Rows) -> list[tuple[str, str, str]]:
    """Return what differs between two recipes: the key and both values, "-" where there is none.

    >>> differences({"seed": 1, "model": {"width": 8}}, {"seed": 2, "model": {}})
    [('seed', '1', '2'), ('model.width', '8', '-')]
    """
    rows, others = flat(one), flat(other)
    keys = dict.fromkeys([*rows, *others])
    differing = [key for key in keys if _text(rows, key) != _text(others, key)]
    return [(key, _value(rows, key), _value(others, key)) for key in differing]


def _words(row: Rows, keys: Sequence[str]) -> list[str]:
    found = []
    for key in keys:
        part, value = key.removesuffix(_TARGET), _value(row, key)
        if part != key:
            value = value.rpartition(".")[2]
        if key in row:
            found.append(value if part in _PARTS else f"{part}={value}")
    return found


def _text(row: Rows, key: str) -> str:
    """Return a value as text that is the same for the same value only."""
    return json.dumps(row[key], sort_keys=True, default=str) if key in row else ""


def _value(row: Rows, key: str) -> str:
    """Return a value as text, of a hash the first digits."""
    if key not in row:
        return "-"
    value = row[key]
    if isinstance(value, str):
        return value[:_DIGITS] if _HASH.fullmatch(value) else value or '""'
    return json.dumps(value, default=str)
