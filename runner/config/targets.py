"""`_target_` and arguments -> object, with errors that name the key."""

import functools
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import OmegaConf

from runner.config.arguments import Spec, fitting
from runner.errors import Mistake, one_line
from schedules.errors import ArgumentError

_NOT_THERE = (ImportError, AttributeError, ValueError)
_FROM_DATA = ("input_shape", "classes")  # what a model may ask for


def partial(key: str, spec: Spec) -> "Target":
    """Return the callable that `spec` names, with its arguments filled in.

    Arguments that are specs themselves are built first. Calling it turns a ValueError or
    TypeError of the target's own checks into a Mistake that names `key`.
    """
    if not isinstance(spec, Mapping) or not spec.get("_target_"):
        given = dict(spec) if isinstance(spec, Mapping) else spec
        raise Mistake(key, "must have a _target_ and its arguments", repr(given))
    target = _locate(key, str(spec["_target_"]))
    spec = fitting(key, target, spec)
    try:
        config = OmegaConf.create({**spec, "_partial_": True, "_convert_": "all"})
        bound = hydra.utils.instantiate(config)
    except HydraException as error:
        cause = error.__cause__ or error
        raise Mistake(f"{key}:", one_line(cause)) from error
    return Target(key, bound)


def build(key: str, spec: Spec, **more: Any) -> Any:
    """Return the object that `spec` describes; `more` are arguments that no file can hold.

    >>> build("schedule", {"_target_": "schedules.Constant", "lr": 0.1})
    Constant(lr=0.1, after='continue', end_steps=None)
    """
    return partial(key, spec)(**more)


@dataclass(frozen=True)
class Target:
    """A callable with its arguments filled in, which knows its configuration key."""

    key: str
    bound: functools.partial[Any]

    @property
    def function(self) -> Callable[..., Any]:
        """What `_target_` names."""
        return self.bound.func

    def accepts(self, name: str) -> bool:
        """Return whether the callable has an argument of this name."""
        try:
            return name in inspect.signature(self.function).parameters
        except ValueError:  # some classes of C extensions have no signature
            return False

    def __call__(self, *args: Any, **more: Any) -> Any:
        self._check_complete(*args, **more)
        try:
            return self.bound(*args, **more)
        except (ValueError, TypeError) as error:
            raise self._mistake(error) from error

    def _check_complete(self, *args: Any, **more: Any) -> None:
        try:
            inspect.signature(self.bound).bind(*args, **more)
            return
        except ValueError:  # some classes of C extensions have no signature
            return
        except TypeError:
            parameters = inspect.signature(self.function).parameters.values()
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        needed = [p.name for p in parameters if p.default is p.empty and p.kind in named]
        missing = [n for n in needed[len(args) :] if n not in {**self.bound.keywords, **more}]
        if not missing:
            return
        must = f"needs {' and '.join(missing)}"
        if set(missing) <= set(_FROM_DATA):
            raise Mistake(self.key, f"{must}, which come from a data set, but the dataset is none")
        raise Mistake(self.key, must, advice=f"give +{self.key}.{missing[0]}=VALUE")

    def _mistake(self, error: Exception) -> Mistake:
        """Return what a target complained of; a person's own may say no more than a text."""
        text = one_line(error)
        name = re.split(r"[\s:\[]", text, maxsplit=1)[0]
        if isinstance(error, ArgumentError) or name not in self.bound.keywords:
            return Mistake.of(error, self.key)
        return Mistake(f"{self.key}.{text}")


def _locate(key: str, path: str) -> Callable[..., Any]:
    try:
        target = _resolved(path)
    except Exception as error:  # a file of a person's own may fail in any way
        kind = "" if isinstance(error, _NOT_THERE) else f"{type(error).__name__}: "
        given = f"'{path}': {kind}{one_line(error)}"
        raise Mistake(f"{key}._target_", "must name a class that can be imported", given) from error
    if not callable(target):
        raise Mistake(f"{key}._target_", "must be callable", f"'{path}'")
    return target  # type: ignore[no-any-return]


def _resolved(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:  # most are in a module, which need not be searched for a submodule of that name
        return pkgutil.resolve_name(f"{module}:{name}")
    except (ImportError, AttributeError, ValueError):
        return pkgutil.resolve_name(path)
