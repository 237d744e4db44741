"""The loss of a batch: its mean, which training makes small, and its sum."""

from typing import Any

from torch import Tensor, nn

from runner.training.data import Batch
from runner.training.tasks import Task, own_loss


def batch_loss(model: nn.Module, task: Task, batch: Batch | None) -> Tensor:
    """Return the mean loss of a batch, or the model's own loss where there is none."""
    if batch is None:
        own: Tensor = own_loss(model())
        return own
    return task.mean(task.forward(model, batch), batch[1])


def total_loss(task: Task, outputs: Any, batch: Batch) -> Tensor:
    """Return the sum of what the loss is a mean of.

    outputs: of a model for the batch.
    """
    return task.mean(outputs, batch[1]) * task.weight(batch)
