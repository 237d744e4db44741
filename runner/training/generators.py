"""Random generators that an object of a person's own holds."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

KINDS = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)
SHARED = (torch.default_generator, np.random.mtrand._rand, random._inst)
_LEAVES = (torch.Tensor, np.ndarray, str, bytes, int, float, type, ModuleType, FunctionType)
MOST_ITEMS = 100  # of a list or a mapping that is looked through
MOST_DEEP = 6


@dataclass(frozen=True)
class OwnGenerator:
    """A generator, which is seeded, and whose state is taken and put back, as all are.

    >>> one = OwnGenerator(np.random.default_rng())
    >>> one.seed(3)
    >>> bool(one.generator.random() == np.random.default_rng(3).random())
    True
    """

    generator: Any

    def seed(self, seed: int) -> None:
        """Make it draw from a seed."""
        if isinstance(self.generator, torch.Generator):
            self.generator.manual_seed(seed)
        elif isinstance(self.generator, np.random.Generator):
            bits = self.generator.bit_generator
            bits.state = type(bits)(seed).state
        elif isinstance(self.generator, np.random.RandomState):
            self.generator.seed(seed % 2**32)
        else:
            self.generator.seed(seed)

    def state(self) -> Any:
        """Return where it stands."""
        if isinstance(self.generator, torch.Generator):
            return self.generator.get_state()
        if isinstance(self.generator, np.random.Generator):
            return self.generator.bit_generator.state
        if isinstance(self.generator, np.random.RandomState):
            return self.generator.get_state()
        return self.generator.getstate()

    def restore(self, state: Any) -> None:
        """Let it stand where it stood."""
        if isinstance(self.generator, torch.Generator):
            self.generator.set_state(state)
        elif isinstance(self.generator, np.random.Generator):
            self.generator.bit_generator.state = state
        elif isinstance(self.generator, np.random.RandomState):
            self.generator.set_state(state)
        else:
            self.generator.setstate(state)

    @staticmethod
    def same(one: Any, other: Any) -> bool:
        """Return whether two states are alike."""
        if isinstance(one, Mapping):
            return all(OwnGenerator.same(one[name], other[name]) for name in one)
        if isinstance(one, tuple):
            return all(map(OwnGenerator.same, one, other))
        if isinstance(one, torch.Tensor):
            return torch.equal(one, other)
        return bool(np.array_equal(one, other))


def own_generators(*objects: Any) -> dict[str, OwnGenerator]:
    """Return the generators that objects hold, in their attributes and those of what they hold; not
    those that all share.

    >>> class Noisy:
    ...     def __init__(self):
    ...         self.transforms = [random.Random(0), random.Random(1)]
    >>> list(own_generators(Noisy()))
    ['own 0', 'own 1']
    """
    seen: set[int] = {id(one) for one in SHARED}
    found = (one for root in objects for one in _held(root, seen, 0))
    return {f"own {i}": OwnGenerator(one) for i, one in enumerate(found)}


def _held(value: Any, seen: set[int], depth: int) -> Iterator[Any]:
    if id(value) in seen or depth > MOST_DEEP or isinstance(value, _LEAVES):
        return
    seen.add(id(value))
    if isinstance(value, KINDS):
        yield value
        return
    if isinstance(value, Mapping | list | tuple):
        several = value.values() if isinstance(value, Mapping) else value
        inner = list(several) if len(value) <= MOST_ITEMS else []
    else:
        inner = list(getattr(value, "__dict__", {}).values())
    for one in inner:
        yield from _held(one, seen, depth + 1)
