"""A model's metrics on a whole split."""

import re
from functools import partial

import torch
from torch import Tensor, nn

from runner.culprit import FAILURES, told
from runner.errors import out_of_memory
from runner.results.metrics import Measure, known
from runner.training.data import Split
from runner.training.devices import autocast
from runner.training.groups import set_training
from runner.training.losses import Loss, batch_loss, total_loss
from schedules.errors import ArgumentError

EVAL_BATCH = 250  # samples; 1000 take 200 MB more
_NO_KEY = re.compile(r"[^\w/. :-]")  # what a metric's name may not hold


@torch.no_grad()
def evaluate(model: nn.Module, loss: Loss, split: Split | None, precision: str) -> dict[str, float]:
    """Return the mean of the loss and of each metric over a split; without data the model's own
    `loss` and each scalar weight as `param/NAME`.

    Evaluates in the given precision and leaves the model in training mode.
    """
    device = next(model.parameters()).device
    dtype = torch.float32 if device.type == "mps" else torch.float64  # which mps lacks
    model.eval()
    try:
        if split is None:
            scalars = {
                f"param/{_NO_KEY.sub('_', name)}": p.item()
                for name, p in model.named_parameters()
                if p.ndim == 0
            }
            return {"loss": batch_loss(model, loss, None).item()} | scalars
        measures: dict[str, Measure] = {"loss": partial(total_loss, loss)}
        measures |= {one.name: one.measure for one in reversed(known()) if one.measure}
        sums = {name: torch.zeros((), dtype=dtype, device=device) for name in measures}
        for start in range(0, len(split), EVAL_BATCH):
            inputs, targets = split.batch(slice(start, start + EVAL_BATCH))
            with autocast(precision, device):
                outputs = model(inputs).float()
            for name, measure in measures.items():
                sums[name] += measure(outputs.clone(), targets.clone())
        return {name: total.item() / len(split) for name, total in sums.items()}
    finally:
        set_training(model)


def check_outputs(
    model: nn.Module, loss: Loss, split: Split | None, classes: int, samples: int = 2
) -> None:
    """Raise ValueError unless the model takes the data and returns what the loss needs, and the
    loss takes that."""
    several = f"{samples} sample{'' if samples == 1 else 's'}"
    scores = f"scores of shape ({samples}, {classes}) for {several}"
    what = "a loss, one number" if split is None else scores
    chosen = torch.tensor([0, -1][:samples])
    model.eval()
    try:
        with torch.no_grad():
            outputs = model() if split is None else model(split.batch(chosen)[0])
    except FAILURES as error:
        if out_of_memory(error):
            raise
        shape = "no input" if split is None else f"input of shape {_shape(split)}"
        advice = f"it fails with {told(error)}"
        raise ArgumentError("model", f"must take {shape}", advice=advice) from error
    finally:
        set_training(model)
    expected = () if split is None else (samples, classes)
    if not isinstance(outputs, Tensor) or tuple(outputs.shape) != expected:
        given = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise ArgumentError("model", f"must return {what}", f"{given}")
    if split is not None:
        _check_loss(loss, outputs.float(), split.batch(chosen)[1])


def _check_loss(loss: Loss, outputs: Tensor, targets: Tensor) -> None:
    try:
        value = loss(outputs, targets)
    except FAILURES as error:
        takes = f"must take scores {tuple(outputs.shape)} and labels {tuple(targets.shape)}"
        advice = f"it fails with {told(error)}"
        raise ArgumentError("task.loss", takes, advice=advice) from error
    if not isinstance(value, Tensor) or value.ndim:
        given = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ArgumentError("task.loss", "must return the mean over the samples", f"{given}")


def _shape(split: Split) -> str:
    return f"(batch, {', '.join(map(str, split.inputs.shape[1:]))})"
