"""The loop: (state, trial, data) -> events. It knows nothing of configuration or tracking.

A state can be continued at any step and gives the same bits, because everything random derives
from (seed, epoch or step) and the rate is read from the trace.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from runner.errors import Diverged
from runner.results.events import (
    CLIPPED,
    GRAD_NORM,
    LOSS,
    LR,
    Chunk,
    Evaluation,
    Event,
    step_key,
)
from runner.results.metrics import OF_AVERAGE, merit
from runner.training.capture import Before, unchanged
from runner.training.clipping import numbers_of, with_numbers
from runner.training.compiled import compiled
from runner.training.course import Course
from runner.training.data import Batch, Dataset, Part, Split
from runner.training.devices import autocast, seed
from runner.training.evaluation import evaluate
from runner.training.groups import set_training
from runner.training.losses import batch_loss, total_loss
from runner.training.noise import AUGMENTATION, EVALUATIONS, UPDATES, noise
from runner.training.optimizers import Guard, has_modes, set_mode, set_number
from runner.training.state import Progress, State
from runner.trial import Trial

CHUNK_STEPS = 200  # the host looks at the loss at the latest after so many steps
CHUNK_SECONDS = 1.0


def train(
    state: State,
    trial: Trial,
    data: Dataset | None,
    should_stop: Callable[[], bool] = lambda: False,
    cuts: Sequence[int] = (),
    updates: "Updates | None" = None,
) -> Generator[Event]:
    """Train `state` in place to the trial's end and yield what happened, in order.

    Yields a Chunk at the latest every 200 steps or second, and an Evaluation after each one of
    the validation data. cuts: steps, in order, at which a Chunk ends, too. updates: who makes them,
    None for a loop of this training alone. At each Chunk the state is whole: what is captured or
    copied there can be continued. At an Evaluation its weights are those that were evaluated.
    Evaluations leave no trace in what is trained.

    A state of step 0 begins; of another one, `memory`, `evaluated` and `since` say how far its
    evaluations are. Ends early, with state.step < total_steps, when `should_stop` says so, or, with
    state.stopped, where the trial's patience is over. Raises Diverged when a loss or gradient was
    not finite, after the chunk that ends with that step; the model is then as it was before it, and
    state.step is that step.
    """
    total = trial.horizon.total_steps
    if state.step == 0:
        state.memory = trial.numbers["lr"].begin()
        set_training(state.model)
    loop = Loop(state, trial, data)
    while True:
        set_mode(state.optimizer, "train")
        if state.step > state.evaluated and trial.evaluates_at(state.step):
            yield from _evaluated(state, trial, data)
        if state.step == total or state.stopped:
            return
        end = trial.next_evaluation(state.step)
        while state.step < end:
            cut = cuts[i] if (i := bisect_right(cuts, state.step)) < len(cuts) else end
            stop = min(end, cut, state.step + CHUNK_STEPS)
            numbers = trial.numbers.between(state.memory, state.step, stop)
            made = (updates or Loop.chunk)(loop, numbers, should_stop)
            chunk, diverged = _check(made)
            state.step = chunk.start + len(chunk) - (diverged is not None)
            state.diverged = diverged is not None
            yield chunk
            if diverged is not None:
                raise diverged
            if should_stop() and state.step < total:
                return


def _evaluated(state: State, trial: Trial, data: Dataset | None) -> Iterator[Evaluation]:
    """Evaluate, and yield the figures that everybody hears while the weights are the evaluated
    ones; those that are trained are put back, which an optimizer does only about."""
    optimizer = state.optimizer
    trained = Before(model=state.model, optimizer=optimizer) if has_modes(optimizer) else None
    set_mode(optimizer, "eval")
    try:
        yield from heard(state, trial, figures(state, trial, data))
    finally:  # whoever hears may end the run
        set_mode(optimizer, "train")
        if trained is not None:
            trained.restore()


def figures(state: State, trial: Trial, data: Dataset | None) -> dict[str, float]:
    """Return what is found on the validation data."""
    models = {"": state.model} | ({OF_AVERAGE: state.average.model} if state.average else {})
    return {
        f"{of}{name if '/' in name else f'val/{name}'}": value
        for of, model in models.items()
        for name, value in evaluated(model, state, trial, data and data.val).items()
    }


def evaluated(model: nn.Module, state: State, trial: Trial, part: Part | None) -> dict[str, float]:
    """Return what one of a state's models finds on samples, as the step alone decides it; model,
    loss and measures are as before then."""
    recipe, task = trial.recipe, state.task
    drawn = noise(recipe.seed, EVALUATIONS) + state.step
    with unchanged(model=model, loss=task.loss, measures=list(task.measures.values())):
        return evaluate(model, task, part, recipe.precision, drawn)


def heard(state: Progress, trial: Trial, metrics: dict[str, float]) -> Iterator[Evaluation]:
    """Let the schedule hear of an evaluation's figures, and yield them.

    Raises Diverged behind them where what counts is not finite.
    """
    evaluation = Evaluation(state.step, metrics, time.time_ns() // 1_000_000)
    bad = observe(state, trial, evaluation)
    yield evaluation
    if bad:
        raise diverged_at(state, trial, f"{bad[0]} is {metrics[bad[0]]}")


def observe(state: Progress, trial: Trial, evaluation: Evaluation) -> list[str]:
    """Let the schedule hear of an evaluation; return what counts and is not finite."""
    metrics, lr = evaluation.metrics, trial.numbers["lr"]
    needed = ("val/loss", lr.monitor) if lr.listens else ("val/loss",)
    bad = [key for key in needed if not np.isfinite(metrics.get(key, 0.0))]
    if lr.listens and not bad:
        state.memory = lr.observe(state.memory, evaluation.step, metrics[lr.monitor])
    state.evaluated = evaluation.step
    if trial.stop_after is not None and evaluation.step < trial.horizon.total_steps:
        _wait(state, metrics, trial.stop_after)
    return bad


def _wait(state: Progress, metrics: dict[str, float], patience: int) -> None:
    """Stop a state whose evaluations have not become better for so many steps."""
    key = state.metric
    if state.since is None or merit(metrics, key)[0] < merit(state.since[1], key)[0]:
        state.since = state.step, metrics
    elif state.step - state.since[0] >= patience:
        state.stopped = f"{key} is no better than at step {state.since[0]}"


def diverged_at(state: Progress, trial: Trial, what: str) -> Diverged:
    """Return what to raise where an evaluation found something that is not finite."""
    step = max(state.step - 1, 0)
    last = trial.numbers.between(state.memory, step, step + 1)["lr"]
    return Diverged(state.step, float(last[0]), what)


def _check(chunk: Chunk) -> tuple[Chunk, Diverged | None]:
    """Cut a chunk behind its first step that was not finite."""
    finite = np.isfinite(chunk.columns[LOSS]) & np.isfinite(chunk.columns[GRAD_NORM])
    bad = np.flatnonzero(~finite)
    if not bad.size:
        return chunk, None
    i = int(bad[0])
    name = GRAD_NORM if np.isfinite(chunk.columns[LOSS][i]) else LOSS
    what = f"{name} is {chunk.columns[name][i]}"
    return chunk[: i + 1], Diverged(chunk.start + i, float(chunk.columns[LR][i]), what)


class Loop:
    """The inner loop, with what stays the same from chunk to chunk."""

    def __init__(self, state: State, trial: Trial, data: Dataset | None) -> None:
        self.state, self.data = state, data
        self.trial, self.recipe = trial, trial.recipe
        self.parameters = [p for g in state.optimizer.param_groups for p in g["params"]]
        self.device = self.parameters[0].device
        self.guard = Guard(state.model, state.optimizer)
        self.bad = torch.zeros((), device=self.device)
        self.noise = noise(self.recipe.seed, UPDATES)
        self.augmentation = noise(self.recipe.seed, AUGMENTATION)
        self.generator = torch.Generator(self.device)
        self.model, self.average = state.model, state.average
        mode = self.recipe.compile
        self.compiled = None if mode is None else compiled(state.model, self.recipe)
        self.next = self.end = -1
        if data is not None:
            n = None if data.is_stream else len(data.train)
            where = self.device if isinstance(data.train, Split) else torch.device("cpu")
            self.course = Course(self.recipe, trial.horizon.steps_per_epoch, n, where)
        self.autocast = autocast(self.recipe.precision, self.device)
        of_clipping = numbers_of(state.clipping)
        self.setters: list[Callable[[float], None]] = [
            partial(self.set_clipping, name)
            if name in of_clipping
            else partial(set_number, state.optimizer, name)
            for name in trial.numbers
        ]

    def chunk(self, numbers: Mapping[str, np.ndarray], should_stop: Callable[[], bool]) -> Chunk:
        """Make updates until the numbers or a second are over."""
        losses, norms, clips, times = [], [], [], []
        deadline = time.monotonic() + CHUNK_SECONDS
        start = self.state.step
        rows = zip(*(values.tolist() for values in numbers.values()), strict=True)
        for t, row in enumerate(rows, start=start):
            self.set(row)
            loss, norm, clipped = self.update(t)
            losses.append(loss)
            norms.append(norm)
            clips.append(clipped)
            times.append(time.time_ns() // 1_000_000)
            if time.monotonic() > deadline or should_stop():
                break
        return chunk_of(start, numbers, [torch.stack(one) for one in (losses, norms, clips)], times)

    def set(self, row: Iterable[float]) -> None:
        """Set the numbers of an update."""
        for set_now, value in zip(self.setters, row, strict=True):
            set_now(value)

    def set_clipping(self, name: str, value: float) -> None:
        """Set a number of the clipping."""
        self.state.clipping = with_numbers(self.state.clipping, {name: value})

    def update(self, t: int) -> tuple[Tensor, Tensor, Tensor]:
        """Make update t and return loss, gradient norm and whether it clipped, on the device."""
        return self.computed(self.drawn(t))

    def drawn(self, t: int) -> Sequence[Batch | None]:
        """Return the samples of update t, whose noise is drawn next."""
        batches = self.batches(t)
        seed(self.noise + t, self.device)
        return batches

    def computed(self, batches: Sequence[Batch | None]) -> tuple[Tensor, Tensor, Tensor]:
        """Make an update on samples: the part that is the same for each."""
        loss = self.backward(batches)
        norm, clipped = self.state.clipping(self.parameters)
        self.step(loss, norm)
        return loss, norm, clipped

    def backward(self, batches: Sequence[Batch | None]) -> Tensor:
        """Make the gradient of an update, the mean over all its batches; return its loss."""
        self.state.optimizer.zero_grad(set_to_none=True)
        self.guard.before_forward()
        if len(batches) == 1:
            loss = self.forward(batches[0])
            loss.backward()  # type: ignore[no-untyped-call]
            # what is compiled may write its next loss into the same memory
            return loss.detach() if self.compiled is None else loss.detach().clone()
        weight: Tensor | float = sum(self.state.task.weight(one) for one in batches if one)
        losses = []
        for batch in batches:
            part = self.share(batch, weight)
            part.backward()  # type: ignore[no-untyped-call]
            losses.append(part.detach())
        return torch.stack(losses).sum()

    def forward(self, batch: Batch | None) -> Tensor:
        """Return the mean loss of a batch."""
        with self.autocast:
            return batch_loss(self.called, self.state.task, batch)

    @property
    def called(self) -> Any:
        """What computes as the model does."""
        return self.state.model if self.compiled is None else self.compiled

    def share(self, batch: Batch | None, weight: Tensor | float) -> Tensor:
        """Return what a batch adds to the mean loss of an update."""
        assert batch is not None
        with self.autocast:
            outputs = self.state.task.forward(self.called, batch)
            return total_loss(self.state.task, outputs, batch) / weight

    def step(self, loss: Tensor, norm: Tensor) -> None:
        """Update the parameters, unless something was not finite."""
        self.bad = torch.maximum(self.bad, (~torch.isfinite(loss + norm)).float())
        self.guard.step(self.bad)
        if self.average:
            self.average.update(self.model, self.bad)

    def batches(self, t: int) -> Sequence[Batch | None]:
        """Return the samples of update t, as they go through the model at a time; up to the next
        evaluation workers read ahead."""
        if self.data is None:
            return [None]
        if t != self.next or t == self.end:
            self.end = self.trial.next_evaluation(t)
            position = None if t == self.next else self.state.position  # a stream stands there
            self.reading = self.data.train.updates(self.course, t, self.end, position)
        batches: list[Batch]
        batches, self.state.position = next(self.reading)
        self.next = t + 1
        if self.data.augment is None:
            return batches
        self.generator.manual_seed(self.augmentation + t)
        augment = self.data.augment
        return [(augment(inputs, self.generator), targets) for inputs, targets in batches]


def chunk_of(
    start: int, numbers: Mapping[str, np.ndarray], found: Sequence[Tensor], times: Sequence[int]
) -> Chunk:
    """Return the updates from a step on: their numbers, and the losses, norms and clips found."""
    columns = {step_key(name): values[: len(times)] for name, values in numbers.items()}
    for key, values in zip((LOSS, GRAD_NORM, CLIPPED), found, strict=True):
        columns[key] = values.cpu().numpy()
    return Chunk(start, columns, np.array(times))


Updates = Callable[[Loop, Mapping[str, np.ndarray], Callable[[], bool]], Chunk]  # as Loop.chunk
