"""The node `study` of a configuration: how a search goes, typed and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException, ValidationError

from runner import moved
from runner.config.reading import wrong_type
from runner.errors import Mistake, nearest, one_line
from runner.results.metrics import MAXIMIZE, MINIMIZE

_OF = ("best", "last", "mean")
_NAME = re.compile(r"[^\W_][\w .-]*")
_NAME_RULE = (
    "must be letters, digits, spaces, dots, dashes and underscores, beginning with a letter or a "
    "digit"
)
_CHOSEN = "an option of study/{} is chosen in a list of defaults or on the command line"
_LEAST = {
    "trials": 1,
    "workers": 1,
    "last_k": 1,
    "seeds": 1,
    "confirm_seeds": 0,
    "max_failures": 0,
    "seed": 0,
}


@dataclass(frozen=True)
class StudySettings:
    """How a search goes; what it searches stands in `space`. See conf/config.yaml for the units and
    the defaults."""

    name: str | None
    trials: int | None
    timeout: float | None
    workers: int
    metric: Any
    of: str
    last_k: int
    direction: Any
    seeds: int
    confirm_seeds: int
    baseline: bool
    max_failures: int
    heartbeat_seconds: float
    seed: int
    storage: str
    space: Any
    sampler: Any
    pruner: Any
    worker: str | None

    def metrics(self) -> list[str]:
        """Return the metrics that were asked for; none where the data decide."""
        return [] if self.metric is None else _listed(self.metric)

    def directions(self) -> list[str]:
        """Return the directions that were asked for."""
        return [] if self.direction is None else _listed(self.direction)


def read_study(config: DictConfig) -> StudySettings:
    """Return the study of a composed configuration.

    Raises Mistake for an unknown key, a value of the wrong type or one out of its range.
    """
    given = config.get("study")
    schema = OmegaConf.create({"study": OmegaConf.structured(StudySettings)})
    OmegaConf.set_readonly(schema.study, False)
    known = [f"study.{key}" for key in map(str, schema.study)]
    if not isinstance(given, DictConfig):
        raise Mistake("study", f"must have keys ({', '.join(known)})", str(given))
    for key in map(str, given):
        if f"study.{key}" not in known:
            raise Mistake(f"unknown key 'study.{key}'{nearest(f'study.{key}', known)}")
    try:
        own = OmegaConf.create({"study": OmegaConf.to_container(given, resolve=True)})
        merged = OmegaConf.merge(schema, own)
        plain = OmegaConf.to_container(merged, resolve=True, throw_on_missing=True)
    except ValidationError as error:
        raise wrong_type(error, own) from error
    except MissingMandatoryValue as error:
        raise Mistake(f"study.{error.key}", "must be given", "nothing") from error
    except OmegaConfBaseException as error:
        raise Mistake(f"{error.full_key or 'study'}:", one_line(error)) from error
    assert isinstance(plain, dict)
    values = {str(key): moved.targets(value) for key, value in plain["study"].items()}
    study = StudySettings(**values)
    _check(study)
    return study


def _check(study: StudySettings) -> None:
    for key, least in _LEAST.items():
        value = getattr(study, key)
        if value is not None and value < least:
            raise Mistake(f"study.{key}", f"must be at least {least}", str(value))
    for key in ("timeout", "heartbeat_seconds"):
        value = getattr(study, key)
        if value is not None and not value > 0:
            raise Mistake(f"study.{key}", "must be greater than 0", f"{value:g}")
    if study.name is not None and not _NAME.fullmatch(study.name):
        raise Mistake("study.name", _NAME_RULE, f"'{study.name}'")
    if study.of not in _OF:
        given = f"'{study.of}'{nearest(study.of, _OF)}"
        raise Mistake("study.of", "must be best, last or mean", given)
    for part in ("sampler", "pruner"):
        value, must = getattr(study, part), "must have a _target_ and its arguments"
        if not isinstance(value, Mapping):
            raise Mistake(f"study.{part}", must, str(value), _CHOSEN.format(part))
    _check_goals(study.metrics(), study.directions())
    for key in ("metric", "direction"):
        if getattr(study, key) == []:
            raise Mistake(f"study.{key}", "must list at least one", "[]")
    if study.space is not None and not isinstance(study.space, Mapping):
        raise Mistake("study.space", "must be keys with what to search", repr(study.space))


def _check_goals(metrics: list[str], directions: list[str]) -> None:
    if len(set(metrics)) < len(metrics):
        raise Mistake("study.metric", "must list each metric once", str(metrics))
    for direction in directions:
        if direction not in (MAXIMIZE, MINIMIZE):
            given = f"'{direction}'{nearest(direction, (MAXIMIZE, MINIMIZE))}"
            raise Mistake("study.direction", f"must be {MAXIMIZE} or {MINIMIZE}", given)
    if directions and len(directions) != max(len(metrics), 1):
        given = f"{directions} and {metrics or 'one metric'}"
        raise Mistake("study.direction", "must be one for each of study.metric", given)


def _listed(given: Any) -> list[str]:
    return [str(one) for one in given] if isinstance(given, list) else [str(given)]
