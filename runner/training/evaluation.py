"""A model's metrics on a whole split."""

import re
from typing import Any

import torch
from torch import Tensor, nn

from runner.training.data import Part
from runner.training.devices import autocast, seed
from runner.training.groups import set_training
from runner.training.losses import batch_loss, total_loss
from runner.training.measures import exact
from runner.training.nested import Nested, mapped
from runner.training.tasks import Task
from schedules.errors import ArgumentError

EVAL_BATCH = 250  # samples; 1000 take 200 MB more
_NO_KEY = re.compile(r"[^\w/. :-]")  # what a metric's name may not hold


@torch.no_grad()
def evaluate(
    model: nn.Module, task: Task, split: Part | None, precision: str, drawn: int = 0
) -> dict[str, float]:
    """Return the mean of the loss and each metric over a split; without data the model's own `loss`
    and each scalar weight as `param/NAME`.

    Evaluates in the given precision and leaves the model in training mode. drawn: the seed of what
    model, loss and metrics draw.
    """
    device = next(model.parameters()).device
    seed(drawn, device)
    model.eval()
    try:
        if split is None:
            return {"loss": batch_loss(model, task, None).item()} | _scalars(model)
        for measure in task.measures.values():
            measure.reset()
        total = exact(torch.zeros((), device=device))
        weight: Tensor | float = 0
        for batch in split.batches(EVAL_BATCH):
            with autocast(precision, device):
                outputs = task.forward(model, batch)
            total += total_loss(task, copied(outputs), (batch[0], copied(batch[1])))
            counted = task.weight(batch)
            weight = weight + (exact(counted) if isinstance(counted, Tensor) else counted)
            for measure in task.measures.values():
                measure.update(*map(copied, task.real(outputs, batch[1])))
        if not weight:
            raise ArgumentError("targets", "must hold one that counts in the loss", "none")
        metrics = {name: number_of(one.compute()) for name, one in task.measures.items()}
        for measure in task.measures.values():
            measure.reset()  # it may hold the outputs of a whole split
        return {"loss": total.item() / number_of(weight)} | metrics
    finally:
        set_training(model)


def number_of(value: Any) -> float:
    """Return a number, or a tensor of one, as a float."""
    return float(value.item() if isinstance(value, Tensor) else value)


def copied(value: Nested) -> Nested:
    """Return tensors that a loss or a measure may change."""
    return mapped(lambda one: one.clone() if isinstance(one, Tensor) else one, value)


def _scalars(model: nn.Module) -> dict[str, float]:
    return {
        f"param/{_NO_KEY.sub('_', name)}": p.item()
        for name, p in model.named_parameters()
        if p.ndim == 0
    }
