"""The order in which a run sees samples."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runner.trial import Recipe

_GOLDEN, _FIRST, _SECOND = (
    np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)


def order(seed: int, epoch: int, n: int) -> Tensor:
    """Return the order in which an epoch sees n samples: (n,) int64, from (seed, epoch) alone.

    >>> sorted(order(seed=0, epoch=3, n=5).tolist())
    [0, 1, 2, 3, 4]
    """
    return torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(n))


def seeds(key: tuple[int, ...], indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what each sample may draw from: (n,) of 63 bits, from the key and its index alone.

    It is SplitMix64 (Steele, Lea and Flood 2014), from a start that the key gives.

    >>> bool((seeds((0, 1), np.arange(9))[3:5] == seeds((0, 1), np.array([3, 4]))).all())
    True
    """
    start = np.random.SeedSequence(key).generate_state(1, np.uint64)
    z = start + (indices.astype(np.uint64) + np.uint64(1)) * _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    z ^= z >> np.uint64(31)
    found: NDArray[np.int64] = (z >> np.uint64(1)).astype(np.int64)
    return found


class Course:
    """Which samples of n each update takes, as they go through the model at a time.

    n: None of a stream, whose samples have places instead of indices.
    """

    def __init__(
        self, recipe: Recipe, steps_per_epoch: int, n: int | None, device: torch.device
    ) -> None:
        self.seed, self.size = recipe.seed, recipe.batch_size
        self.steps_per_epoch, self.n, self.device = steps_per_epoch, n, device
        self.samples = recipe.batch_size * recipe.accumulate
        self.epoch, self.order = -1, torch.empty(0)

    def __call__(self, t: int) -> tuple[Tensor, ...]:
        """Return the indices of update t, in as many parts as it has batches."""
        if self.n is None:
            chosen = torch.arange(t * self.samples, (t + 1) * self.samples)
        else:
            epoch, i = divmod(t, self.steps_per_epoch)
            if epoch != self.epoch:
                self.epoch = epoch
                self.order = order(self.seed, epoch, self.n).to(self.device)
            chosen = self.order[i * self.samples : (i + 1) * self.samples]
        return (chosen,) if self.samples == self.size else torch.split(chosen, self.size)

    def updates(self, start: int, stop: int) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
        """Yield the epoch and the parts of each update."""
        for t in range(start, stop):
            parts = self(t)
            yield 0 if self.n is None else self.epoch, parts

    def batches(self, t: int) -> int:
        """Return the number of batches of update t."""
        if self.n is None:
            left = self.samples
        else:
            left = min(self.samples, self.n - t % self.steps_per_epoch * self.samples)
        return -(-left // self.size)
