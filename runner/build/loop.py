"""Settings -> the function of a loop of a person's own, checked before it is called."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Optional

from runner import config
from runner.config import Settings
from runner.config.loops import refuse_beside
from runner.config.targets import Target
from runner.errors import Mistake, nearest
from schedules import Horizon

EPOCHS = 5  # that a run counts as where its loop declares none, as the usual run has
_DURATIONS = ("schedule.", "warmup.", "train.")  # how the keys of such begin
_IN_EPOCHS = re.compile(r"[\d.]+ep")
_MUST = "must name a function whose first argument is the run"
_ALONE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def check_beside(settings: Settings) -> None:
    """Raise Mistake for what was given although the loop replaces it, and for epochs of a loop that
    declares none. Imports nothing of a person's."""
    refuse_beside(settings.loop, settings.overrides)
    if settings.train.steps_per_epoch is not None:
        return
    for one in settings.overrides:
        for text in _texts(one.value) if one.key.startswith(_DURATIONS) else ():
            if _IN_EPOCHS.fullmatch(text):
                what = "its data" if settings.has_script else settings.loop["_target_"]
                must = "must not be in epochs, as the loop declares none"
                advice = f"give train.steps_per_epoch, the updates of a pass of {what}"
                raise Mistake(one.key, must, f"'{text}'", advice)


def function_of(settings: Settings) -> Target:
    """Return the function of a loop with its keys bound; it is called with the run.

    Raises Mistake where it cannot be called so.
    """
    spec = settings.loop
    path = str(spec["_target_"])
    target = config.partial("loop", {"_target_": path})
    function: Any = target.bound.func
    first, *others = _arguments(path, function)
    if first.name in spec:
        raise Mistake(f"loop.{first.name}", "must be left out: it is the run itself")
    kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction)
    if any(kind(function) for kind in kinds):
        raise Mistake("loop._target_", _MUST, f"'{path}', which does nothing when it is called")
    known = [one.name for one in others if one.kind in (*_ALONE, one.KEYWORD_ONLY)]
    if not any(one.kind is one.VAR_KEYWORD for one in others):
        for name in [one for one in spec if one not in ("_target_", *known)]:
            has = [f"loop.{one}" for one in known]
            hint = nearest(f"loop.{name}", has) or f"; {path} has {', '.join(has) or 'no keys'}"
            raise Mistake(f"unknown key 'loop.{name}'{hint}")
    for one in others:
        if one.name in known and one.default is one.empty and one.name not in spec:
            advice = f"give loop.{one.name}=VALUE"
            raise Mistake("loop", f"needs {one.name}, as {path} has no default", advice=advice)
    return config.partial("loop", spec)


def as_wanted(settings: Settings) -> Settings:
    """Return settings whose loop has real numbers where its function says so, not whole ones, and
    texts where it wants such, as they were typed."""
    keys = {one.name: one for one in _keys(settings)}
    typed = {one.key: one.given for one in settings.overrides}

    def wanted(name: str, value: Any) -> Any:
        key = keys.get(name)
        if key is None:
            return value
        if type(value) is int and key.annotation in (float, "float"):
            return float(value)
        if type(value) in (int, float, bool) and _wants_text(key):
            return typed.get(f"loop.{name}", str(value))
        return value

    given = {name: wanted(name, value) for name, value in settings.loop.items()}
    return replace(settings, loop=given)


def with_defaults(settings: Settings) -> Settings:
    """Return settings whose loop has all its keys, those that were not given as its function has
    them, so that they are recorded."""
    return replace(settings, loop={"_target_": None, **defaults_of(settings), **settings.loop})


def defaults_of(settings: Settings) -> dict[str, Any]:
    """Return the keys of a loop as its function has them, where that can be written down; those of
    a script are its own."""
    if settings.has_script:
        return {}
    path = str(settings.loop["_target_"])
    target = config.partial("loop", {"_target_": path})
    run, *_ = _arguments(path, target.bound.func)
    return {name: value for name, value in target.defaults().items() if name != run.name}


def note_of_epochs(settings: Settings, length: Horizon) -> list[str]:
    """Return a note where an option counts epochs, and the loop declares none."""
    groups = (settings.schedule, settings.warmup)
    if settings.train.steps_per_epoch is not None:
        return []
    if not any(_IN_EPOCHS.fullmatch(text) for group in groups for text in _texts(group)):
        return []
    steps = length.steps_per_epoch
    count = f"{steps} step{'' if steps == 1 else 's'}"
    return [
        f"an epoch counts as {count}, a fifth of the run, as train.steps_per_epoch is not given"
    ]


def _keys(settings: Settings) -> list[inspect.Parameter]:
    """Return the arguments of a loop's function behind the run."""
    path = str(settings.loop["_target_"])
    return _arguments(path, config.partial("loop", {"_target_": path}).bound.func)[1:]


def _wants_text(key: inspect.Parameter) -> bool:
    if key.annotation is key.empty:
        return isinstance(key.default, str)
    return key.annotation in (str, "str", str | None, "str | None", Optional[str])  # noqa: UP045


def _arguments(path: str, function: Any) -> list[inspect.Parameter]:
    if isinstance(function, type):
        raise Mistake("loop._target_", _MUST, f"the class '{path}'")
    try:
        found = list(inspect.signature(function).parameters.values())
    except ValueError:
        found = []
    if not found or found[0].kind not in _ALONE:
        raise Mistake("loop._target_", _MUST, f"'{path}', which has no such argument")
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
