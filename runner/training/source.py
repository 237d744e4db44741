"""Reads samples: the part of loading that workers do beside the training."""

import copy
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, Subset

from runner.culprit import failing
from runner.training.draws import ALL, Draws
from runner.training.generators import own_generators
from runner.training.nested import Nested, described, first, leaves
from runner.training.samples import collated, parted
from schedules.errors import ArgumentError

IGNORED = -100  # a target that torch's losses leave out

Collate = Callable[[list[Any]], Any]
Answer = tuple[Nested, Nested, Any]  # inputs, targets, where a stream stands behind them


class Unreadable(ArgumentError):
    """Data that cannot be read."""


@dataclass(frozen=True)
class Request:
    """Samples that are read at once.

    part: train, val or test. indices: (n,) of its samples; of a stream, their places in it, which
    follow each other. seeds: (n,), from which a sample may draw. position: where a stream stands
    before them, None where it stands there already, or begins.
    """

    part: str
    indices: NDArray[np.int64]
    seeds: NDArray[np.int64]
    position: Any = None


@dataclass(frozen=True)
class Failure:
    """What is wrong with samples; details: the traceback."""

    error: ArgumentError
    details: str


@dataclass
class Source:
    """The parts of a data set: map-style ones, and a stream.

    collate: makes a batch of a list of samples, None where tensors of one shape are stacked.
    target_key: of samples that are mappings. classes: what targets of int64 are less than.
    """

    parts: Mapping[str, Any]
    collate: Collate | None = None
    target_key: str | None = None
    classes: int | None = None
    _stream: "Stream | None" = field(default=None, repr=False)
    _draws: Draws = field(default_factory=Draws, repr=False)

    def __post_init__(self) -> None:
        parts = [part for part in self.parts.values() if not is_stream(part)]
        self._draws = Draws(own=own_generators(*parts, self.collate))

    def __getitem__(self, request: Request) -> Answer | Failure:
        """Return a batch, or what is wrong: where a person's code failed would be lost on the way
        from a worker."""
        try:
            return self._read(request)
        except ArgumentError as error:
            return Failure(error.under(request.part), traceback.format_exc())

    def _read(self, request: Request) -> Answer:
        part = self.parts[request.part]
        indices, position = request.indices.tolist(), None
        if is_stream(part):
            samples, position = self._streamed(part, request)
        elif hasattr(part, "__getitems__") and not isinstance(part, Subset):
            some = f"fails at samples {indices[0]}, ..., {indices[-1]}"
            samples = self._once(some, request, lambda: part.__getitems__(indices))
        else:
            samples = _each(self._draws, request, part.__getitem__)
        if self.collate is None:
            some = f"samples {indices[0]}, ..., {indices[-1]} cannot be put together"
            with failing(lambda told: ArgumentError("", f"{some}: {told}")):
                inputs, targets = self._together(samples, indices)
        else:
            make = partial(self.collate, samples)
            batch = self._once("fails in its collate", request, make)
            inputs, targets = parted(batch, self.target_key)
            _check_batch(inputs, len(samples))
        _check_detached(inputs=inputs, targets=targets)
        self._check_classes(targets, indices)
        return inputs, targets, position

    def _together(self, samples: list[Any], indices: list[int]) -> tuple[Nested, Nested]:
        """Return inputs and targets of a batch of samples."""
        plain = all(type(one) is tuple and len(one) == 2 for one in samples)
        pairs = samples if plain else [parted(one, self.target_key) for one in samples]
        given, wanted = zip(*pairs, strict=True)
        inputs = collated(given, indices, "inputs")
        if all(one is None for one in wanted):
            return inputs, None
        return inputs, collated(wanted, indices, "targets")

    def _once(self, fails: str, request: Request, read: Callable[[], Any]) -> Any:
        """Return what is read at once, which draws from the first sample's seed."""
        with failing(lambda told: ArgumentError("", f"{fails} with {told}")):
            return self._draws.read([0], request.seeds[:1].tolist(), lambda _: read())[0]

    def _streamed(self, part: Any, request: Request) -> tuple[list[Any], Any]:
        if self._stream is None:
            self._stream = Stream(part)
        stream = self._stream
        with failing(lambda told: ArgumentError("", f"fails as a stream with {told}")):
            stream.go_to(int(request.indices[0]), request.position)
        samples = _each(Draws(ALL), request, lambda _: stream.read())  # which cannot read again
        return samples, stream.position()

    def _check_classes(self, targets: Nested, indices: list[int]) -> None:
        """Refuse a target that is no class, which a loss on an accelerator does not survive."""
        labels = isinstance(targets, Tensor) and targets.dtype == torch.int64 and targets.numel()
        if self.classes is None or not labels:
            return
        bad = (targets >= self.classes) | ((targets < 0) & (targets != IGNORED))
        if bad.any():
            where = bad.nonzero()[0]
            given = f"{int(targets[tuple(where)])} at sample {indices[int(where[0])]}"
            raise ArgumentError("targets", f"must lie in [0, {self.classes})", given)


class Stream:
    """Reads an iterable data set from one sample to the next, and behind its end from its start,
    as another epoch where it has `set_epoch`.

    What has `state_dict` and `load_state_dict`, as Hugging Face's streams do, can stand anywhere.
    """

    def __init__(self, part: Any) -> None:
        self._part = part
        self._begun: Iterator[Any] | None = None
        self._moved = False
        self._place = self._epoch = 0
        self._start = self._state()
        self._own = list(own_generators(part).values())
        self._stood = [one.state() for one in self._own]

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_begun": None}

    def go_to(self, place: int, position: Any) -> None:
        """Stand before the sample of a place.

        position: what `position` said there. Raises ValueError where the stream stands elsewhere
        and cannot go there.
        """
        if position is not None:
            self._begin(*position)
        elif place == 0:
            for one, stood in zip(self._own, self._stood, strict=True):
                one.restore(stood)
            self._begin(0, self._start)
        elif place != self._place:
            must = "must have state_dict and load_state_dict, to go on in the middle of a run"
            raise ArgumentError("", must)
        self._place = place

    def read(self) -> Any:
        """Return the next sample. Raises ValueError where there is none at all."""
        assert self._begun is not None
        try:
            found = next(self._begun)
        except StopIteration:
            self._begin(self._epoch + 1, self._start)
            try:
                found = next(self._begun)
            except StopIteration:
                raise ArgumentError("", "must give at least one sample", "none") from None
        self._place += 1
        return found

    def position(self) -> Any:
        """Return where the stream stands; None where it does not say so."""
        return (self._epoch, self._state()) if is_resumable(self._part) else None

    def _state(self) -> Any:
        return copy.deepcopy(self._part.state_dict()) if is_resumable(self._part) else None

    def _begin(self, epoch: int, state: Any) -> None:
        if epoch != self._epoch and hasattr(self._part, "set_epoch"):
            self._part.set_epoch(epoch)
        if is_resumable(self._part) and (self._moved or state is not self._start):
            self._part.load_state_dict(copy.deepcopy(state))
        self._begun, self._epoch, self._moved = iter(self._part), epoch, True


def is_stream(part: Any) -> bool:
    """Return whether a part of a data set only gives one sample after another."""
    return not hasattr(part, "__getitem__") or isinstance(part, IterableDataset)


def is_resumable(part: Any) -> bool:
    """Return whether a stream can say where it stands, and go there."""
    return hasattr(part, "state_dict") and hasattr(part, "load_state_dict")


def _each(draws: Draws, request: Request, read: Callable[[int], Any]) -> list[Any]:
    """Return what is read for each index, with its own seed."""
    with failing(lambda told: ArgumentError("", f"fails at sample {draws.at} with {told}")):
        return draws.read(request.indices.tolist(), request.seeds.tolist(), read)


def _check_detached(**parts: Nested) -> None:
    """Raise ValueError for what has a gradient, which no process can hand to another."""
    for name, value in parts.items():
        if any(isinstance(one, Tensor) and one.requires_grad for one in leaves(value)):
            must = "must be made without a gradient"
            raise ArgumentError(name, must, advice="with torch.no_grad(), or .detach() them")


def _check_batch(inputs: Nested, n: int) -> None:
    """Raise ValueError unless a person's own collate makes a batch of tensors."""
    given = first(inputs)
    if not isinstance(given, Tensor) or given.ndim == 0 or len(given) != n:
        kind = described(given) if isinstance(given, Tensor) else type(given).__name__
        raise ArgumentError("collate", f"must give tensors of {n} rows, as of samples", kind)
