"""Data sets as tensors, and the order in which a run sees them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from runner.training.nested import Nested, first, leaves, mapped
from schedules.errors import ArgumentError

Batch = tuple[Nested, Nested]  # inputs, targets
Augment = Callable[[Any, torch.Generator], Any]


@dataclass(frozen=True)
class Split:
    """Inputs and targets of equal length.

    inputs: (n, ...), or a tuple, list or dict of such, which a model gets as arguments by position
    or name: of uint8, scaled to [0, 1] when a batch is used, or of any other type, used as it is.
    targets: the same; what they must be the task says. None where a model needs none.
    """

    inputs: Nested
    targets: Nested = None

    def __post_init__(self) -> None:
        parts = {"inputs": self.inputs, "targets": self.targets}
        for name, value in parts.items():
            if name == "targets" and value is None:
                continue
            tensors = list(leaves(value))
            if not tensors:
                raise ArgumentError(name, "must hold a tensor", "none")
            for given in tensors:
                _check_tensor(name, given)
        lengths = {
            len(one): None for value in parts.values() for one in leaves(value) if one is not None
        }
        if len(lengths) > 1:
            given = " and ".join(map(str, lengths))
            raise ArgumentError("inputs and targets", "must be of equal length", given)

    def __len__(self) -> int:
        return len(first(self.inputs))

    def take(self, index: Tensor | slice) -> Self:
        """Return the samples of an index."""
        return self._mapped(lambda one: one[index])

    def batch(self, index: Tensor | slice) -> Batch:
        """Return inputs, bytes scaled to [0, 1] as float32, and targets of an index, as copies:
        whoever works in place on a batch leaves the data as they are."""

        def copied(one: Tensor) -> Tensor:
            return one[index].clone() if isinstance(index, slice) else one[index]

        inputs = mapped(lambda one: scaled(copied(one)), self.inputs)
        return inputs, None if self.targets is None else mapped(copied, self.targets)

    def to(self, device: torch.device) -> Self:
        """Return the same samples on a device."""
        return self._mapped(lambda one: one.to(device))

    def _mapped(self, function: Callable[[Tensor], Tensor]) -> Self:
        targets = None if self.targets is None else mapped(function, self.targets)
        return replace(self, inputs=mapped(function, self.inputs), targets=targets)


def scaled(inputs: Tensor) -> Tensor:
    """Return bytes as float32 in [0, 1], and any other type as it is.

    >>> scaled(torch.tensor([0, 51], dtype=torch.uint8)).tolist()
    [0.0, 0.20000000298023224]
    """
    return inputs.float().div_(255) if inputs.dtype == torch.uint8 else inputs


def _check_tensor(name: str, given: object) -> None:
    if not isinstance(given, Tensor):
        advice = "torch.from_numpy makes one" if isinstance(given, np.ndarray) else None
        kind = f"{type(given).__module__}.{type(given).__name__}"
        raise ArgumentError(name, "must be a torch.Tensor", kind, advice)
    if given.ndim == 0:
        raise ArgumentError(name, "must be (n, ...)", "()")


def kinds(value: Nested) -> str:
    """Return the shapes, n standing for the samples, and types of tensors.

    >>> kinds(torch.zeros(3, 1)), kinds((torch.zeros(3), torch.zeros(3, 2)))
    ('(n, 1) of float32', '(n,) of float32, (n, 2) of float32')
    """
    return ", ".join(map(_kind, leaves(value)))


def _kind(tensor: Tensor) -> str:
    sizes = "".join(f" {size}," for size in tensor.shape[1:]).removesuffix(",")
    return f"(n,{sizes}) of {str(tensor.dtype).removeprefix('torch.')}"


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test samples that never mix.

    classes: their number, or the number of different tokens; None where targets are numbers.
    augment: inputs of a batch, generator -> the inputs that training sees instead.
    content: the SHA-256 of data that are not the same everywhere, as part of what decides a run.
    """

    train: Split
    val: Split
    test: Split
    classes: int | None = None
    augment: Augment | None = None
    content: str = ""

    def __post_init__(self) -> None:
        whole = isinstance(self.classes, int | np.integer) and not isinstance(self.classes, bool)
        if self.classes is not None and (not whole or self.classes < 1):
            raise ArgumentError("classes", "must be a whole number >= 1", f"{self.classes!r}")
        for name in ("train", "val", "test"):
            split = getattr(self, name)
            if not isinstance(split, Split):
                raise ArgumentError(name, "must be a runner.training.Split", type(split).__name__)
            for part in ("inputs", "targets"):
                given, like = (
                    kinds(getattr(one, part)) if getattr(one, part) is not None else "none"
                    for one in (split, self.train)
                )
                if given != like:
                    raise ArgumentError(f"{name}'s {part}", f"must be like train's, {like}", given)
            if len(split) == 0:
                raise ArgumentError(name, "must hold at least one sample", "none")

    @property
    def input_shape(self) -> Any:
        """The shape of one sample, without the batch; of several tensors the same structure of
        shapes."""
        return mapped(lambda one: tuple(one.shape[1:]), self.train.inputs)

    @property
    def holds_images(self) -> bool:
        """Whether a sample is an image: (channels, height, width)."""
        inputs = self.train.inputs
        is_image = isinstance(inputs, Tensor) and inputs.ndim == 4
        return is_image and (inputs.is_floating_point() or inputs.dtype == torch.uint8)

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
