"""What reading a sample draws, from global generators that are seeded for each sample."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import get_worker_info

from runner.training.generators import OwnGenerator


class _Generator(NamedTuple):
    """How a generator is seeded, how its state is taken and put back, and whether two are alike."""

    seed: Callable[[int], object]
    state: Callable[[], Any]
    restore: Callable[[Any], object]
    same: Callable[[Any, Any], bool]


_KNOWN = {
    "torch": _Generator(
        torch.default_generator.manual_seed,
        torch.default_generator.get_state,
        torch.default_generator.set_state,
        torch.equal,
    ),
    "numpy": _Generator(
        lambda seed: np.random.seed(seed % 2**32),
        np.random.get_state,
        np.random.set_state,
        lambda a, b: a[2:] == b[2:] and bool((a[1] == b[1]).all()),
    ),
    "random": _Generator(random.seed, random.getstate, random.setstate, lambda a, b: bool(a == b)),
}
ALL = frozenset(_KNOWN)


@dataclass
class Draws:
    """Reads samples, each as if torch, numpy and `random` had been seeded for it; but in a worker
    they are as before then.

    To seed all three takes 10 us, which may be a tenth of a sample. So only those are seeded that
    samples are known to draw from; where another one has changed behind a batch, that is read once
    more. own: generators that the data hold, seeded alike. used: names of those that are seeded.
    at: the sample that is read.

    >>> def read(i):
    ...     return random.random() if i else 0.0
    >>> Draws().read([0, 1, 2], [5, 6, 7], read)[2] == random.Random(7).random()
    True
    """

    used: frozenset[str] = frozenset()
    own: Mapping[str, OwnGenerator] = field(default_factory=dict, repr=False)
    at: int = field(default=0, repr=False)
    _seen: dict[str, Any] = field(default_factory=dict, repr=False)  # where nobody else draws

    @property
    def _known(self) -> dict[str, _Generator | OwnGenerator]:
        return {**_KNOWN, **self.own}

    def read(
        self, indices: Sequence[int], seeds: Sequence[int], read: Callable[[int], Any]
    ) -> list[Any]:
        """Return what is read for each index, drawing from its seed."""
        in_worker = get_worker_info() is not None
        unused = self._seen if in_worker and self._seen else self._states()
        used = [one for name, one in self._known.items() if name in self.used]
        before = [] if in_worker else [one.state() for one in used]
        found = []
        try:
            for self.at, seed in zip(indices, seeds, strict=True):
                for one in used:
                    one.seed(seed)
                found.append(read(self.at))
            after = self._states()
        finally:
            for one, was in zip(used, before, strict=False):
                one.restore(was)
        drawn = {name for name in after if not self._known[name].same(unused[name], after[name])}
        self._seen = after if in_worker and not drawn else {}
        if not drawn:
            return found
        for name in drawn:
            self._known[name].restore(unused[name])
        self.used |= drawn
        return self.read(indices, seeds, read)

    def _states(self) -> dict[str, Any]:
        return {name: one.state() for name, one in self._known.items() if name not in self.used}
