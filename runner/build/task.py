"""Settings -> the task: a loss and metrics, made sure to fit the data."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch

from runner import config
from runner.build.counts import counting
from runner.build.metrics import deciding, learn, names_of
from runner.config import Settings
from runner.culprit import failing
from runner.errors import Mistake, either, nearest, under
from runner.results.metrics import MAXIMIZE, MINIMIZE
from runner.results.metrics import metric as known_as
from runner.training.data import Dataset
from runner.training.measures import Measure, Whole
from runner.training.tasks import KINDS, Loss, Own, Task
from schedules.errors import ArgumentError

USUAL: dict[str, Any] = {
    "kind": "classification",
    "loss": {"_target_": "torch.nn.functional.cross_entropy"},
}
_OF_ALL = ("kind", "metric", "loss", "metrics")


def task_of(settings: Settings, data: Dataset | None) -> Task:
    """Return the task of a run. Raises Mistake for what does not fit together or the data."""
    spec = settings.task
    kind = kind_of(spec)
    more = {key: value for key, value in spec.items() if key not in _OF_ALL and value is not None}
    for key in more.keys() - set(kind.keys):
        hint = nearest(key, [*_OF_ALL, *kind.keys])
        raise Mistake(f"task.{key}", f"is not a key of task.kind={kind.name}{hint}")
    for key in kind.keys:
        if key in spec and type(spec[key]) is not bool:
            raise Mistake(f"task.{key}", "must be true or false", _shown(spec[key]))
    measures = measures_of(settings)
    metric = deciding(settings, data=data is not None)
    own = kind is Own and not _named(spec.get("loss"))
    if own and measures:
        must = "must stand beside task.loss with task=none, as the model returns its loss alone"
        raise Mistake("task.metrics", must, ", ".join(measures))
    loss = {} if own else {"loss": _loss(spec)}
    task = kind(**loss, measures=measures, metric=metric, **more)
    if data is None:
        return task
    with under("dataset"):
        try:
            task.check(data)
        except ArgumentError as error:
            if error.advice or error.where != "targets":
                raise
            raise ArgumentError(error.where, error.must, error.given, _advice(data)) from error
    with under(""):
        return task.of(data)


def measures_of(settings: Settings) -> dict[str, Measure]:
    """Return the metrics of a task by name, and make known which way is better.

    Raises Mistake for one that cannot be built, or does not say so.
    """
    names = names_of(settings)
    return {
        name: _measure(f"task.metrics.{name}", name, settings.task["metrics"][name])
        for name in names
    }


def differs(settings: Settings) -> dict[str, Any]:
    """Return what of a task decides a run's weights and is not as usual."""
    given = settings.task.get("loss")
    loss = (
        {k: v for k, v in given.items() if v is not None} if isinstance(given, Mapping) else given
    )
    plain = {**settings.task, "loss": loss}
    of_weights = counting("task", plain)
    return {k: v for k, v in of_weights.items() if v is not None and v != USUAL.get(k)}


def kind_of(spec: Mapping[str, Any]) -> type[Task]:
    """Return the class of a task."""
    name = spec.get("kind", USUAL["kind"])
    if not isinstance(name, str) or name not in KINDS:
        given = f"'{name}'{nearest(str(name), KINDS)}"
        raise Mistake("task.kind", f"must be {either(list(KINDS))}", given)
    return KINDS[name]


def _shown(value: Any) -> str:
    return "null" if value is None else repr(value)


def _named(loss: Any) -> bool:
    """Return whether there is a loss; null, and keys that are null, are none."""
    values = loss.values() if isinstance(loss, Mapping) else [loss]
    return any(value is not None for value in values)


def _loss(spec: Mapping[str, Any]) -> Loss:
    """Return the loss: a function with its keys bound, or an object that a class has made of
    them."""
    given = spec.get("loss")
    if isinstance(given, str):
        must = (
            "must be a function or class by its path, mine.focal, in a file {_target_: mine.focal}"
        )
        raise Mistake("task.loss", must, f"'{given}'")
    if not isinstance(given, Mapping) or not given.get("_target_"):
        raise Mistake("task.loss", "must have a _target_ and its arguments", repr(given))
    plain = {key: _tensor(given, key, value) for key, value in given.items() if value is not None}
    if _is_torchs(given) and (reduction := plain.get("reduction", "mean")) != "mean":
        raise Mistake("task.loss.reduction", "must be mean", repr(reduction))
    lists = {key: value for key, value in plain.items() if isinstance(value, torch.Tensor)}
    rest = {key: value for key, value in plain.items() if key not in lists}
    target = config.partial("task.loss", rest)
    for key in lists:
        if not target.accepts(key):
            raise Mistake(f"task.loss.{key}", f"is not an argument of {given['_target_']}")
    bound = functools.partial(target.plain, **lists) if lists else target.plain
    if not isinstance(target.bound.func, type):
        return bound
    made = _made("task.loss", target, **lists)
    if not callable(made):
        must = "must be a function of outputs and targets, or a class whose objects are such"
        raise Mistake("task.loss._target_", must, f"the class {type(made).__name__}")
    loss: Loss = made
    return loss


def _is_torchs(spec: Mapping[str, Any]) -> bool:
    return str(spec["_target_"]).startswith("torch.")


def _tensor(spec: Mapping[str, Any], key: str, value: Any) -> Any:
    """Return the numbers of a list as one of torch's losses wants them."""
    if not _is_torchs(spec) or not isinstance(value, list):
        return value
    if not all(type(one) in (int, float) for one in value):
        raise Mistake("task.loss", "must have lists of numbers", repr(value))
    if key == "weight" and not (min(value, default=0) >= 0 and sum(value) > 0):
        raise Mistake("task.loss.weight", "must be at least 0, one of them more", repr(value))
    return torch.tensor(value, dtype=torch.float32)


def _made(key: str, target: Callable[..., Any], **more: Any) -> Any:
    """Return the object that a class makes."""
    must = "must be a class that can be built with its arguments"
    with failing(lambda told: Mistake(key, must, advice=f"it fails with {told}")):
        return target(**more)


def _measure(key: str, name: str, spec: Any) -> Measure:
    if not isinstance(spec, Mapping) or not spec.get("_target_"):
        raise Mistake(key, "must have a _target_ and its arguments", repr(spec))
    spec = dict(spec)
    direction = spec.pop("direction", None)
    if direction not in (None, MAXIMIZE, MINIMIZE):
        raise Mistake(f"{key}.direction", f"must be {MAXIMIZE} or {MINIMIZE}", f"'{direction}'")
    target = config.partial(key, spec)
    made: Any = target.plain
    if isinstance(target.bound.func, type):
        made = _made(key, target)
    measure: Measure = made if isinstance(made, Measure) else Whole(made)
    source = made if isinstance(made, Measure) else target.bound.func
    direction = direction or _direction(source)
    if direction is None:
        must = f"must be given, {MAXIMIZE} or {MINIMIZE}"
        advice = f"{key}._target_={spec['_target_']} does not say which way is better"
        raise Mistake(f"{key}.direction", must, advice=advice)
    if not callable(made) and not isinstance(made, Measure):
        must = "must be a function of outputs and targets, or have update, compute and reset"
        raise Mistake(f"{key}._target_", must, type(made).__name__)
    percent = getattr(source, "percent", False) is True
    known = known_as(name)
    if (known.direction, known.percent) != (direction, percent):
        learn(name, direction, percent)
    return measure


def _direction(source: Any) -> str | None:
    """Return which way a metric says is better, in our word or in torchmetrics'."""
    if (found := getattr(source, "direction", None)) in (MAXIMIZE, MINIMIZE):
        return str(found)
    higher = getattr(source, "higher_is_better", None)
    return None if higher is None else MAXIMIZE if higher else MINIMIZE


def _advice(data: Dataset) -> str | None:
    """Return which tasks can take the targets of data."""
    found = []
    for name, kind in KINDS.items():
        try:
            kind().check(data)
        except ArgumentError:
            continue
        found.append(name)
    return f"task={found[0]} takes {KINDS[found[0]].takes}" if found else None
