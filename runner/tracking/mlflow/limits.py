"""What MLflow takes: its limits for keys, values and batches."""

from collections.abc import Mapping
from typing import Any

from runner.results.metrics import is_key

POINTS, PARAMS = 1000, 100  # of a batch
PARAM_CHARACTERS, TAG_CHARACTERS = 6000, 8000


def fitted(values: Mapping[str, Any], limit: int) -> dict[str, str]:
    """Return parameters or tags as MLflow takes them.

    A value of more than `limit` characters is cut, with a mark; a key that MLflow refuses is left
    out. The run's config.yaml has all of them whole.

    >>> fitted({"a": "x" * 30, "b@c": 1, "d": 2}, limit=24)
    {'a': 'xxx... (see config.yaml)', 'd': '2'}
    """
    mark = "... (see config.yaml)"
    texts = {key: str(value) for key, value in values.items() if is_key(key)}
    return {
        key: text if len(text) <= limit else text[: limit - len(mark)] + mark
        for key, text in texts.items()
    }
