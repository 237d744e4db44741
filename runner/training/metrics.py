"""How metrics are computed; what is known of them stands in runner/results/metrics.py."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

Measure = Callable[[Tensor, Tensor], Tensor]  # outputs, targets -> the sum over the samples


def loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the sum of the cross-entropies of scores (n, classes) and labels (n,)."""
    return functional.cross_entropy(outputs, targets, reduction="sum")


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return how many of the labels (n,) have the highest of the scores (n, classes)."""
    return (outputs.argmax(dim=1) == targets).sum()


MEASURES: dict[str, Measure] = {"loss": loss, "accuracy": accuracy}
