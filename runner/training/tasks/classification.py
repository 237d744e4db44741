"""Classification: which of several classes a sample belongs to."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from runner.training.data import Batch, Dataset
from runner.training.measures import Accuracy, Measure
from runner.training.nested import Nested
from runner.training.tasks.task import Task
from runner.training.tasks.weighing import counted, given, of_classes


@dataclass(frozen=True)
class Classification(Task):
    """Scores (n, classes) for labels (n,) of int64 in [0, classes)."""

    measures: Mapping[str, Measure] = field(default_factory=lambda: {"accuracy": Accuracy()})
    metric: str = "accuracy"

    name = "classification"
    takes = "(n,) of int64"

    def check(self, data: Dataset) -> None:
        """Raise ValueError for targets that are no labels."""
        targets = data.train.targets
        columns = isinstance(targets, Tensor) and targets.ndim == 2 and not targets.is_complex()
        if columns and targets.shape[1] == 1 and not targets.is_floating_point():
            raise self._unfit(data, "targets[:, 0].long() makes them so")
        if columns and _is_one_hot(targets):
            raise self._unfit(data, "targets.argmax(1) makes labels of one-hot targets")
        self._check_whole(data, ndim=1)

    def size(self, data: Dataset) -> int:
        """Return the number of classes."""
        return data.classes or 1

    def guess(self, data: Dataset) -> float:
        """Return the cross-entropy of equal scores."""
        plain = getattr(self.loss, "func", self.loss) is functional.cross_entropy
        return math.log(self.size(data)) if plain and not given(self.loss) else math.inf

    @property
    def counts(self) -> bool:
        """Whether targets may count for more or less than one, or for nothing."""
        return of_classes(self.loss) and not {"weight", "ignore_index"}.isdisjoint(given(self.loss))

    def mean(self, outputs: Any, targets: Nested) -> Tensor:
        """Return the mean loss of a batch; 0 of one in which nothing counts."""
        found = super().mean(outputs, targets)
        if not self.counts or not isinstance(found, Tensor):
            return found
        return torch.where(counted(self.loss, targets) > 0, found, torch.zeros_like(found))

    def weight(self, batch: Batch) -> Tensor | float:
        """Return the number of samples, or the sum of their classes' weights."""
        return counted(self.loss, batch[1]) if self.counts else super().weight(batch)


def _is_one_hot(targets: Tensor) -> bool:
    """Return whether each row has one 1 among zeros."""
    return bool(((targets == 0) | (targets == 1)).all() and (targets.sum(1) == 1).all())
