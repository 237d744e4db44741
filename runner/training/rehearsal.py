"""One update before anything is created: what a person's own model, loss, clipping or optimizer
does wrong in training shows here."""

import copy
from collections.abc import Iterator

from torch import Tensor, nn

from runner.culprit import failing
from runner.training.data import Dataset, Split
from runner.training.devices import kept_generators
from runner.training.evaluation import (
    EVAL_BATCH,
    check_mean,
    check_outputs,
    check_scores,
    kind_of,
)
from runner.training.groups import set_training
from runner.training.loop import Loop
from runner.training.state import State
from runner.trial import Trial
from schedules.errors import ArgumentError


def rehearse(state: State, trial: Trial, data: Dataset | None) -> None:
    """Make the first update, and that of an epoch's last batch where it is a shorter one. The state
    is spoiled by it; random generators are as before.

    Also evaluates the largest batch of an evaluation, and one sample, where the last batch is one.
    Raises ArgumentError where something fails.
    """
    model, loss = state.model, state.loss
    loop = Loop(state, trial, data)
    watch = _Watch(state, data)
    set_training(model)
    with kept_generators(loop.device):
        for t in _updates(trial, data):
            size = _size(trial, data, t)
            try:
                watch.update(loop, trial, t, size)
            except ArgumentError as error:
                if t == 0 or data is None:
                    raise
                samples = "one sample" if size == 1 else f"{size} samples"
                has = f"has {samples} of {len(data.train)}, with which {error.where} {error.must}"
                advice = "choose another train.batch_size"
                advice = f"{error.advice}; {advice}" if error.advice else advice
                raise ArgumentError("the last batch", has, error.given, advice) from error
        if data is not None:
            for split, count in _evaluated(data):
                check_outputs(model, loss, split, data.classes, count)


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
    shorter = data is not None and len(data.train) % trial.recipe.batch_size > 0
    return [0, last] if shorter and 0 < last < trial.horizon.total_steps else [0]


def _evaluated(data: Dataset) -> Iterator[tuple[Split, int]]:
    """Yield samples, and how many of them, that an evaluation takes at once."""
    splits = sorted((data.val, data.test), key=len)
    yield splits[1], min(EVAL_BATCH, len(splits[1]))
    yield from ((one, 1) for one in splits[:1] if 1 in (len(part) % EVAL_BATCH for part in splits))


def _size(trial: Trial, data: Dataset | None, t: int) -> int:
    if data is None:
        return 0
    return min(trial.recipe.batch_size, len(data.train) - t * trial.recipe.batch_size)


class _Watch:
    """Knows whose turn it is in an update, and looks at what each hands on."""

    def __init__(self, state: State, data: Dataset | None) -> None:
        self.key, self.must = "", ""
        self.data, self.size = data, 0
        self.model, self.loss = state.model, state.loss
        state.model = self.after_model  # type: ignore[assignment]  # a module might refuse hooks
        if data is not None:
            state.loss = self.after_loss

    def update(self, loop: Loop, trial: Trial, t: int, size: int) -> None:
        """Make update t, of a batch of so many samples."""
        self.size = size
        now = trial.numbers.between(trial.numbers["lr"].begin(), t, t + 1)
        with failing(self.mistake):
            loop.set([float(values[0]) for values in now.values()])
            self.turn("model", self.takes())
            loss = loop.forward(t)
            self.turn("model", "must have gradients")
            loss.backward()  # type: ignore[no-untyped-call]
            self.turn("clipping", "must take the gradients")
            norm = _norm_of(loop.state.clipping(loop.parameters))
            self.turn("optimizer", "must take the gradients")
            loop.step(loss.detach(), norm)

    def takes(self) -> str:
        """Return what the model must take."""
        if self.data is None:
            return "must take no input in training"
        shape = (self.size, *self.data.input_shape)
        return f"must take input of shape {shape} in training"

    def turn(self, key: str, must: str) -> None:
        """Say whose turn it is, and what it must do."""
        self.key, self.must = key, must

    def mistake(self, told: str) -> ArgumentError:
        """Return an error of whose turn it is."""
        return ArgumentError(self.key, self.must, advice=f"it fails with {told}")

    def after_model(self, *inputs: Tensor) -> Tensor:
        """Return what the model returns in training, and look at it."""
        outputs: Tensor = self.model(*inputs)
        shape = () if self.data is None else (self.size, self.data.classes)
        what = f"scores of shape {shape}" if shape else "a loss, one number,"
        check_scores(outputs, shape, f"must return {what} in training")
        if self.data is None:
            _check_depends("model", outputs)
        else:
            self.turn("task.loss", f"must take scores {shape} and labels ({self.size},)")
        return outputs

    def after_loss(self, *given: Tensor) -> Tensor:
        """Return the loss, and look at it."""
        value = self.loss(*given)
        check_mean(value)
        _check_depends("task.loss" if given[0].requires_grad else "model", value)
        return value


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
