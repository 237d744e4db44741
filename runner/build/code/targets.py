"""From a target, by its path or as an object, to the modules where its code begins."""

import functools
import re
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from runner.build.code.modules import Finder, Module, loaded
from runner.errors import Unhashable

_TYPED = re.compile(r"<(stdin|(ipython|python)-input)|ipykernel_\d+")  # where it was written
_NAMED = (type, FunctionType, BuiltinFunctionType)


def paths_of(target: Any) -> Iterator[str]:
    """Yield the dotted paths that a target stands for, an object's own and those of what it holds.

    Raises Unhashable for what has no path.
    """
    if isinstance(target, str):
        yield target
    elif isinstance(target, functools.partial):
        for one in (target.func, *target.args, *target.keywords.values()):
            if callable(one):
                yield from paths_of(one)
    elif isinstance(target, MethodType):
        yield from paths_of(target.__func__)
        yield from paths_of(target.__self__)
    elif isinstance(target, _NAMED):
        name = target.__qualname__
        if "<" in name:
            raise Unhashable(f"{name} has no path: it is a lambda, or is defined in a function")
        if target.__module__ is not None:
            yield f"{target.__module__}.{name}"
    else:
        yield from paths_of(type(target))


def held_by(target: Any) -> Any:
    """Return what an object holds beside its code; None where that is nothing."""
    if isinstance(target, functools.partial):
        return (held_by(target.func), target.args, target.keywords)
    if isinstance(target, MethodType):
        return held_by(target.__self__)
    return None if isinstance(target, (str, *_NAMED)) else target


def module_of(path: str, finder: Finder) -> Module:
    """Return the module of a path, the object behind it may lie deeper: of `mine.Net.small` that is
    `mine`. Where it is loaded from no file of `sys.path`, it and the packages above are known to
    the finder.

    Raises Unhashable for what is in no file.
    """
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:end]).replace("__mp_main__", "__main__")
        module = loaded(name) or (None if name in sys.modules else finder.find(name))
        if module is None and name in sys.modules:
            break
        if module is not None:
            _check_written(path, parts[end:], name)
            for above in range(1, end + 1):
                if one := loaded(".".join(parts[:above])):
                    finder.know(one)
            return module
    raise Unhashable(f"{path} is in no file: it was defined at a prompt, or in a notebook")


def origin_of(path: str) -> str | None:
    """Return the path under which the object behind one was written, None where it is the same, or
    is not loaded."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        if module := sys.modules.get(".".join(parts[:end])):
            found = _inner(module, parts[end:])
            name = getattr(found, "__module__", None)
            own = isinstance(found, (type, FunctionType)) and name not in (None, module.__name__)
            return f"{name}.{found.__qualname__}" if own else None
    return None


def _inner(module: ModuleType | None, names: list[str]) -> Any:
    """Return what is behind names in a module, None where there is nothing; nothing is loaded for
    it, as an attribute of a module may be."""
    value = vars(module).get(names[0]) if module else None
    for name in names[1:]:
        value = getattr(value, name, None)
    return value


def _check_written(path: str, names: list[str], module: str) -> None:
    """Raise Unhashable for what was typed since into a module that has a file."""
    found = _inner(sys.modules.get(module), names)
    typed = module == "__main__" and hasattr(sys, "ps1")
    if typed or any(_TYPED.search(one.co_filename) for one in _codes(found)):
        raise Unhashable(f"{path} was defined at a prompt, or in a notebook")


def _codes(value: Any) -> Iterator[Any]:
    functions = vars(value).values() if isinstance(value, type) else [value]
    for one in functions:
        if isinstance(one, FunctionType):
            yield one.__code__
