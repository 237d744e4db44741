"""A model that returns its own loss."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from runner.training.data import Batch, Dataset
from runner.training.nested import Nested, applied
from runner.training.tasks.task import Loss, Task


@dataclass(frozen=True)
class Own(Task):
    """A model that returns its own loss: of the inputs and, where there are any, of targets behind
    them. It is a scalar, or `loss` of what it returns, as Hugging Face's models have it."""

    loss: Loss = lambda outputs, targets: outputs

    name = "none"
    takes = "whatever the model takes"

    def size(self, data: Dataset) -> int:
        """Return the number of classes, where there are such."""
        return data.classes or 1

    def shapes(self, targets: Nested, data: Dataset) -> tuple[tuple[int, ...], ...]:
        """Return the shape of a loss."""
        return ((),)

    def forward(self, model: nn.Module, batch: Batch) -> Any:
        """Return a model's own loss."""
        inputs, targets = batch
        if targets is None:
            found = applied(model, inputs)
        elif isinstance(inputs, Mapping):
            more = targets if isinstance(targets, Mapping) else {"targets": targets}
            found = model(**inputs, **more)
        else:
            several = (tuple, list)
            both = (one if isinstance(one, several) else (one,) for one in (inputs, targets))
            found = model(*(part for one in both for part in one))
        return own_loss(found)


def own_loss(returned: Any) -> Any:
    """Return the loss of what a model returns that brings its own."""
    if isinstance(returned, Mapping) and "loss" in returned:
        returned = returned["loss"]
    elif not isinstance(returned, Tensor) and hasattr(returned, "loss"):
        returned = returned.loss
    return returned.float() if isinstance(returned, Tensor) else returned
