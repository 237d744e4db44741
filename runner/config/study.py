"""The node `study` of a configuration: how a search goes, typed and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from runner.config.checks import at_least, one_of, positive, short
from runner.config.fuse import AUTO, width_of
from runner.config.reading import section
from runner.errors import Mistake
from runner.results.metrics import MAXIMIZE, MINIMIZE

_NAME = re.compile(r"[^\W_][\w .-]*")
_NAME_RULE = (
    "must be letters, digits, spaces, dots, dashes and underscores, beginning with a letter or a "
    "digit"
)
_CHOSEN = "an option of study/{} is chosen in a list of defaults or on the command line"


@dataclass(frozen=True)
class StudySettings:
    """How a search goes; what it searches stands in `space`. See conf/config.yaml for the units and
    the defaults. workers: auto for as many as the machine has room for."""

    name: str | None
    trials: int | None
    timeout: float | None
    workers: Any
    fuse: Any
    metric: Any
    of: str | None
    last_k: int
    direction: Any
    seeds: int
    confirm_seeds: int
    baseline: bool
    max_failures: int
    heartbeat_seconds: float
    seed: int
    storage: str
    promote: Any
    space: Any
    sampler: Any
    pruner: Any
    worker: str | None

    def metrics(self) -> list[str]:
        """Return the metrics that were asked for; none where the data decide."""
        return _listed(self.metric)

    @property
    def width(self) -> int | None:
        """The most trials that a worker trains together; None for what is fastest."""
        return width_of("study.fuse", self.fuse)

    def directions(self) -> list[str]:
        """Return the directions that were asked for."""
        return _listed(self.direction)


def read_study(config: DictConfig) -> StudySettings:
    """Return the study of a composed configuration.

    Raises Mistake for an unknown key, a value of the wrong type or one out of its range.
    """
    study = StudySettings(**section(config, "study", StudySettings))
    _check(study)
    return study


def _check(study: StudySettings) -> None:
    for key in ("trials", "last_k", "seeds"):
        at_least(f"study.{key}", getattr(study, key), 1)
    for key in ("confirm_seeds", "max_failures", "seed"):
        at_least(f"study.{key}", getattr(study, key), 0)
    width_of("study.fuse", study.fuse)
    if study.workers != AUTO and (type(study.workers) is not int or study.workers < 0):
        must = "must be auto or a whole number of at least 0"
        raise Mistake("study.workers", must, repr(study.workers))
    for key in ("timeout", "heartbeat_seconds"):
        positive(f"study.{key}", getattr(study, key))
    if study.workers == 0 and study.timeout is not None:
        must = "must be null with study.workers=0, whose workers have ends of their own"
        raise Mistake("study.timeout", must, f"{study.timeout:g}")
    if study.name is not None and not _NAME.fullmatch(study.name):
        raise Mistake("study.name", _NAME_RULE, f"'{study.name}'")
    short("study.name", study.name)
    if study.of is not None:
        one_of("study.of", study.of, ("best", "last", "mean"))
    for part in ("sampler", "pruner"):
        value, must = getattr(study, part), "must have a _target_ and its arguments"
        if not isinstance(value, Mapping):
            raise Mistake(f"study.{part}", must, str(value), _CHOSEN.format(part))
    metrics, directions = study.metrics(), study.directions()
    if len(set(metrics)) < len(metrics):
        raise Mistake("study.metric", "must list each metric once", str(metrics))
    for direction in directions:
        one_of("study.direction", direction, (MAXIMIZE, MINIMIZE))
    if directions and len(directions) != max(len(metrics), 1):
        given = f"{directions} and {metrics or 'one metric'}"
        raise Mistake("study.direction", "must be one for each of study.metric", given)
    for key in ("metric", "direction"):
        if getattr(study, key) == []:
            raise Mistake(f"study.{key}", "must list at least one", "[]")
    numbers = study.promote
    if not isinstance(numbers, list) or any(type(one) is not int or one < 0 for one in numbers):
        raise Mistake("study.promote", "must list numbers of trials, such as [7]", repr(numbers))
    if study.space is not None and not isinstance(study.space, Mapping):
        raise Mistake("study.space", "must be keys with what to search", repr(study.space))


def _listed(given: Any) -> list[str]:
    if isinstance(given, list):
        return [str(one) for one in given]
    return [] if given is None else [str(given)]
