"""Plain values as things again, and into those that live."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from runner.training.capture.copies import copied
from runner.training.capture.held import Held, Thing
from runner.training.capture.kinds import Kind, attributes, buffers, is_atom
from runner.training.capture.reading import Code
from runner.training.generators import OwnGenerator


class Values:
    """Values again, of codes that a Reading has made.

    new: a kind and a content each. device: where new tensors lie that lay on none of the CPU's.
    Whatever does not fit raises some error, and has changed nothing.
    """

    def __init__(self, held: Held, new: Sequence[tuple[str, Any]], device: torch.device) -> None:
        self._held, self._device = held, device
        self._new = [self._made(Kind(kind), content) for kind, content in new]
        for value, (kind, content) in zip(self._new, new, strict=True):
            if Kind(kind) in (Kind.LIST, Kind.MAPPING, Kind.SET):
                _fill(value, self.content(Kind(kind), content))

    def value(self, code: Code) -> Any:
        """Return the value of a code."""
        if not isinstance(code, tuple):
            if not is_atom(code):
                raise TypeError(f"a {type(code).__name__} is no plain value")
            return code
        what, given = code
        match what:
            case "of":
                return self._held.things[given].value
            case "new":
                return self._new[range(len(self._new))[given]]
            case "tuple":
                return tuple(map(self.value, given))
            case "Size":
                return torch.Size(given)
            case "device":
                return torch.device(given)
        raise TypeError(f"{what!r} is no kind of value")

    def content(self, kind: Kind, content: Any) -> Any:
        """Return the content of a thing of some kind."""
        match kind:
            case Kind.OWNER:
                wanted = ("attributes", "buffers")
                return {part: self._named(content[part]) for part in wanted}
            case Kind.LIST:
                return list(map(self.value, content))
            case Kind.SET:
                return set(map(self.value, content))
            case Kind.MAPPING:
                return {self.value(key): self.value(one) for key, one in content}
        return content

    def _named(self, codes: Mapping[str, Code]) -> dict[str, Any]:
        if not all(isinstance(name, str) for name in codes):
            raise TypeError("a name must be text")
        return {name: self.value(code) for name, code in codes.items()}

    def _made(self, kind: Kind, content: Any) -> Any:
        match kind:
            case Kind.LIST:
                return []
            case Kind.MAPPING:
                return {}
            case Kind.SET:
                return set()
            case Kind.ARRAY if isinstance(content, np.ndarray):
                return copied(content)
            case Kind.TENSOR:
                tensor, place = content
                if place not in ("cpu", self._device.type):
                    raise TypeError(f"a tensor on {place}")
                return copied(tensor).to("cpu" if place == "cpu" else self._device)
        raise TypeError(f"{kind.value} made anew")


def write(thing: Thing, content: Any) -> None:
    """Let a thing hold a content."""
    value = thing.value
    match thing.kind:
        case Kind.OWNER:
            given = vars(value)
            for name in attributes(value).keys() - content["attributes"].keys():
                del given[name]
            given.update(content["attributes"])
            buffers(value).update(content["buffers"])
        case Kind.LIST | Kind.MAPPING | Kind.SET:
            _fill(value, content)
        case Kind.TENSOR:
            with torch.no_grad():
                value.copy_(content)
        case Kind.ARRAY if value.flags.writeable:
            value[...] = content
        case Kind.GENERATOR:
            OwnGenerator(value).restore(content)


def check_generator(generator: Any, state: Any) -> None:
    """Raise some error for what is no state of a generator."""
    if isinstance(generator, torch.Generator):
        spare: Any = torch.Generator(generator.device)
    elif isinstance(generator, random.Random):
        spare = random.Random()
    elif isinstance(generator, np.random.RandomState):
        spare = np.random.RandomState()
    else:
        spare = np.random.Generator(type(generator.bit_generator)())
    OwnGenerator(spare).restore(state)


def _fill(value: Any, content: Any) -> None:
    value.clear()
    value.extend(content) if isinstance(value, list) else value.update(content)
