"""The batches of a loader, read again and again; where it stands can be found again."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

from runner.training.generators import own_generators
from runner.training.own_loop.drawn import draw_again, drawn


class Reading:
    """Reads a loader. Its place is what was drawn from when its pass began, and how many batches
    of it were read: whoever goes on reads them once more, and gets the next ones.

    loader: whose own generators count, too. device: that draws. count: batches read in this pass.
    """

    def __init__(self, loader: Iterable[Any], device: torch.device) -> None:
        self._loader, self._device = loader, device
        self._own = own_generators(loader)
        self._begun: dict[str, Any] = {}
        self.count = 0
        self._ahead: Iterator[Any] | None = None

    @property
    def place(self) -> dict[str, Any]:
        """Where it stands, as plain values."""
        return {**self._begun, "count": self.count}

    @property
    def lasts(self) -> bool:
        """Whether something of it outlives a pass, of which its place says nothing."""
        return bool(getattr(self._loader, "persistent_workers", False))

    def is_of(self, parts: Iterable[Any]) -> bool:
        """Return whether its loader is one of some things."""
        return any(one is self._loader for one in parts)

    def go_on(self, place: Mapping[str, Any]) -> None:
        """Go to a place where such a loader stood."""
        draw_again(place["shared"], self._device)
        for name, one in self._own.items():
            one.restore(place["own"][name])
        self._ahead = self._begin()
        for _ in range(place["count"]):
            next(self._ahead, None)
        self.count = place["count"]

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of a pass, or what is left of it."""
        ahead, self._ahead = self._ahead or self._begin(), None
        for batch in ahead:
            self.count += 1
            yield batch

    def _begin(self) -> Iterator[Any]:
        own = {name: one.state() for name, one in self._own.items()}
        self._begun, self.count = {"shared": drawn(self._device), "own": own}, 0
        return iter(self._loader)
