"""The names of the states that training reaches: what decides them, as a hash."""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np

from runner.trial.name import StateName


class Names:
    """Names the states of a run one after the other, as its numbers become known.

    names: of the numbers.

    >>> names = Names("0" * 64, ["lr"])
    >>> names.extend({"lr": np.array([0.1, 0.1, 0.01])})
    >>> long = [names.at(step) for step in (0, 2, 3)]
    >>> names = Names("0" * 64, ["lr"])
    >>> names.extend({"lr": np.array([0.1, 0.1, 0.02])})
    >>> [names.at(step) == one for step, one in zip((0, 2, 3), long)]
    [True, True, False]
    """

    def __init__(self, recipe: str, names: Iterable[str]) -> None:
        self.recipe = recipe
        self._known: dict[str, list[np.ndarray]] = {name: [] for name in sorted(names)}
        self._step = 0
        self._begin()

    def extend(self, numbers: Mapping[str, np.ndarray]) -> None:
        """Take the numbers of further updates, by name."""
        for name, parts in self._known.items():
            parts.append(np.asarray(numbers[name], "<f8"))

    def at(self, step: int) -> StateName:
        """Return the name of the state after so many updates, whose numbers are known."""
        if step < self._step:
            self._step = 0
            self._begin()
        for name, parts in self._known.items():
            values = np.concatenate([np.empty(0), *parts])
            parts[:] = [values]
            assert step <= len(values)
            more = values[self._step : step] + 0.0  # without the sign of a zero
            self._hashes[name].update(more.tobytes())
        self._step = step
        whole = b"".join(one.digest() for one in self._hashes.values())
        return StateName(self.recipe, step, hashlib.sha256(whole).hexdigest())

    def _begin(self) -> None:
        self._hashes = {name: hashlib.sha256(name.encode()) for name in self._known}
