"""Outputs and targets of any kind, or a model that returns its own loss."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from runner.training.data import Batch, Dataset
from runner.training.nested import Nested, applied, mapped
from runner.training.tasks.task import Loss, Task
from runner.training.tasks.weighing import counted, of_classes


def _returned(outputs: Any, targets: Any) -> Any:
    """Return the loss that a model has returned."""
    return outputs


@dataclass(frozen=True)
class Own(Task):
    """Outputs and targets of any kind, tensors or tuples, lists or dicts of such, for a loss of
    both, and for metrics of all of them.

    Without a loss, a model that returns its own: of the inputs and, where there are any, of targets
    behind them. It is a scalar, or `loss` of what it returns, as Hugging Face's models have it.
    """

    loss: Loss = _returned

    name = "none"
    takes = "whatever the model takes"

    @property
    def brings_loss(self) -> bool:
        """Whether the model returns the loss."""
        return self.loss is _returned

    def size(self, data: Dataset) -> int:
        """Return the number of classes, where there are such."""
        return data.classes or 1

    def shapes(self, targets: Nested, data: Dataset) -> tuple[tuple[int, ...], ...]:
        """Return the shape of a loss; none where outputs may have any."""
        return ((),) if self.brings_loss else ()

    def forward(self, model: nn.Module, batch: Batch) -> Any:
        """Return a model's own loss, or its outputs, in float32."""
        if not self.brings_loss:
            return mapped(_single, applied(model, batch[0]))
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

    def weight(self, batch: Batch) -> Tensor | float:
        """Return the number of samples; of what torch's losses of classes count, where it is one of
        these."""
        targets = batch[1]
        labels = isinstance(targets, Tensor) and not targets.is_floating_point()
        return (
            counted(self.loss, targets)
            if labels and of_classes(self.loss)
            else super().weight(batch)
        )


def _single(output: Any) -> Any:
    """Return a tensor of shorter floating-point numbers as float32."""
    short = isinstance(output, Tensor) and output.dtype in (torch.float16, torch.bfloat16)
    return output.float() if short else output


def own_loss(returned: Any) -> Any:
    """Return the loss of what a model returns that brings its own."""
    if isinstance(returned, Mapping) and "loss" in returned:
        returned = returned["loss"]
    elif not isinstance(returned, Tensor) and hasattr(returned, "loss"):
        returned = returned.loss
    return returned.float() if isinstance(returned, Tensor) else returned
