"""Data sets as tensors, and the order in which a run sees them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from runner.training.course import Course
from runner.training.course import order as order
from runner.training.loaded import PARTS, Loaded, loaded
from runner.training.nested import Nested, first, leaves, mapped, scaled
from runner.training.source import Collate
from schedules.errors import ArgumentError

Batch = tuple[Nested, Nested]  # inputs, targets
Augment = Callable[[Any, torch.Generator], Any]
Part = Any  # Split | Loaded; what is given as another data set becomes a Loaded


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

    def head(self, n: int) -> Self:
        """Return the first n samples."""
        return self.take(slice(n))

    def few(self, n: int) -> Batch:
        """Return n samples as a batch."""
        return self.batch(torch.tensor([0, -1]) if n == 2 else slice(n))

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all samples in their order, so many at a time."""
        for start in range(0, len(self), size):
            yield self.batch(slice(start, start + size))

    def updates(
        self, course: Course, start: int, stop: int, position: Any = None
    ) -> Iterator[tuple[list[Batch], Any]]:
        """Yield the batches of each update from `start` to `stop`, and nothing beside them."""
        for _, parts in course.updates(start, stop):
            yield [self.batch(part) for part in parts], None

    def known_targets(self, most: int) -> Nested:
        """Return all targets, more than asked for, since they are here."""
        return self.targets

    def to(self, device: torch.device) -> Self:
        """Return the same samples on a device."""
        return self._mapped(lambda one: one.to(device))

    def _mapped(self, function: Callable[[Tensor], Tensor]) -> Self:
        targets = None if self.targets is None else mapped(function, self.targets)
        return replace(self, inputs=mapped(function, self.inputs), targets=targets)


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

    train, val, test: a Split, whose samples lie in memory; or a map-style
    `torch.utils.data.Dataset`, or what has its `__len__` and `__getitem__`, which becomes a Loaded:
    it gives (inputs, targets), or a mapping with the targets under `target_key` ("": the model
    takes all of it), which `collate` makes batches of, a list of samples -> the same of a batch.
    train may also be a stream, an IterableDataset.
    classes: their number, or the number of different tokens; None where targets are numbers.
    augment: inputs of a batch, generator -> the inputs that training sees instead.
    content: the SHA-256 of data that are not the same everywhere, as part of what decides a run.
    """

    train: Part
    val: Part
    test: Part
    classes: int | None = None
    augment: Augment | None = None
    content: str = ""
    collate: Collate | None = None
    target_key: str | None = None

    def __post_init__(self) -> None:
        whole = isinstance(self.classes, int | np.integer) and not isinstance(self.classes, bool)
        if self.classes is not None and (not whole or self.classes < 1):
            raise ArgumentError("classes", "must be a whole number >= 1", f"{self.classes!r}")
        parts = {name: getattr(self, name) for name in PARTS}
        raw = {name: one for name, one in parts.items() if not isinstance(one, Split | Loaded)}
        how = {"collate": self.collate, "target_key": self.target_key, "classes": self.classes}
        for name, one in (loaded(raw, **how) if raw else {}).items():
            object.__setattr__(self, name, one)
        for name in PARTS:
            split = getattr(self, name)
            for part in ("inputs", "targets"):
                given, like = (self._kinds(getattr(one, part)) for one in (split, self.train))
                if given != like:
                    raise ArgumentError(f"{name}'s {part}", f"must be like train's, {like}", given)
            if not (name == "train" and self.is_stream) and len(split) == 0:
                raise ArgumentError(name, "must hold at least one sample", "none")

    @property
    def is_stream(self) -> bool:
        """Whether training samples come one after another, and nobody knows how many."""
        return isinstance(self.train, Loaded) and self.train.size is None

    @property
    def loaded(self) -> list[Loaded]:
        """The parts that are not in memory."""
        return [part for part in (self.train, self.val, self.test) if isinstance(part, Loaded)]

    def close(self) -> None:
        """End the workers that read."""
        for part in self.loaded:
            part.workers.close()

    def _kinds(self, value: Nested) -> str:
        """Return shapes and types; the shapes that a person's own collate makes may differ."""
        if value is None:
            return "none"
        if self.collate is None:
            return kinds(value)
        return ", ".join(str(one.dtype).removeprefix("torch.") for one in leaves(value))

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
        if self.is_stream:
            must = "must be null, as the training data are a stream"
            raise ArgumentError("train_size", must, f"{train_size}")
        if not 1 <= train_size <= len(self.train):
            raise ArgumentError(
                "train_size",
                f"must lie in [1, {len(self.train)}], the training samples that there are",
                f"{train_size}",
            )
        return replace(self, train=self.train.head(train_size))

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
