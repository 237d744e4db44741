"""What objects hold, as a graph: whatever can change by itself is a thing with a path."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from runner.training.capture.kinds import (
    Kind,
    attributes,
    buffers,
    is_atom,
    is_named,
    kind_of,
    parts,
)
from runner.training.generators import own_generators


@dataclass(frozen=True)
class Thing:
    """What can change by itself."""

    path: str
    kind: Kind
    value: Any


class Held:
    """All things that objects hold, as they are found now.

    things: by path. roots: the objects that hold all others. registered: the paths of weights and
    of modules' buffers.

    >>> held = Held({"model": nn.Linear(1, 2, bias=False)})
    >>> list(held.things), held.registered
    (['model', 'model.weight'], {'model.weight'})
    """

    def __init__(self, roots: Mapping[str, Any]) -> None:
        self.things: dict[str, Thing] = {}
        self.registered: set[str] = set()
        self.roots = dict(roots)
        self._paths: dict[int, str] = {}
        for path, root in roots.items():
            self._visit(root, path)
        opaque = [one for one in self.things.values() if one.kind is Kind.OPAQUE]
        for thing in opaque:
            for name, one in own_generators(thing.value).items():
                self._visit(one.generator, f"{thing.path}'s {name}")
                self.roots[f"{thing.path}'s {name}"] = one.generator

    def path(self, value: Any) -> str | None:
        """Return where a thing was found; None of one that was not."""
        return self._paths.get(id(value))

    def replace(self, path: str, root: Any) -> None:
        """Let another object be a root."""
        before = self.things[path]
        del self._paths[id(before.value)]
        self.roots[path] = root
        self._add(Thing(path, before.kind, root))

    def key(self, key: Any) -> str:
        """Return the name of a key in paths."""
        return f"[{self.path(key) or repr(key)}]"

    def _add(self, thing: Thing) -> None:
        self.things[thing.path] = thing
        self._paths[id(thing.value)] = thing.path

    def _visit(self, value: Any, path: str) -> None:
        if is_atom(value) or is_named(value) or id(value) in self._paths:
            return
        if type(value) is tuple:
            for i, one in enumerate(value):
                self._visit(one, f"{path}[{i}]")
            return
        while path in self.things:
            path += "'"
        kind = kind_of(value)
        if kind is Kind.SET and not all(map(self._is_sorted_out, value)):
            kind = Kind.OPAQUE  # its order, which would name what is in it, is by address
        thing = Thing(path, kind, value)
        self._add(thing)
        for name, one in self._inner(thing):
            self._visit(one, path + name)
        if isinstance(value, nn.Parameter):
            self.registered.add(path)
        found = buffers(value).values()
        self.registered |= {self._paths[id(one)] for one in found if one is not None}

    def _is_sorted_out(self, value: Any) -> bool:
        """Return whether a member of a set has a name already, or needs none."""
        if type(value) is tuple:
            return all(map(self._is_sorted_out, value))
        return is_atom(value) or is_named(value) or id(value) in self._paths

    def _inner(self, thing: Thing) -> Iterator[tuple[str, Any]]:
        value = thing.value
        match thing.kind:
            case Kind.OWNER:
                for part in (parts(value), buffers(value), attributes(value)):
                    yield from ((f".{name}", one) for name, one in part.items())
            case Kind.LIST:
                yield from ((f"[{i}]", one) for i, one in enumerate(value))
            case Kind.MAPPING:
                for i, (key, one) in enumerate(value.items()):
                    yield f".keys[{i}]", key
                    yield self.key(key), one
