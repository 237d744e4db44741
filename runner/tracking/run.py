"""What MLflow is told of a run before its first step, and where the run is then."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.tracking_uri import without_user

PARAM_CHARACTERS, TAG_CHARACTERS, KEY_CHARACTERS = 6000, 8000, 250  # MLflow's limits
_MODE = "workflowType=machine_learning"  # without it the page opens for chats
_KEY = re.compile(r"[\w/. :-]+")


@dataclass(frozen=True)
class Header:
    """What is known of a run before its first step."""

    experiment: str
    name: str
    params: Mapping[str, Any]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Link:
    """Where a run is to be found."""

    run_id: str
    experiment_id: str
    experiment: str
    uri: str

    def page(self) -> str:
        """Return the page with the run's charts in the MLflow UI."""
        return f"{self._experiment()}/runs/{self.run_id}/model-metrics?{_MODE}"

    def experiment_page(self) -> str:
        """Return the page that charts all runs of the experiment."""
        return f"{self._experiment()}/runs?{_MODE}&compareRunsMode=CHART"

    def _experiment(self) -> str:
        base = self.uri if self.uri.startswith("http") else "http://127.0.0.1:5000"
        return f"{without_user(base).rstrip('/')}/#/experiments/{self.experiment_id}"


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
