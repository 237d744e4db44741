"""Whether a model, a loss and metrics fit data, each tried on a few samples."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from runner.culprit import failing
from runner.training.data import Batch, Dataset, Part
from runner.training.evaluation import EVAL_BATCH, copied, number_of
from runner.training.groups import set_training
from runner.training.measures import Measure
from runner.training.nested import Nested, described, first, leaves, mapped
from runner.training.tasks import Task, own_loss
from schedules.errors import ArgumentError

SAMPLES = 2  # that a model is tried with
ONE_LOSS = "a loss, one number"
SAME = 1e-4  # relative, between a sum of samples and one of the same twice
MOST_NUMBERS = 10_000_000  # of outputs that are made up for a metric


def check_model(
    model: nn.Module, task: Task, data: Dataset | None, split: Part | None, samples: int = SAMPLES
) -> tuple[Any, Nested]:
    """Return what a model gives for so many samples of a split, and their targets.

    Raises ValueError unless it takes the data and returns what the loss needs, and the loss takes
    that.
    """
    model.eval()
    try:
        with torch.no_grad():
            if data is None or split is None:
                with _failing("model", "must take no input"):
                    outputs = own_loss(model())
                check_outputs(outputs, ((),), ONE_LOSS)
                return outputs, None
            batch = split.few(samples)
            takes = f"must take input of shape {described(split.inputs, batch='batch')}"
            if task.brings_loss and split.targets is not None:
                takes += f", targets {described(split.targets, batch='batch')} behind it, and"
                takes += " return its loss, as there is no task.loss"
            with _failing("model", takes):
                outputs = task.forward(model, batch)
            check_outputs(outputs, *wanted(task, batch[1], data, samples))
            _check_loss(task, outputs, batch, samples)
            return outputs, batch[1]
    finally:
        set_training(model)


def check_outputs(
    outputs: object, shapes: tuple[tuple[int, ...], ...], what: str, where: str = ""
) -> None:
    """Raise ValueError unless outputs are a tensor of real numbers of one of some shapes; without
    shapes they may be anything.

    what: outputs are. where: they are returned, if not everywhere.
    """
    must = f"must return {what}{where}"
    if not shapes:
        return
    if not isinstance(outputs, Tensor) or tuple(outputs.shape) not in shapes:
        raise ArgumentError("model", must, kind_of(outputs))
    if outputs.is_complex():
        raise ArgumentError("model", must, f"complex numbers, {outputs.dtype}")


def wanted(
    task: Task, targets: Any, data: Dataset, samples: int
) -> tuple[tuple[tuple[int, ...], ...], str]:
    """Return the shapes that outputs for the targets of some samples may have, and the words."""
    shapes = task.shapes(targets, data)
    if shapes == ((),):
        return shapes, ONE_LOSS
    several = f"{samples} sample{'' if samples == 1 else 's'}"
    return shapes, f"{task.gives} of shape {' or '.join(map(str, shapes))} for {several}"


def check_measures(task: Task, split: Part, outputs: Nested, targets: Nested) -> None:
    """Raise ValueError where a metric fails.

    It gets all of a split's targets, as it may need each class among them; where they must be read,
    many at first and all where it fails with these. One that fails with a part is left to the first
    evaluation. outputs, targets: of some of its samples, the outputs repeated for the others.
    """
    for most in (EVAL_BATCH, len(split)):
        pair, whole = _made_up(task, split, outputs, targets, most)
        try:
            for name, measure in task.measures.items():
                _check_measure(name, measure, *map(copied, pair))
            return
        except _FailsWithThese:
            if whole:
                raise


class _FailsWithThese(ArgumentError):
    """A metric that fails, maybe as it lacks some targets."""


def _made_up(
    task: Task, split: Part, outputs: Nested, targets: Nested, most: int
) -> tuple[tuple[Any, Any], bool]:
    """Return what metrics take for so many samples of a split, and whether these are all."""
    have = len(first(outputs))
    if (known := split.known_targets(most)) is not None:
        numbers = sum(one.numel() for one in leaves(outputs))
        held = max(1, MOST_NUMBERS * have // max(1, numbers))
        targets = mapped(lambda one: one[:held], known)
    count = have if targets is None else len(first(targets))
    repeated = torch.arange(count).remainder(have)
    rows = mapped(lambda one: one[repeated.to(one.device)], outputs)
    return task.real(rows, targets), count >= len(split)


def kind_of(value: object) -> str:
    """Return the shapes of tensors, and the type of what holds none.

    >>> kind_of(torch.zeros(2, 3)), kind_of(None)
    ('(2, 3)', 'NoneType')
    """
    if isinstance(value, Mapping) and value and all(map(_is_tensor, leaves(value))):
        return described(value)
    return f"{tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def check_mean(value: object) -> None:
    """Raise ValueError unless a loss is one real number, in a tensor."""
    if not isinstance(value, Tensor) or value.ndim or value.is_complex():
        given = (
            "a complex number" if isinstance(value, Tensor) and not value.ndim else kind_of(value)
        )
        raise ArgumentError("task.loss", "must return the mean over the samples", given)


def takes(outputs: object, targets: object) -> str:
    """Return what a loss or a metric must take.

    >>> takes(torch.zeros(2, 3), torch.zeros(2))
    'must take outputs (2, 3) and targets (2,)'
    """
    return f"must take outputs {kind_of(outputs)} and targets {kind_of(targets)}"


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


def _failing(key: str, must: str) -> AbstractContextManager[None]:
    return failing(lambda told: ArgumentError(key, must, advice=f"it fails with {told}"))


def _check_loss(task: Task, outputs: Any, batch: Batch, samples: int) -> None:
    """Raise ValueError unless a loss is one number, and no sum: of the same samples twice and three
    times it would be so much more."""
    if task.brings_loss:
        check_mean(outputs)
        return
    values = []
    with _failing("task.loss", takes(*task.pair(outputs, batch[1]))):
        for times in (1, 2, 3):
            pair = (_repeated(copied(one), samples, times) for one in (outputs, batch[1]))
            values.append(task.mean(*pair))
            check_mean(values[-1])
    once, *more = map(number_of, values)
    if once and all(math.isclose(one, n * once, rel_tol=SAME) for n, one in enumerate(more, 2)):
        raise ArgumentError("task.loss", "must return the mean over the samples", "their sum")


def _repeated(value: Nested, samples: int, times: int) -> Nested:
    """Return all rows of so many samples several times."""

    def several(one: Any) -> Any:
        rows = isinstance(one, Tensor) and one.ndim > 0 and len(one) == samples
        return torch.cat([one] * times) if rows else one

    return mapped(several, value)


def _check_measure(name: str, measure: Measure, outputs: Nested, targets: Nested) -> None:
    key, must = f"task.metrics.{name}", takes(outputs, targets)
    with failing(lambda told: _FailsWithThese(key, must, advice=f"it fails with {told}")):
        measure.reset()
        measure.update(outputs, targets)
        value = measure.compute()
    number = isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex()
    if not number and not isinstance(value, int | float):
        raise ArgumentError(key, "must return one number", kind_of(value))
    number_of(value)
