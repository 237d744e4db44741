"""Whole numbers that people write as floats, 1e3, where a whole number is wanted."""

import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from runner.errors import Mistake

MOST = 2**63  # what databases and arrays hold


def whole(value: Any, hint: Any) -> Any:
    """Return a value as an annotation wants it: a whole float as an int, if it wants no floats.

    >>> whole(1e3, int), whole(1.5, int), whole(1e3, float), whole([10.0, "2ep"], list[int | str])
    (1000, 1.5, 1000.0, [10, '2ep'])
    """
    kinds = _kinds(hint)
    if isinstance(value, list):
        inner = next((typing.get_args(kind)[0] for kind in kinds if _is_list(kind)), None)
        return [whole(one, inner) for one in value]
    wanted = int in kinds and float not in kinds
    return int(value) if wanted and isinstance(value, float) and value.is_integer() else value


def make_whole(config: DictConfig, kind: type) -> None:
    """Replace a configuration's whole floats where a dataclass, or one in it, wants integers."""
    for name, hint in typing.get_type_hints(kind).items():
        if name not in config or OmegaConf.is_missing(config, name):
            continue
        if OmegaConf.is_interpolation(config, name):
            continue
        value = config[name]
        if is_dataclass(hint) and isinstance(value, DictConfig):
            make_whole(value, typing.cast(type, hint))
        elif (found := whole(value, hint)) is not value:
            config[name] = found


def check_plain(values: typing.Mapping[str, Any]) -> None:
    """Raise Mistake for a key that is no text, and for a whole number that nothing holds.

    >>> check_plain({"model": {"table": {1.5: 0.1}}})
    Traceback (most recent call last):
    runner.errors.Mistake: model.table must have keys that are text, got 1.5; put it in quotes
    """
    for key, value in _inner(values):
        if isinstance(value, dict) and not _is_plain(value):
            odd = next(name for name in value if not isinstance(name, str))
            where = key or "the configuration"
            raise Mistake(where, "must have keys that are text", repr(odd), "put it in quotes")
        if isinstance(value, int) and not -MOST < value < MOST:
            raise Mistake(key, "must lie between -2**63 and 2**63")


def _inner(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    yield key, value
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _inner(one, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from _inner(one, f"{key}[{i}]")


def _is_plain(value: dict[Any, Any]) -> bool:
    """Return whether keys are all text, or all whole numbers, as a table of a person's has them."""
    kinds = {type(key) for key in value}
    return kinds <= {str} or kinds == {int}


def _is_list(kind: Any) -> bool:
    return typing.get_origin(kind) in (list, Sequence)


def _kinds(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)
