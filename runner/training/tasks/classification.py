"""Classification: which of several classes a sample belongs to."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from runner.training.data import Batch, Dataset
from runner.training.measures import Accuracy, Measure
from runner.training.tasks.task import Loss, Task


@dataclass(frozen=True)
class Classification(Task):
    """Scores (n, classes) for labels (n,) of int64 in [0, classes)."""

    measures: Mapping[str, Measure] = field(default_factory=lambda: {"accuracy": Accuracy()})
    metric: str = "accuracy"

    name = "classification"
    takes = "(n,) of int64"

    def check(self, data: Dataset) -> None:
        """Raise ValueError for targets that are no labels."""
        self._check_whole(data, ndim=1)

    def size(self, data: Dataset) -> int:
        """Return the number of classes."""
        return data.classes or 1

    def guess(self, data: Dataset) -> float:
        """Return the cross-entropy of equal scores."""
        plain = getattr(self.loss, "func", self.loss) is functional.cross_entropy
        return math.log(self.size(data)) if plain and not given(self.loss) else math.inf

    def weight(self, batch: Batch) -> Tensor | float:
        """Return the number of samples, or the sum of their classes' weights."""
        weights = class_weights(self.loss)
        return super().weight(batch) if weights is None else weights[batch[1]].sum()


def given(loss: Loss) -> dict[str, object]:
    """Return the arguments that a function was given beforehand."""
    return loss.keywords if isinstance(loss, partial) else {}


def class_weights(loss: Loss) -> Tensor | None:
    """Return the weights of the classes, over whose sum torch's losses are a mean.

    >>> class_weights(nn.CrossEntropyLoss()) is None
    True
    """
    found = loss.weight if isinstance(loss, nn.Module) else given(loss).get("weight")
    return found if isinstance(found, Tensor) else None
