"""One update before anything is created: what a person's own model, loss, clipping or optimizer
does wrong in training shows here."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from runner.culprit import failing
from runner.training.data import Augment, Batch, Dataset, Part
from runner.training.devices import kept_generators
from runner.training.evaluation import EVAL_BATCH
from runner.training.fit import (
    ONE_LOSS,
    check_mean,
    check_measures,
    check_model,
    check_outputs,
    kind_of,
    takes,
)
from runner.training.groups import set_training
from runner.training.loop import Loop
from runner.training.nested import described, first, leaves
from runner.training.optimizers import set_mode
from runner.training.source import Unreadable
from runner.training.state import State
from runner.training.tasks import own_loss
from runner.trial import Trial
from schedules.errors import ArgumentError


def rehearse(state: State, trial: Trial, data: Dataset | None) -> None:
    """Make the first update, and that of an epoch's last batch where it is a shorter one. The state
    is spoiled by it; random generators are as before.

    Also evaluates the largest batch of an evaluation, and one sample, where the last batch is one.
    Raises ArgumentError where something fails.
    """
    try:
        _rehearse(state, trial, data)
    finally:
        if data is not None:
            data.close()


def _rehearse(state: State, trial: Trial, data: Dataset | None) -> None:
    model, task = state.model, state.task
    if data is not None and data.augment is not None:
        data = replace(data, augment=_watched(data.augment))
    loop = Loop(state, trial, data)
    watch = _Watch(state, data)
    watch.listen(loop)
    set_training(model)
    set_mode(state.optimizer, "train")
    with kept_generators(loop.device):
        for t in _updates(trial, data):
            try:
                watch.update(loop, trial, t)
            except ArgumentError as error:
                size = watch.size
                if t == 0 or data is None or isinstance(error, Unreadable):
                    raise
                samples = "one sample" if size == 1 else f"{size} samples"
                has = f"has {samples} of {len(data.train)}, with which {error.where} {error.must}"
                advice = "choose another train.batch_size, or train.drop_last=true"
                advice = f"{error.advice}; {advice}" if error.advice else advice
                raise ArgumentError("the last batch", has, error.given, advice) from error
        if data is not None:
            for split, count in _evaluated(data):
                checked = check_model(model, task, data, split, count)
            if task.measures:
                for split in (data.val, data.test):
                    check_measures(task, split, *checked)


def rehearse_keeping(model: nn.Module, *, back: bool) -> None:
    """Take a model's state as it is kept; where it is to come back, put it back.

    Raises ArgumentError where something fails.
    """
    must = "must give its state and take it back" if back else "must give its state"
    with failing(lambda told: ArgumentError("model", must, advice=f"it fails with {told}")):
        state = model.state_dict()
        if back:
            model.load_state_dict(copy.deepcopy(state))


def _updates(trial: Trial, data: Dataset | None) -> list[int]:
    """Return updates whose batches are of each size that occurs."""
    last = trial.horizon.steps_per_epoch - 1
    most = trial.horizon.steps_per_epoch * trial.recipe.batch_size * trial.recipe.accumulate
    shorter = data is not None and not data.is_stream and len(data.train) < most
    return [0, last] if shorter and 0 < last < trial.horizon.total_steps else [0]


def _evaluated(data: Dataset) -> Iterator[tuple[Part, int]]:
    """Yield samples, and how many of them, that an evaluation takes at once."""
    splits = sorted((data.val, data.test), key=len)
    yield splits[1], min(EVAL_BATCH, len(splits[1]))
    yield from ((one, 1) for one in splits[:1] if 1 in (len(part) % EVAL_BATCH for part in splits))


class _Watch:
    """Knows whose turn it is in an update, and looks at what each hands on."""

    def __init__(self, state: State, data: Dataset | None) -> None:
        self.key, self.must = "", ""
        self.data, self.size = data, 0
        self.batches: Iterator[Batch | None] = iter(())
        self.model, self.task = state.model, state.task
        self.loss = state.task.loss
        self.own = data is None or self.task.brings_loss
        state.model = self.after_model  # type: ignore[assignment]  # a module might refuse hooks
        if not self.own:
            state.task = replace(self.task, loss=self.after_loss)

    def update(self, loop: Loop, trial: Trial, t: int) -> None:
        """Make update t."""
        now = trial.numbers.between(trial.numbers["lr"].begin(), t, t + 1)
        with failing(self.mistake):
            loop.set([float(values[0]) for values in now.values()])
            self.turn("dataset.augment", "must take the inputs of a batch and a generator")
            loss = loop.backward(loop.drawn(t))
            self.turn("clipping", "must take the gradients")
            norm = _norm_of(loop.state.clipping(loop.parameters))
            self.turn("optimizer", "must take the gradients")
            loop.step(loss, norm)

    def listen(self, loop: Loop) -> None:
        """Hear which batches an update takes, for their targets."""
        read = loop.batches

        def heard(t: int) -> Sequence[Batch | None]:
            batches = read(t)
            self.batches = iter(batches)
            return batches

        loop.batches = heard  # type: ignore[method-assign]

    def turn(self, key: str, must: str) -> None:
        """Say whose turn it is, and what it must do."""
        self.key, self.must = key, must

    def mistake(self, told: str) -> ArgumentError:
        """Return an error of whose turn it is."""
        return ArgumentError(self.key, self.must, advice=f"it fails with {told}")

    def after_model(self, *inputs: Any, **named: Any) -> Any:
        """Return what the model returns in training, and look at it."""
        data = self.data
        if data is None:
            self.turn("model", "must take no input in training")
        else:
            self.size = len(first([*inputs, *named.values()]))
            given = inputs[0] if len(inputs) == 1 and not named else inputs or named
            self.turn("model", f"must take input of shape {described(given)} in training")
        outputs = self.model(*inputs, **named)
        if self.own:
            check_outputs(own_loss(outputs), ((),), ONE_LOSS, ", in training")
            _check_depends("model", own_loss(outputs))
            self.turn("model", "must have gradients")
        elif data is not None:
            batch = next(self.batches)
            assert batch is not None
            targets = batch[1]
            shapes = self.task.shapes(targets, data)
            what = f"{self.task.gives} of shape {' or '.join(map(str, shapes))}"
            check_outputs(outputs, shapes, what, " in training")
            self.turn("task.loss", takes(*self.task.pair(outputs, targets)))
        return outputs

    def after_loss(self, outputs: Any, targets: Any) -> Tensor:
        """Return the loss, and look at it."""
        depends = any(isinstance(one, Tensor) and one.requires_grad for one in leaves(outputs))
        value = self.loss(outputs, targets)
        check_mean(value)
        _check_depends("task.loss" if depends else "model", value)
        self.turn("model", "must have gradients")
        return value


def _watched(augment: Augment) -> Augment:
    """Return an augmentation whose batches are looked at."""

    def watched(inputs: Any, generator: torch.Generator) -> Any:
        found, n = augment(inputs, generator), len(first(inputs))
        rows = [isinstance(one, Tensor) and one.ndim > 0 and len(one) == n for one in leaves(found)]
        if not rows or not all(rows):
            must = f"must return the inputs of a batch, of {n} rows here"
            raise ArgumentError("dataset.augment", must, kind_of(found))
        return found

    return watched


def _norm_of(returned: object) -> Tensor:
    """Return the norm of what a clipping returns, and look at all of it."""
    parts = returned if isinstance(returned, tuple) else (returned,)
    if len(parts) != 2 or any(not isinstance(part, Tensor) or part.ndim for part in parts):
        must = "must return the norm before and whether it clipped, a tensor of one number each"
        raise ArgumentError("clipping", must, ", ".join(kind_of(part) for part in parts))
    norm: Tensor = parts[0]
    return norm


def _check_depends(key: str, loss: Tensor) -> None:
    if not loss.requires_grad:
        how = "its outputs are detached from them" if key == "model" else "it returns a constant"
        raise ArgumentError(
            f"{key}:", "the loss does not depend on the weights", advice=f"{how}, in training"
        )
