"""Data sets as tensors, and the order in which a run sees them."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from schedules.errors import ArgumentError


@dataclass(frozen=True)
class Split:
    """Inputs and class labels of equal length.

    inputs: (n, ...) of uint8, scaled to [0, 1] when a batch is used, or of float32, used as it is.
    targets: (n,) of int64 in [0, classes).
    """

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        for name in ("inputs", "targets"):
            if not isinstance(given := getattr(self, name), Tensor):
                raise ArgumentError(name, "must be a tensor", type(given).__name__)
        if len(self.inputs) != len(self.targets):
            raise ArgumentError(
                "inputs and targets",
                "must be of equal length",
                f"{len(self.inputs)} and {len(self.targets)}",
            )
        if self.targets.dtype != torch.int64:
            raise ArgumentError("targets", "must be of torch.int64", f"{self.targets.dtype}")

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, index: Tensor | slice) -> Self:
        """Return the samples of an index."""
        return replace(self, inputs=self.inputs[index], targets=self.targets[index])

    def batch(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Return inputs as float32, bytes scaled to [0, 1], and targets of an index, as copies:
        whoever works in place on a batch leaves the data as they are."""
        inputs, targets = self.inputs[index], self.targets[index]
        if isinstance(index, slice):  # a view
            inputs, targets = inputs.clone(), targets.clone()
        if inputs.dtype == torch.uint8:
            inputs = inputs.float().div_(255)
        return inputs, targets

    def to(self, device: torch.device) -> Self:
        """Return the same samples on a device."""
        return replace(self, inputs=self.inputs.to(device), targets=self.targets.to(device))


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test samples that never mix, and the number of classes."""

    train: Split
    val: Split
    test: Split
    classes: int

    def __post_init__(self) -> None:
        for name in ("train", "val", "test"):
            split: Split = getattr(self, name)
            if not isinstance(split, Split):
                raise ArgumentError(name, "must be a Split", type(split).__name__)
            if len(split) == 0:
                raise ArgumentError(name, "must hold at least one sample", "none")
            low, high = int(split.targets.min()), int(split.targets.max())
            if low < 0 or high >= self.classes:
                raise ArgumentError(
                    f"{name}'s targets", f"must lie in [0, {self.classes})", f"{low} to {high}"
                )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one sample, without the batch."""
        return tuple(self.train.inputs.shape[1:])

    def limit(self, train_size: int | None) -> Self:
        """Return the data set with only the first train_size training samples.

        Raises ValueError if there are not that many.
        """
        if train_size is None:
            return self
        if not 1 <= train_size <= len(self.train):
            raise ArgumentError(
                "train_size",
                f"must lie in [1, {len(self.train)}], the training samples that there are",
                f"{train_size}",
            )
        return replace(self, train=self.train.take(slice(train_size)))

    def to(self, device: torch.device) -> Self:
        """Return the same data set on a device."""
        splits = {name: getattr(self, name).to(device) for name in ("train", "val", "test")}
        return replace(self, **splits)


def divide(
    samples: Split, sizes: tuple[float, ...], seed: int, *, stratified: bool = False
) -> list[Split]:
    """Return `samples` shuffled and cut into parts, given as shares of the whole.

    sizes: a share in (0, 1) for each part but the last, which takes the rest.
    stratified: cut each class by itself, so that every part has the classes' proportions.
    The parts depend on the seed and the labels alone.

    >>> samples = Split(torch.arange(20.0), torch.arange(20) % 2)
    >>> [len(part) for part in divide(samples, (0.2, 0.1), seed=0, stratified=True)]
    [4, 2, 14]
    """
    rng = np.random.default_rng(seed)
    labels = samples.targets.numpy()
    groups = np.unique(labels) if stratified else [None]
    pieces: list[list[np.ndarray]] = [[] for _ in range(len(sizes) + 1)]
    for label in groups:
        members = np.arange(len(labels)) if label is None else np.flatnonzero(labels == label)
        cuts = np.round(np.cumsum(sizes) * len(members)).astype(int)
        for piece, part in zip(pieces, np.split(rng.permutation(members), cuts), strict=True):
            piece.append(part)
    return [
        samples.take(torch.from_numpy(rng.permutation(np.concatenate(piece)))) for piece in pieces
    ]


def order(seed: int, epoch: int, n: int) -> Tensor:
    """Return the order in which an epoch sees n samples: (n,) int64, from (seed, epoch) alone.

    >>> sorted(order(seed=0, epoch=3, n=5).tolist())
    [0, 1, 2, 3, 4]
    """
    return torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(n))
