"""Callables by dotted path, and the arguments that they are given, as values that compare."""

import importlib
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from schedules import _checks
from schedules.errors import ArgumentError, ArgumentTypeError


class Arguments(Mapping[str, Any]):
    """Named arguments that cannot change: numbers, texts, null, lists (kept as tuples), mappings.

    They compare and hash by value and type, 1 being neither 1.0 nor true, and print as a dictionary
    that gives equal arguments again.

    >>> Arguments({"milestones": [30, 60], "gamma": 0.1}, "arguments")
    {'gamma': 0.1, 'milestones': (30, 60)}
    """

    __slots__ = ("_values",)

    def __init__(self, values: Any, name: str) -> None:
        if not isinstance(values, Mapping):
            raise ArgumentTypeError(name, "must be a mapping of names to values", repr(values))
        for key in values:
            if not isinstance(key, str):
                raise ArgumentTypeError(name, "must have texts for names", repr(key))
        self._values = {key: _frozen(f"{name}[{key!r}]", values[key]) for key in sorted(values)}

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Arguments):
            return repr(self) == repr(other)
        return self._values == other

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def __repr__(self) -> str:
        return repr(self._values)

    def plain(self) -> dict[str, Any]:
        """The same as new dictionaries and lists, for a callable."""
        return {key: _plain(value) for key, value in self._values.items()}


def find(name: str, path: str) -> Callable[..., Any]:
    """The callable that a dotted path leads to."""
    parts = path.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise ArgumentError(name, "must be a dotted path such as 'package.name'", repr(path))
    found, rest = _module(name, path, parts)
    for part in rest:
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise ArgumentError(name, "must lead to a callable", f"{path!r}: {error}") from error
    if not callable(found):
        raise ArgumentError(name, "must lead to a callable", f"{path!r}, which is {found!r}")
    return found  # type: ignore[no-any-return]


def path_of(name: str, given: Any) -> str:
    """The dotted path of a callable, or the path that was given."""
    if isinstance(given, str):
        path: str = _checks.plain(given)
        find(name, path)
        return path
    if not callable(given):
        raise ArgumentTypeError(name, "must be a dotted path or a callable", repr(given))
    path = f"{getattr(given, '__module__', None)}.{getattr(given, '__qualname__', None)}"
    try:
        same = find(name, path) is given
    except ValueError:
        same = False
    if not same:
        raise ArgumentError(
            name, "must be found by its module and name, so that it can be saved", repr(given)
        )
    return path


def _module(name: str, path: str, parts: list[str]) -> tuple[Any, list[str]]:
    """The longest module that the path begins with, and what remains of the path."""
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            return importlib.import_module(module), parts[length:]
        except ImportError as error:
            missing = isinstance(error, ModuleNotFoundError) and error.name is not None
            if not missing or not f"{module}.".startswith(f"{error.name}.") or length == 1:
                raise ArgumentError(
                    name, "must lead to a callable", f"{path!r}: {error}"
                ) from error
        except (Exception, SystemExit) as error:
            raise ArgumentError(
                name, "must lead to a callable", f"{path!r}: {_one_line(error)}"
            ) from error
    raise AssertionError("a path has at least two parts")


def _one_line(error: BaseException) -> str:
    """The kind of an error that a module fails with, the line of the module, and the message."""
    message = str(error)
    place: tuple[str | None, int | None] | None = None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.name == "<module>":
            place = frame.filename, frame.lineno
    if isinstance(error, SyntaxError):
        message, place = error.msg, (error.filename, error.lineno)
    where = f" in {place[0]}, line {place[1]}" if place else ""
    return f"{type(error).__name__}{where}: {' '.join(message.split())}"


def _frozen(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _checks.plain(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _checks.number(name, value)
    if isinstance(value, Mapping):
        return Arguments(value, name)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return tuple(_frozen(f"{name}[{i}]", part) for i, part in enumerate(value))
    raise ArgumentTypeError(
        name, "must be a number, a text, null, a list or a mapping", repr(value)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Arguments):
        return value.plain()
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
