"""Values against the annotations of the class or function that takes them."""

import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from runner.errors import Mistake

_KINDS = {float: "a number", int: "a whole number", bool: "true or false"}


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
            raise Mistake(f"{key} must be a list of {len(parts)}, got {value!r}")
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
        raise Mistake(f"{key} must be {_KINDS[numbers[0]]}, got {value!r}")
