"""What MLflow is told of a run before its first step, and where the run is then."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PARAM_CHARACTERS, TAG_CHARACTERS, KEY_CHARACTERS = 6000, 8000, 250  # MLflow's limits
_KEY = re.compile(r"[\w/. :-]+")


@dataclass(frozen=True)
class Header:
    """What is known of a run before its first step."""

    experiment: str
    name: str
    params: Mapping[str, Any]
    tags: Mapping[str, str]


def fitted(values: Mapping[str, Any], limit: int) -> dict[str, str]:
    """Return parameters or tags as MLflow takes them.

    A value of more than `limit` characters is cut, with a mark; a key that MLflow refuses is left
    out. The run's config.yaml has all of them whole.

    >>> fitted({"a": "x" * 30, "b@c": 1, "d": 2}, limit=24)
    {'a': 'xxx... (see config.yaml)', 'd': '2'}
    """
    mark = "... (see config.yaml)"
    texts = {key: str(value) for key, value in values.items() if _is_key(key)}
    return {
        key: text if len(text) <= limit else text[: limit - len(mark)] + mark
        for key, text in texts.items()
    }


def _is_key(key: str) -> bool:
    """Return whether MLflow takes a key: it must also be a path that stays where it is."""
    plain = len(key) <= KEY_CHARACTERS and _KEY.fullmatch(key) and posixpath.normpath(key) == key
    return bool(plain) and not key.startswith(("..", "/")) and key != "."
