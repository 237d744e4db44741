"""A part of a data set whose samples are read when they are needed."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from runner.training.course import Course, order, seeds
from runner.training.nested import Nested, first, mapped, scaled
from runner.training.source import (
    Answer,
    Request,
    Source,
    Unreadable,
    is_resumable,
    is_stream,
)
from runner.training.workers import Workers
from schedules.errors import ArgumentError

LOOKED_AT = 16  # samples from which it is known what all are like
PARTS = ("train", "val", "test")
_MUST = "must be a runner.training.Split"
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Loaded:
    """Samples of a map-style `torch.utils.data.Dataset`, or of what has its methods; or a stream.

    name: train, val or test. size: of its first samples, those in use; None of a stream. inputs,
    targets: of a few, as a Split has them of all: (k, ...). seconds: what one takes to read.

    What reading a sample draws from torch, numpy or `random`, or from generators that the data set
    holds, is seeded from (seed, epoch, sample), so that bits depend neither on the number of
    workers nor on where a run goes on; where a data set has `__getitems__`, as Hugging Face's
    have, all of a batch are seeded together.
    """

    name: str
    workers: Workers
    size: int | None
    inputs: Nested
    targets: Nested
    seconds: float
    device: torch.device = _CPU
    _known: dict[Any, Nested] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        assert self.size is not None
        return self.size

    @property
    def is_resumable(self) -> bool:
        """Whether a run on it can go on in its middle."""
        return self.size is not None or is_resumable(self.workers.source.parts[self.name])

    def head(self, n: int) -> Self:
        """Return the first n samples."""
        return replace(self, size=n)

    def to(self, device: torch.device) -> Self:
        """Return the same samples, whose batches come on a device."""
        return replace(self, device=device)

    def few(self, n: int) -> tuple[Nested, Nested]:
        """Return n samples as a batch."""
        known = len(first(self.inputs))
        if n > max(known, 2):
            return next(self.batches(n))
        rows = torch.tensor([0, -1]) if n == 2 else torch.arange(n)
        targets = None if self.targets is None else mapped(lambda one: one[rows], self.targets)
        return self._batch((mapped(lambda one: one[rows], self.inputs), targets, None))

    def batches(self, size: int) -> Iterator[tuple[Nested, Nested]]:
        """Yield all samples in their order, so many at a time."""
        indices = torch.split(torch.arange(len(self)), size)
        yield from map(self._batch, self._read(map(self._request, indices)))

    def updates(
        self, course: Course, start: int, stop: int, position: Any = None
    ) -> Iterator[tuple[list[tuple[Nested, Nested]], Any]]:
        """Yield the batches of each update from `start` to `stop`, and where a stream stands then.

        position: where it stood at `start`, None where that is its beginning.
        """
        answers = self._read(self._requests(course, start, stop, position))
        for t in range(start, stop):
            found = [next(answers) for _ in range(course.batches(t))]
            yield [self._batch(one) for one in found], found[-1][2]

    def known_targets(self, most: int) -> Nested:
        """Return the targets of so many samples, or of all, drawn by chance and always the same;
        of a stream the first. None where they cannot be put together."""
        key = (self.size, most)
        if key not in self._known:
            started = self.workers.started
            places = torch.arange(most) if self.size is None else order(0, 0, self.size)[:most]
            answers = self._read(map(self._request, torch.split(places, LOOKED_AT)))
            parts = [targets for _, targets, _ in answers]
            shapes = {one.shape[1:] if isinstance(one, Tensor) else None for one in parts}
            alike = len(shapes) == 1 and None not in shapes
            self._known[key] = torch.cat(parts) if alike else None
            if not started:
                self.workers.close()
        known = self._known[key]
        return None if known is None else known.to(self.device)

    def _requests(self, course: Course, start: int, stop: int, position: Any) -> Iterator[Request]:
        for epoch, parts in course.updates(start, stop):
            for part in parts:
                yield self._request(part, (course.seed, epoch), position)
                position = None

    def _request(
        self, index: Tensor, key: tuple[int, ...] = (0, 0), position: Any = None
    ) -> Request:
        indices = index.numpy()
        drawn = seeds((*key, PARTS.index(self.name)), indices)
        return Request(self.name, indices, drawn, position)

    def _read(self, requests: Iterable[Request]) -> Iterator[Answer]:
        return self.workers.read(requests, pin_memory=self.device.type == "cuda")

    def _batch(self, answer: Answer) -> tuple[Nested, Nested]:
        def placed(one: Tensor) -> Tensor:
            return one.to(self.device, non_blocking=True)

        inputs, targets, _ = answer
        return (
            mapped(lambda one: scaled(placed(one)), inputs),
            None if targets is None else mapped(placed, targets),
        )


def loaded(parts: Mapping[str, Any], **how: Any) -> dict[str, Loaded]:
    """Return parts of a data set, by name, as they are read with the same workers.

    how: what else a Source takes. Raises ValueError for what is no data set and what cannot be
    read, as a few samples of each show.
    """
    for name, part in parts.items():
        _check(name, part)
    workers = Workers(Source(parts, **how))
    return {name: _looked_at(name, part, workers) for name, part in parts.items()}


def _check(name: str, part: Any) -> None:
    kind = type(part).__name__
    if isinstance(part, list | tuple | Mapping | str | Tensor | np.ndarray):
        raise ArgumentError(name, _MUST, kind, "or a torch.utils.data.Dataset")
    reads = hasattr(part, "__iter__" if is_stream(part) else "__getitem__")
    if not reads or (is_stream(part) and name != "train"):
        advice = "or have __len__ and __getitem__, as a torch.utils.data.Dataset"
        raise ArgumentError(name, _MUST, f"the stream {kind}" if reads else kind, advice)
    if is_stream(part):
        if hasattr(part, "__next__") and not is_resumable(part) and iter(part) is part:
            must = "must begin anew each time it is iterated"
            raise ArgumentError(name, must, kind, "a class whose __iter__ yields samples does")
        return
    try:
        length = len(part)
    except (TypeError, NotImplementedError):
        must = "must have __len__ beside __getitem__, or be an IterableDataset"
        raise ArgumentError(name, must, kind) from None
    if length < 1:
        raise ArgumentError(name, "must hold at least one sample", "none")


def _looked_at(name: str, part: Any, workers: Workers) -> Loaded:
    """Return a part of which a few samples are read, one of them first, as it takes longest."""
    size = None if is_stream(part) else len(part)
    found = Loaded(name, workers, size, None, None, 0.0)
    indices = torch.arange(LOOKED_AT) if size is None else order(0, 0, size)[:LOOKED_AT]
    try:
        workers.read_here(found._request(indices[:1]))
        started = time.perf_counter()
        inputs, targets, _ = workers.read_here(found._request(indices))
    except Unreadable as error:
        where = error.where.removeprefix("dataset.")
        raise Unreadable(where, error.must, error.given, error.advice) from error
    seconds = (time.perf_counter() - started) / len(indices)
    return replace(found, inputs=inputs, targets=targets, seconds=seconds)
