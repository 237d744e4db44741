"""Measures: what makes a metric of the outputs and targets of a whole split, batch by batch.

A measure of a person's own, or of torchmetrics, has `update(outputs, targets)`, `compute()` and
`reset()`, too; a function of all outputs and targets becomes one by `Whole`.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional

from runner.results.metrics import MAXIMIZE, MINIMIZE
from runner.training.nested import Nested, joined


@runtime_checkable
class Measure(Protocol):
    """Hears every batch of a split, then knows a number."""

    def reset(self) -> None:
        """Forget what was heard."""

    def update(self, outputs: Any, targets: Any) -> None:
        """Take a batch."""

    def compute(self) -> Any:
        """Return the number for all batches."""


def exact(tensor: Tensor) -> Tensor:
    """Return numbers in the widest type that their device has."""
    return tensor.float() if tensor.device.type == "mps" else tensor.double()


class _Mean:
    """The mean of something over samples."""

    direction, percent = MINIMIZE, False

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self.total: Any = 0.0
        self.count = 0

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Take a batch."""
        each = self.each(outputs, targets)
        self.total = self.total + exact(each).sum()
        self.count += each.numel()

    def compute(self) -> float:
        """Return the mean over all batches."""
        return float(self.total) / self.count if self.count else math.nan

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return what it is the mean of."""
        raise NotImplementedError


class Accuracy(_Mean):
    """The share of labels (n,) that are among the k highest of the scores (n, classes).

    >>> measure = Accuracy()
    >>> measure.update(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
    >>> measure.compute()
    0.5
    """

    direction, percent = MAXIMIZE, True

    def __init__(self, k: int = 1) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        self.k = k
        super().__init__()

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return whether each label is among them."""
        if self.k == 1:
            return outputs.argmax(1) == targets
        k = min(self.k, outputs.shape[1])
        return (outputs.topk(k, dim=1).indices == targets[:, None]).any(1)


class Perplexity(_Mean):
    """e to the mean cross-entropy of labels (n,) under scores (n, classes): of that many equally
    likely tokens the next one is drawn.

    >>> measure = Perplexity()
    >>> measure.update(torch.zeros(3, 4), torch.tensor([0, 1, 2]))
    >>> round(measure.compute(), 6)
    4.0
    """

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return each cross-entropy."""
        return functional.cross_entropy(outputs, targets, reduction="none")

    def compute(self) -> float:
        """Return the perplexity over all batches."""
        mean = super().compute()
        return math.inf if mean > 700 else math.exp(mean)


class MAE(_Mean):
    """The mean absolute error, in the targets' unit."""

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return each error."""
        return (exact(outputs) - exact(targets)).abs()


class RMSE(_Mean):
    """The root of the mean squared error, in the targets' unit.

    >>> measure = RMSE()
    >>> measure.update(torch.tensor([3.0, 4.0]), torch.zeros(2))
    >>> measure.compute() == 12.5**0.5
    True
    """

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return each squared error."""
        return (exact(outputs) - exact(targets)).square()

    def compute(self) -> float:
        """Return the error over all batches."""
        return math.sqrt(super().compute())


class R2:
    """The share of the targets' variance that the outputs explain, the mean over columns.

    As scikit-learn's r2_score: 1 is exact, 0 as good as the mean; of a column that is constant, 1
    where it is met and else 0. The variance is merged batch by batch
    (Chan, Golub and LeVeque 1979).
    """

    direction, percent = MAXIMIZE, False

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self.count = 0
        self.mean: Any = 0.0
        self.spread: Any = 0.0
        self.error: Any = 0.0

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Take a batch."""
        real, n = exact(targets), len(targets)
        mean = real.mean(0)
        away, total = mean - self.mean, self.count + n
        self.spread = (
            (real - mean).square().sum(0) + self.spread + away**2 * (self.count * n / total)
        )
        self.mean = self.mean + away * (n / total)
        self.error = (exact(outputs) - real).square().sum(0) + self.error
        self.count = total

    def compute(self) -> float:
        """Return the share over all batches."""
        if not self.count:
            return math.nan
        constant = self.spread == 0
        share = 1 - self.error / torch.where(constant, torch.ones_like(self.spread), self.spread)
        met = (self.error == 0).to(share.dtype)
        return float(torch.where(constant, met, share).mean())


class Whole:
    """A function of all outputs and targets of a split: tensors, or tuples or dicts of such.

    >>> measure = Whole(lambda outputs, targets: (outputs - targets).max())
    >>> for i in range(2):
    ...     measure.update(torch.full((2,), float(i)), torch.zeros(2))
    >>> measure.compute().item()
    1.0
    """

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function = function
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self.outputs: list[Nested] = []
        self.targets: list[Nested] = []

    def update(self, outputs: Nested, targets: Nested) -> None:
        """Keep a batch."""
        self.outputs.append(outputs)
        self.targets.append(targets)

    def compute(self) -> Any:
        """Return what the function makes of all batches."""
        return self.function(joined(self.outputs), joined(self.targets))
