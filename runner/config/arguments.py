"""Values of a configuration against the signature of the class or function that takes them."""

import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from runner.errors import Mistake, nearest

Spec = Mapping[str, Any]
_KINDS = {float: "a number", int: "a whole number", bool: "true or false"}


def fitting(key: str, target: Callable[..., Any], spec: Spec) -> Spec:
    """Return a spec without the nulls that its target has no argument for.

    Raises Mistake for other values that it has no argument for, and for those of a wrong kind.
    """
    spec = _named(key, target, spec)
    check_kinds(key, target, spec)
    return spec


def check_kinds(key: str, target: Callable[..., Any], spec: Mapping[str, Any]) -> None:
    """Raise Mistake for a value that is none of the numbers that its argument wants.

    Arguments that are annotated with more than numbers, or not at all, are left to the target.

    >>> def rest(seconds: float, times: int | None = None): ...
    >>> check_kinds("rest", rest, {"seconds": 1, "times": None})
    >>> check_kinds("rest", rest, {"seconds": "long"})
    Traceback (most recent call last):
    runner.errors.Mistake: rest.seconds must be a number, got 'long'
    """
    hints = _hints(
        inspect.getattr_static(target, "__init__") if isinstance(target, type) else target
    )
    for name, value in spec.items():
        if name in hints:
            _check(f"{key}.{name}", value, hints[name])


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations that can be read; libraries import some for type checkers only."""
    try:
        return typing.get_type_hints(function)
    except (TypeError, AttributeError):
        return {}
    except NameError:
        plain = inspect.unwrap(function)
    found: dict[str, Any] = {}
    for name, hint in plain.__annotations__.items():
        with contextlib.suppress(NameError):
            one = types.SimpleNamespace(__annotations__={name: hint})
            found |= typing.get_type_hints(one, plain.__globals__)
    return found


def _check(key: str, value: Any, hint: Any) -> None:
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is tuple and ... not in parts:
        if not isinstance(value, list) or len(value) != len(parts):
            raise Mistake(key, f"must be a list of {len(parts)}", repr(value))
        for i, (element, part) in enumerate(zip(value, parts, strict=True)):
            _check(f"{key}[{i}]", element, part)
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
        must = f"is not an argument of {spec['_target_']}{nearest(odd[0], parameters)}"
        name = f"{key}.{odd[0]}"
        raise Mistake(name, must, advice=f"leave it out with ~{name}")
    if odd:
        names = [f"{key}.{name}" for name in odd]
        advice = f"leave them out with {' '.join(f'~{name}' for name in names)}"
        raise Mistake(", ".join(names), f"are no arguments of {spec['_target_']}", advice=advice)
    return {k: v for k, v in spec.items() if v is not None or k in parameters}
