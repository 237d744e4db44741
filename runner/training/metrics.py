"""How metrics beside the loss are computed; what is known of them stands in results/metrics.py."""

from collections.abc import Callable

from torch import Tensor

Measure = Callable[[Tensor, Tensor], Tensor]  # outputs, targets -> the sum over the samples


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return how many of the labels (n,) have the highest of the scores (n, classes)."""
    return (outputs.argmax(dim=1) == targets).sum()


MEASURES: dict[str, Measure] = {"accuracy": accuracy}
