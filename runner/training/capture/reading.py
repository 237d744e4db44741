"""What things hold now, as plain values."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from runner.training.capture.held import Held, Thing
from runner.training.capture.kinds import (
    Kind,
    attributes,
    buffers,
    is_atom,
    is_named,
    is_spent,
    kind_of,
    name_of,
    parts,
)
from runner.training.generators import OwnGenerator

Code = Any  # a value whose things are named instead of held
_MADE = (Kind.LIST, Kind.MAPPING, Kind.SET, Kind.TENSOR, Kind.ARRAY)


class NotStorable(Exception):
    """What training changes where no plain value says how."""


class Reading:
    """What is reached from the roots, with each thing in it as ("of", its path), or as ("new", its
    number) where it was made since things were found.

    contents: of things, by path. new: of the others a kind, a content and the path on which each
    was found. Tensors and arrays in them are those that live. Raises NotStorable for what is new
    and not plain.

    >>> model = nn.Identity()
    >>> held = Held({"model": model})
    >>> model.seen = [1, 2]
    >>> reading = Reading(held)
    >>> reading.contents["model"]["attributes"]
    {'training': True, 'seen': ('new', 0)}
    >>> reading.new
    [(<Kind.LIST: 'list'>, [1, 2], 'model.seen')]
    """

    def __init__(self, held: Held) -> None:
        self.held = held
        self.contents: dict[str, Any] = {}
        self.new: list[tuple[Kind, Any, str]] = []
        self._numbers: dict[int, int] = {}
        for path, root in held.roots.items():
            self.code(root, path)

    def code(self, value: Any, path: str) -> Code:
        """Return a value without the things in it, and read these."""
        if is_atom(value):
            return value
        if type(value) is tuple:
            return "tuple", tuple(self.code(one, f"{path}[{i}]") for i, one in enumerate(value))
        if is_named(value):
            return type(value).__name__, str(value) if hasattr(value, "type") else tuple(value)
        known = self.held.path(value)
        if known is None:
            return "new", self._number(value, path)
        if known not in self.contents:
            self.contents[known] = None  # it may hold itself
            self.contents[known] = self._content(self.held.things[known])
        return "of", known

    def _number(self, value: Any, path: str) -> int:
        if id(value) in self._numbers:
            return self._numbers[id(value)]
        kind = kind_of(value)
        if kind not in _MADE or (kind is Kind.MAPPING and type(value) is not dict):
            raise NotStorable(f"{path} is a {name_of(value)}, which training makes")
        if isinstance(value, Tensor) and value.requires_grad and not is_spent(value):
            what = "a parameter" if isinstance(value, nn.Parameter) else "a tensor with a gradient"
            raise NotStorable(f"{path} is {what}, which training makes")
        number = self._numbers[id(value)] = len(self.new)
        self.new.append((kind, None, path))
        self.new[number] = kind, self._content(Thing(path, kind, value)), path
        return number

    def _content(self, thing: Thing) -> Any:
        value, path = thing.value, thing.path
        match thing.kind:
            case Kind.OWNER:
                for name, one in parts(value).items():
                    self.code(one, f"{path}.{name}")
                return {
                    "attributes": self._named(attributes(value), path),
                    "buffers": self._named(buffers(value), path),
                }
            case Kind.LIST | Kind.SET:
                return [self.code(one, f"{path}[{i}]") for i, one in enumerate(value)]
            case Kind.MAPPING:
                return [
                    (self.code(key, f"{path}.keys[{i}]"), self.code(one, path + self.held.key(key)))
                    for i, (key, one) in enumerate(value.items())
                ]
            case Kind.GENERATOR:
                return OwnGenerator(value).state()
            case Kind.OPAQUE:
                return None
        return value

    def _named(self, values: Mapping[str, Any], path: str) -> dict[str, Code]:
        return {name: self.code(one, f"{path}.{name}") for name, one in values.items()}
