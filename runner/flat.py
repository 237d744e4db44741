"""Nested values by dotted key."""

from collections.abc import Mapping
from typing import Any


def flat(values: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by dotted key; a list is one value.

    >>> flat({"train": {"steps": 10}, "betas": [0.9, 0.99]})
    {'train.steps': 10, 'betas': [0.9, 0.99]}
    """
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return found
