"""`_target_` and arguments -> object, with errors that name the key."""

import functools
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import OmegaConf

from runner.config.kinds import check_kinds
from runner.errors import Mistake, nearest, one_line

Spec = Mapping[str, Any]
_NOT_THERE = (ImportError, AttributeError, ValueError)
_FROM_DATA = ("input_shape", "classes")  # what a model may ask for


def partial(key: str, spec: Spec) -> "Target":
    """Return the callable that `spec` names, with its arguments filled in.

    Arguments that are specs themselves are built first. Calling it turns a ValueError or
    TypeError of the target's own checks into a Mistake that names `key`.
    """
    if not isinstance(spec, Mapping) or not spec.get("_target_"):
        given = dict(spec) if isinstance(spec, Mapping) else spec
        raise Mistake(f"{key} must have a _target_ and its arguments, got {given!r}")
    target = _locate(key, str(spec["_target_"]))
    spec = _named(key, target, spec)
    check_kinds(key, target, spec)
    try:
        config = OmegaConf.create({**spec, "_partial_": True, "_convert_": "all"})
        bound = hydra.utils.instantiate(config)
    except HydraException as error:
        cause = error.__cause__ or error
        raise Mistake(f"{key}: {one_line(cause)}") from error
    return Target(key, bound)


def build(key: str, spec: Spec, **more: Any) -> Any:
    """Return the object that `spec` describes; `more` are arguments that no file can hold.

    >>> build("schedule", {"_target_": "schedules.Constant", "lr": 0.1})
    Constant(lr=0.1, after='continue', end_steps=None)
    """
    return partial(key, spec)(**more)


class Target:
    """A callable with its arguments filled in, which knows its configuration key.

    function: what `_target_` names.
    """

    def __init__(self, key: str, bound: functools.partial[Any]) -> None:
        self.key = key
        self.function = bound.func
        self.bound = bound

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
            raise Mistake(self._explain(error)) from error

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
        words = f"{self.key} needs {' and '.join(missing)}"
        if set(missing) <= set(_FROM_DATA):
            raise Mistake(f"{words}, which come from a data set, but the dataset is none")
        raise Mistake(f"{words}; give +{self.key}.{missing[0]}=VALUE")

    def _explain(self, error: Exception) -> str:
        message = one_line(error)
        word = message.split(maxsplit=1)[0].split("[")[0].rstrip(":")
        joint = "." if word in self.bound.keywords else ": "
        return f"{self.key}{joint}{message}"


def _locate(key: str, path: str) -> Callable[..., Any]:
    try:
        target = pkgutil.resolve_name(path)
    except Exception as error:  # a file of a person's own may fail in any way
        kind = "" if isinstance(error, _NOT_THERE) else f"{type(error).__name__}: "
        raise Mistake(
            f"{key}._target_ must name a class that can be imported, got '{path}': "
            f"{kind}{one_line(error)}"
        ) from error
    if not callable(target):
        raise Mistake(f"{key}._target_ must be callable, got '{path}'")
    return target  # type: ignore[no-any-return]


def _named(key: str, target: Callable[..., Any], spec: Spec) -> Spec:
    """Return `spec` without the nulls that the target has no argument for.

    Raises Mistake for any other value that it has no argument for.
    """
    try:
        parameters = inspect.signature(target).parameters
    except ValueError:  # some classes of C extensions have none
        return spec
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return spec
    odd = [
        name
        for name, value in spec.items()
        if name not in parameters and not name.startswith("_") and value is not None
    ]
    if len(odd) == 1:
        raise Mistake(
            f"{key}.{odd[0]} is not an argument of {spec['_target_']}"
            f"{nearest(odd[0], parameters)}; leave it out with ~{key}.{odd[0]}"
        )
    if odd:
        raise Mistake(
            f"{', '.join(f'{key}.{name}' for name in odd)} are no arguments of {spec['_target_']}; "
            f"leave them out with {' '.join(f'~{key}.{name}' for name in odd)}"
        )
    return {k: v for k, v in spec.items() if v is not None or k in parameters}
