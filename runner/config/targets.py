"""`_target_` and arguments -> object, with errors that name the key."""

import contextlib
import functools
import inspect
import pkgutil
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import OmegaConf

from runner.config.shorthand import LOOP
from runner.config.whole import whole
from runner.culprit import place, told
from runner.errors import Mistake, nearest, one_line
from schedules.errors import ArgumentError

Spec = Mapping[str, Any]
_FROM_DATA = ("input_shape", "classes")  # what a model may ask for
_KINDS = {float: "a number", int: "a whole number", bool: "true or false"}


def partial(key: str, spec: Spec) -> "Target":
    """Return the callable that `spec` names, with its arguments filled in.

    Arguments that are specs themselves are built first. A null that it has no argument for is left
    out. Calling it turns a ValueError or TypeError of the target's own checks into a Mistake that
    names `key`.

    Raises Mistake for what it has no argument for, and for a value of a wrong kind.
    """
    if not isinstance(spec, Mapping) or not spec.get("_target_"):
        given = dict(spec) if isinstance(spec, Mapping) else spec
        raise Mistake(key, "must have a _target_ and its arguments", repr(given))
    target = _locate(key, str(spec["_target_"]))
    known = _parameters(target)
    if known is not None and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        _check_names(key, spec, known)
        spec = {k: v for k, v in spec.items() if v is not None or k in known}
    spec = _with_whole_numbers(target, spec)
    check_kinds(key, target, spec)
    try:
        config = OmegaConf.create({**spec, "_partial_": True, "_convert_": "all"})
        bound = hydra.utils.instantiate(config)
    except HydraException as error:
        cause = error.__cause__ or error
        raise Mistake(f"{key}:", told(cause) if place(cause) else one_line(cause)) from error
    except SystemExit as error:
        raise Mistake(f"{key}:", told(error)) from error
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
    def plain(self) -> functools.partial[Any]:
        """The callable without Hydra's check, which each call of `bound` repeats: 0.2 ms a step."""
        return functools.partial(self.bound.func, *self.bound.args, **self.bound.keywords)

    def instead(self, function: Callable[..., Any]) -> "Target":
        """Return the same with another callable that takes the same arguments."""
        return Target(
            self.key, functools.partial(function, *self.bound.args, **self.bound.keywords)
        )

    def accepts(self, name: str) -> bool:
        """Return whether the callable has an argument of this name."""
        return name in (_parameters(self.bound.func) or ())

    @property
    def names(self) -> list[str]:
        """The names of its arguments."""
        return list(_parameters(self.bound.func) or ())

    @property
    def takes_any(self) -> bool:
        """Whether it takes arguments of any name, or does not say which."""
        known = _parameters(self.bound.func)
        return known is None or any(one.kind is one.VAR_KEYWORD for one in known.values())

    def defaults(self) -> dict[str, Any]:
        """Return the defaults of its arguments, those that can stand in a configuration."""
        known = (_parameters(self.bound.func) or {}).values()
        return {one.name: _listed(one.default) for one in known if _is_plain(one.default)}

    def __call__(self, *args: Any, **more: Any) -> Any:
        self._check_complete(*args, **more)
        try:
            return self.bound(*args, **more)
        except (ValueError, TypeError) as error:
            raise self._mistake(error) from error

    def _check_complete(self, *args: Any, **more: Any) -> None:
        parameters = (_parameters(self.bound.func) or {}).values()
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        needed = [p.name for p in parameters if p.default is p.empty and p.kind in named]
        given = len(self.bound.args) + len(args)
        missing = [n for n in needed[given:] if n not in {**self.bound.keywords, **more}]
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
        if isinstance(error, ArgumentError):
            return Mistake.of(error, self.key)
        if name in self.bound.keywords:
            return Mistake(f"{self.key}.{text}")
        return Mistake(f"{self.key}:", told(error) if place(error) else text)


def check_kinds(key: str, target: Callable[..., Any], spec: Spec) -> None:
    """Raise Mistake for a value that is none of the numbers that its argument wants.

    Arguments that are annotated with more than numbers, or not at all, are left to the target.

    >>> def rest(seconds: float, times: int | None = None): ...
    >>> check_kinds("rest", rest, {"seconds": 1, "times": None})
    >>> check_kinds("rest", rest, {"seconds": "long"})
    Traceback (most recent call last):
    runner.errors.Mistake: rest.seconds must be a number, got 'long'
    """
    hints = _hints(target)
    for name, value in spec.items():
        if name in hints:
            _check_kind(f"{key}.{name}", value, hints[name])


def _locate(key: str, path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    try:
        try:  # most are in a module, which need not be searched for a submodule of that name
            target = pkgutil.resolve_name(f"{module}:{name}")
        except (ImportError, AttributeError, ValueError):
            target = pkgutil.resolve_name(path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a file of a person's own may fail in any way
        plain = isinstance(error, ImportError | AttributeError | ValueError) and not place(error)
        why = _lacking(module, name) or (one_line(error) if plain else told(error))
        must = f"must name a {'function' if key == LOOP else 'class'} that can be imported"
        raise Mistake(f"{key}._target_", must, f"'{path}': {why}") from error
    if not callable(target):
        raise Mistake(f"{key}._target_", "must be callable", f"'{path}'")
    return target  # type: ignore[no-any-return]


def _lacking(module: str, name: str) -> str:
    """Return that a module which is there lacks a name, with the nearest one; else nothing."""
    found = sys.modules.get(module)
    if found is None or hasattr(found, name):
        return ""
    public = [one for one in vars(found) if not one.startswith("_")]
    return f"{module} has no {name}{nearest(name, public)}"


def _parameters(target: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    """Return the arguments of a callable; some classes of C extensions do not say them."""
    try:
        return inspect.signature(target).parameters
    except ValueError:
        return None


def _check_names(key: str, spec: Spec, known: Mapping[str, Any]) -> None:
    """Raise Mistake for values, other than null, that a target has no argument for."""
    names = {k: v for k, v in spec.items() if k not in known and not k.startswith("_")}
    odd = [f"{key}.{name}" for name, value in names.items() if value is not None]
    if not odd:
        return
    must = f"are no arguments of {spec['_target_']}"
    if len(odd) == 1:
        hint = nearest(odd[0].removeprefix(f"{key}."), known)
        must = f"is not an argument of {spec['_target_']}{hint}"
    one = "it" if len(odd) == 1 else "them"
    advice = f"leave {one} out with {' '.join(f'~{name}' for name in odd)}"
    raise Mistake(", ".join(odd), must, advice=advice)


def _with_whole_numbers(target: Callable[..., Any], spec: Spec) -> Spec:
    hints = _hints(target)
    return {name: whole(value, hints.get(name)) for name, value in spec.items()}


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations that can be read; libraries import some for type checkers only."""
    made = inspect.getattr_static(target, "__init__") if isinstance(target, type) else target
    plain: Any = inspect.unwrap(made)
    found: dict[str, Any] = {}
    for name, hint in getattr(plain, "__annotations__", {}).items():
        with contextlib.suppress(NameError, TypeError, AttributeError):
            one = types.SimpleNamespace(__annotations__={name: hint})
            found |= typing.get_type_hints(one, plain.__globals__)
    return found


def _is_plain(value: Any) -> bool:
    """Return whether a default can stand in a configuration."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) for key in value) and all(map(_is_plain, value.values()))
    return value is None or type(value) in (str, int, float, bool)


def _listed(value: Any) -> Any:
    return list(map(_listed, value)) if isinstance(value, tuple) else value


def _check_kind(key: str, value: Any, hint: Any) -> None:
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is tuple and ... not in parts:
        if not isinstance(value, list) or len(value) != len(parts):
            raise Mistake(key, f"must be a list of {len(parts)}", repr(value))
        for i, (element, part) in enumerate(zip(value, parts, strict=True)):
            _check_kind(f"{key}[{i}]", element, part)
        return
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    kinds = set(parts if union else (hint,))
    numbers = [kind for kind in _KINDS if kind in kinds]
    others = {getattr(kind, "__name__", "") for kind in kinds.difference(_KINDS)}
    if not numbers or others - {"NoneType", "Tensor"}:  # no value in a file is a tensor
        return
    if value is None and types.NoneType in kinds:
        return
    accepted = (int, *numbers) if float in numbers else tuple(numbers)
    if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in numbers):
        raise Mistake(key, f"must be {_KINDS[numbers[0]]}", repr(value))
