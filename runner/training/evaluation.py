"""A model's metrics on a whole split."""

import re
from contextlib import AbstractContextManager
from functools import partial

import torch
from torch import Tensor, nn

from runner.culprit import failing
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
    chosen = torch.tensor([0, -1]) if samples == 2 else torch.arange(samples)
    takes = f"must take {'no input' if split is None else f'input of shape {_shape(split)}'}"
    model.eval()
    try:
        with torch.no_grad(), _failing("model", takes):
            outputs = model() if split is None else model(split.batch(chosen)[0])
    finally:
        set_training(model)
    check_scores(outputs, () if split is None else (samples, classes), f"must return {what}")
    if split is not None:
        targets = split.batch(chosen)[1]
        _check_loss(loss, outputs.float(), targets)
        for one in known():
            if one.measure is not None:
                _check_measure(one.name, one.measure, outputs.float(), targets)


def check_scores(outputs: object, shape: tuple[int, ...], must: str) -> None:
    """Raise ValueError unless outputs are a tensor of real numbers of a shape."""
    if not isinstance(outputs, Tensor) or tuple(outputs.shape) != shape:
        raise ArgumentError("model", must, kind_of(outputs))
    if outputs.is_complex():
        raise ArgumentError("model", must, f"complex numbers, {outputs.dtype}")


def kind_of(value: object) -> str:
    """Return a tensor's shape, and the type of what is none.

    >>> kind_of(torch.zeros(2, 3)), kind_of(None)
    ('(2, 3)', 'NoneType')
    """
    return f"{tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _failing(key: str, must: str) -> AbstractContextManager[None]:
    return failing(lambda told: ArgumentError(key, must, advice=f"it fails with {told}"))


def _check_loss(loss: Loss, outputs: Tensor, targets: Tensor) -> None:
    takes = f"must take scores {tuple(outputs.shape)} and labels {tuple(targets.shape)}"
    with _failing("task.loss", takes):
        value = loss(outputs, targets)
    check_mean(value)


def _check_measure(name: str, measure: Measure, outputs: Tensor, targets: Tensor) -> None:
    takes = f"must take scores {tuple(outputs.shape)} and labels {tuple(targets.shape)}"
    with _failing(f"the metric {name}", takes):
        value = measure(outputs.clone(), targets.clone())
    number = isinstance(value, Tensor) and not value.ndim and not value.is_complex()
    if not number and not isinstance(value, int | float):
        raise ArgumentError(f"the metric {name}", "must return one number", kind_of(value))


def check_mean(value: object) -> None:
    """Raise ValueError unless a loss is one real number, in a tensor."""
    if not isinstance(value, Tensor) or value.ndim or value.is_complex():
        given = (
            "a complex number" if isinstance(value, Tensor) and not value.ndim else kind_of(value)
        )
        raise ArgumentError("task.loss", "must return the mean over the samples", given)


def _shape(split: Split) -> str:
    return f"(batch, {', '.join(map(str, split.inputs.shape[1:]))})"
