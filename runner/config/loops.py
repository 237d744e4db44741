"""What a loop of a person's own makes of a configuration: the parts that it replaces go."""

import shlex
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from runner.config.command_line import Word
from runner.config.shorthand import LOOP, METRIC, METRICS
from runner.errors import Mistake

REPORTED = "reported"  # the kind of task that a loop has
PARTS = ("model", "dataset", "optimizer", "clipping")
_TASK = "task"
_OF_TRAIN = ("batch_size", "accumulate", "drop_last", "ema", "compile", "graph")
_PRECISION = "precision"
_KEYS = (*(f"train.{name}" for name in _OF_TRAIN), _PRECISION)
_OWN_KEYS = (METRIC, METRICS)  # of a task that a loop has, too
_SAYS = ("direction", "percent")


def is_chosen(spec: Any) -> bool:
    """Return whether a configuration of the group `loop` names a function or a script."""
    return isinstance(spec, Mapping) and bool(spec.get("_target_") or spec.get("command"))


def has_command(spec: Any) -> bool:
    """Return whether a configuration of the group `loop` has the command of a script."""
    return is_chosen(spec) and not spec.get("_target_")


def keys_of_loop(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a loop's own: the arguments of its function, or its script's."""
    ours = ("_target_", "command") if has_command(spec) else ("_target_",)
    return {name: value for name, value in spec.items() if name not in ours}


def shown(spec: Mapping[str, Any]) -> str:
    """Return a loop as people write it.

    >>> shown({"_target_": "mine.train", "width": 8})
    'loop=mine.train'
    >>> shown({"_target_": None, "command": ["python", "train.py"]})
    '-- python train.py'
    """
    if has_command(spec):
        return f"-- {shlex.join(map(str, spec['command']))}"
    return f"{LOOP}={spec['_target_']}"


def alone(
    plain: dict[str, Any], named: Collection[str], choices: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a resolved configuration, and its choices of groups, without what a loop replaces.

    Its task is what it reports: loss, accuracy, and what task.metrics names; loss decides unless
    task.metric is given. named: the keys that are.
    """
    task = plain[_TASK] if isinstance(plain[_TASK], Mapping) else {}
    metrics = task.get("metrics")
    if isinstance(metrics, Mapping):
        metrics = {str(name): _said(spec) for name, spec in metrics.items() if spec is not None}
    asked = task.get("kind") == REPORTED or METRIC in named
    told = {"kind": REPORTED, "metric": task.get("metric") if asked else "loss", "metrics": metrics}
    gone = (*PARTS, _TASK)
    kept = {group: o for group, o in choices.items() if group.partition("/")[0] not in gone}
    if kept.get(LOOP) == "none":
        del kept[LOOP]
    return {**plain, **{key: {} for key in PARTS}, _TASK: told}, kept


def recorded(resolved: dict[str, Any]) -> dict[str, Any]:
    """Return the resolved configuration of a loop without the values that it does not have."""
    train = {key: value for key, value in resolved["train"].items() if key not in _OF_TRAIN}
    rest = {key: value for key, value in resolved.items() if key not in (*PARTS, _PRECISION)}
    return rest | {"train": train}


def refuse_beside(loop: Mapping[str, Any], words: Iterable[Word]) -> None:
    """Raise Mistake for a word about a part that a loop replaces."""
    for one in words:
        key = one.key.replace("/", ".")
        own = any(key == name or key.startswith(f"{name}.") for name in _OWN_KEYS)
        if key in _KEYS or (key.partition(".")[0] in (*PARTS, _TASK) and not own):
            given = one.shown if one.sign == "~" else one.given
            what = "a script" if has_command(loop) else loop["_target_"]
            advice = f"what {what} takes are its own keys, loop.NAME=VALUE"
            raise Mistake(one.typed_key, f"must be left out beside {shown(loop)}", given, advice)


def _said(spec: Any) -> Any:
    """Return what of a metric is to be known where a loop computes it."""
    if not isinstance(spec, Mapping):
        return spec
    return {key: spec[key] for key in _SAYS if key in spec}
