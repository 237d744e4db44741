"""What a task is: what outputs and targets must be, the loss that training makes small, metrics."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from runner.training.data import Batch, Dataset, Part, kinds
from runner.training.measures import Measure
from runner.training.nested import Nested, applied, first
from schedules.errors import ArgumentError

Loss = Callable[..., Tensor]  # outputs, targets -> the mean, a scalar


@dataclass(frozen=True)
class Task:
    """A loss and metrics.

    loss: outputs, targets -> their mean. measures: by the metrics' names. metric: the name of what
    says which of two runs is better.
    """

    loss: Loss = functional.cross_entropy
    measures: Mapping[str, Measure] = field(default_factory=dict)
    metric: str = "loss"

    name: ClassVar[str] = ""
    keys: ClassVar[tuple[str, ...]] = ()  # of a configuration, beside loss, metrics and metric
    takes: ClassVar[str] = ""  # what targets must be
    gives: ClassVar[str] = "scores"  # what a model returns

    @property
    def brings_loss(self) -> bool:
        """Whether the model returns the loss."""
        return False

    def check(self, data: Dataset) -> None:
        """Raise ValueError for targets that it cannot take."""

    def size(self, data: Dataset) -> int:
        """Return how many outputs a model has for each target."""
        raise NotImplementedError

    def shapes(self, targets: Nested, data: Dataset) -> tuple[tuple[int, ...], ...]:
        """Return the shapes that outputs for targets may have; none where it may be any."""
        return ((*targets.shape, self.size(data)),)

    def guess(self, data: Dataset) -> float:
        """Return the loss of who only guesses, infinite where it is not known."""
        return math.inf

    def of(self, data: Dataset) -> "Task":
        """Return the task with what it takes from the training data."""
        return self

    def forward(self, model: nn.Module, batch: Batch) -> Any:
        """Return a model's outputs for a batch, real ones in float32 at least."""
        outputs = applied(model, batch[0])
        if not isinstance(outputs, Tensor) or outputs.is_complex():
            return outputs
        return outputs if outputs.dtype == torch.float64 else outputs.float()

    def pair(self, outputs: Any, targets: Any) -> tuple[Any, Any]:
        """Return outputs and targets as the loss takes them."""
        return outputs, targets

    def real(self, outputs: Any, targets: Any) -> tuple[Any, Any]:
        """Return outputs and targets as metrics take them: without padding, in the data's unit."""
        return self.pair(outputs, targets)

    def mean(self, outputs: Any, targets: Nested) -> Tensor:
        """Return the mean loss of a batch."""
        return self.loss(*self.pair(outputs, targets))

    def weight(self, batch: Batch) -> Tensor | float:
        """Return over how much the loss of a batch is a mean: its samples."""
        return len(first(batch[0]))

    def samples(self, split: Part) -> int:
        """Return how many samples of a duration a split has."""
        return len(split)

    def to(self, device: torch.device) -> "Task":
        """Return the task with its own tensors on a device."""
        for part in (self.loss, *self.measures.values()):
            if isinstance(part, nn.Module):
                part.to(device)
        if not isinstance(self.loss, partial):
            return self
        given = {
            name: one.to(device) if isinstance(one, Tensor) else one
            for name, one in self.loss.keywords.items()
        }
        return replace(self, loss=partial(self.loss.func, *self.loss.args, **given))

    def _unfit(self, data: Dataset, advice: str | None = None) -> ArgumentError:
        """Return what to say of targets that it cannot take."""
        targets = data.train.targets
        given = "none" if targets is None else kinds(targets)
        must = f"must be {self.takes} with task={self.name}"
        return ArgumentError("targets", must, given, advice)

    def _check_whole(self, data: Dataset, ndim: int, ignored: float = math.inf) -> None:
        """Raise ValueError unless targets are whole numbers that stand for classes."""
        targets = data.train.targets
        if not isinstance(targets, Tensor) or targets.ndim != ndim:
            raise self._unfit(data)
        if targets.dtype != torch.int64:
            whole = not (targets.is_floating_point() or targets.is_complex())
            raise self._unfit(data, "targets.long() makes them so" if whole else None)
        if data.classes is None:
            must = f"must be the number of classes, or of different tokens, with task={self.name}"
            raise ArgumentError("classes", must, "none")
        for name in ("train", "val", "test"):
            split = getattr(data, name)
            kept = split.targets
            if math.isfinite(ignored):
                kept = kept[kept != ignored]
            if not kept.numel():
                seen_in_part = split is data.train and data.is_stream
                if seen_in_part or len(split.targets) < len(split):
                    continue
                raise ArgumentError(f"{name}'s targets", "must hold one that is no padding", "none")
            low, high = int(kept.min()), int(kept.max())
            if low < 0 or high >= (data.classes or 0):
                must = f"must lie in [0, {data.classes})"
                raise ArgumentError(f"{name}'s targets", must, f"{low} to {high}")
