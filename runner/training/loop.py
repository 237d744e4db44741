"""The loop: (state, plan, data) -> state, records. It knows nothing of configuration or tracking.

A state can be continued at any step and gives the same bits, because everything random derives
from (seed, epoch or step) and the rate is read from the trace.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from runner.errors import Diverged
from runner.results.records import Chunk, Evaluation
from runner.training.clipping import Clipping
from runner.training.clipping import scheduled as clipping_with
from runner.training.data import Dataset, order
from runner.training.devices import autocast, seed
from runner.training.evaluation import batch_loss, evaluate
from runner.training.optimizers import Guard, set_number
from schedules import Horizon, Memory, Schedule

CHUNK_STEPS = 200  # the host looks at the loss at the latest after so many steps
CHUNK_SECONDS = 1.0


@dataclass
class State:
    """What training changes.

    step: updates made. evaluated: step of the last evaluation. memory: what the schedule knows of
    the evaluations.
    """

    model: nn.Module
    optimizer: Optimizer
    step: int = 0
    evaluated: int = 0
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True)
class Plan:
    """What training needs besides state and data.

    schedule: of the rate, bound to the horizon. eval_every: steps between evaluations, >= 1; there
    is one more at the end. batch_size: samples, the last batch of an epoch may be shorter.
    optimizer_schedules, clipping_schedules: of other numbers, by the argument's name.
    """

    schedule: Schedule
    horizon: Horizon
    clipping: Clipping
    eval_every: int
    seed: int = 0
    batch_size: int = 128
    precision: str = "float32"
    optimizer_schedules: Mapping[str, Schedule] = field(default_factory=dict)
    clipping_schedules: Mapping[str, Schedule] = field(default_factory=dict)

    def next_evaluation(self, step: int) -> int:
        """Return the first step after `step` at which the model is evaluated.

        >>> from schedules import Constant
        >>> plan = Plan(Constant(lr=0.1), Horizon(25, 10), clipping=None, eval_every=10)
        >>> [plan.next_evaluation(t) for t in (0, 9, 10, 24)]
        [10, 10, 20, 25]
        """
        return min((step // self.eval_every + 1) * self.eval_every, self.horizon.total_steps)

    def evaluates_at(self, step: int) -> bool:
        """Return whether the model is evaluated after so many steps."""
        return step % self.eval_every == 0 or step == self.horizon.total_steps

    def rates(self, memory: Memory, start: int, stop: int) -> np.ndarray:
        """Return the trace from start to stop: (stop - start,) float64."""
        return self.schedule.rates(memory, np.arange(start, stop))

    def others(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Return what else is scheduled, by name, from start to stop."""
        steps = np.arange(start, stop)
        both = {**self.optimizer_schedules, **self.clipping_schedules}
        return {name: schedule(steps) for name, schedule in both.items()}


def train(
    state: State,
    plan: Plan,
    data: Dataset | None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Chunk | Evaluation]:
    """Train `state` in place to the plan's end and yield what happened, in order.

    Yields a Chunk at the latest every 200 steps or second, and an Evaluation after each one of
    the validation data. At each yield the state is whole: a copy of it can be continued. Ends
    early, with state.step < total_steps, when `should_stop` says so. Raises Diverged when a loss
    or gradient was not finite, after the chunk that ends with that step; the model is then as
    it was before it, and state.step is that step.
    """
    if state.step == 0:
        state.memory = plan.schedule.begin()
    loop = _Loop(state, plan, data)
    state.model.train()
    while True:
        if state.step > state.evaluated and plan.evaluates_at(state.step):
            yield from _evaluated(state, plan, data)
        if state.step == plan.horizon.total_steps:
            return
        end = plan.next_evaluation(state.step)
        trace = plan.rates(state.memory, state.step, end)
        while state.step < end:
            chunk = loop.chunk(trace[len(trace) - (end - state.step) :], should_stop)
            chunk, diverged = _check(chunk)
            state.step = chunk.start + len(chunk) - (diverged is not None)
            yield chunk
            if diverged is not None:
                raise diverged
            if should_stop() and state.step < plan.horizon.total_steps:
                return


def _evaluated(state: State, plan: Plan, data: Dataset | None) -> Iterator[Evaluation]:
    """Evaluate, let the schedule hear of it, and yield the figures."""
    found = evaluate(state.model, data.val if data else None, plan.precision)
    metrics = {name if "/" in name else f"val/{name}": value for name, value in found.items()}
    evaluation = Evaluation(state.step, metrics, time.time_ns() // 1_000_000)
    last_rate = float(plan.rates(state.memory, state.step - 1, state.step)[0])
    finite = np.isfinite(metrics["val/loss"])
    if finite and plan.schedule.listens:
        value = metrics[plan.schedule.monitor]
        state.memory = plan.schedule.observe(state.memory, state.step, value)
    state.evaluated = state.step
    yield evaluation
    if not finite:
        raise Diverged(state.step, last_rate, f"val/loss is {metrics['val/loss']}")


def _check(chunk: Chunk) -> tuple[Chunk, Diverged | None]:
    """Cut a chunk behind its first step that was not finite."""
    bad = np.flatnonzero(~(np.isfinite(chunk.loss) & np.isfinite(chunk.grad_norm)))
    if not bad.size:
        return chunk, None
    i = int(bad[0])
    name, value = ("train/loss", chunk.loss[i])
    if np.isfinite(value):
        name, value = ("grad_norm", chunk.grad_norm[i])
    return chunk[: i + 1], Diverged(chunk.start + i, float(chunk.lr[i]), f"{name} is {value}")


class _Loop:
    """The inner loop, with what stays the same from chunk to chunk."""

    def __init__(self, state: State, plan: Plan, data: Dataset | None) -> None:
        self.state, self.plan, self.data = state, plan, data
        self.parameters = [p for g in state.optimizer.param_groups for p in g["params"]]
        self.device = self.parameters[0].device
        self.guard = Guard(state.model, state.optimizer)
        self.bad = torch.zeros((), device=self.device)
        self.noise = int(np.random.SeedSequence([plan.seed, 1]).generate_state(1)[0])
        self.epoch, self.order = -1, torch.empty(0)
        self.clipping = plan.clipping

    def chunk(self, trace: np.ndarray, should_stop: Callable[[], bool]) -> Chunk:
        """Make updates until the trace, 200 steps or a second are over."""
        losses, norms, clips, times = [], [], [], []
        deadline = time.monotonic() + CHUNK_SECONDS
        start = self.state.step
        trace = trace[:CHUNK_STEPS]
        others = self.plan.others(start, start + len(trace))
        for t, rate in enumerate(trace.tolist(), start=start):
            if others:
                self.set_others({name: float(values[t - start]) for name, values in others.items()})
            loss, norm, clipped = self.update(t, rate)
            losses.append(loss)
            norms.append(norm)
            clips.append(clipped)
            times.append(time.time_ns() // 1_000_000)
            if time.monotonic() > deadline or should_stop():
                break
        return Chunk(
            start=start,
            lr=trace[: len(losses)],
            loss=torch.stack(losses).cpu().numpy(),
            grad_norm=torch.stack(norms).cpu().numpy(),
            clipped=torch.stack(clips).cpu().numpy(),
            time_ms=np.array(times),
            others={name: values[: len(losses)] for name, values in others.items()},
        )

    def set_others(self, numbers: Mapping[str, float]) -> None:
        """Set what else is scheduled for the update to come."""
        for name in self.plan.optimizer_schedules:
            set_number(self.state.optimizer, name, numbers[name])
        mine = {name: numbers[name] for name in self.plan.clipping_schedules}
        if mine:
            self.clipping = clipping_with(self.plan.clipping, mine)

    def update(self, t: int, rate: float) -> tuple[Tensor, Tensor, Tensor]:
        """Make update t and return loss, gradient norm and whether it clipped, on the device."""
        for group in self.state.optimizer.param_groups:
            group["lr"] = group.get("lr_scale", 1.0) * rate
        seed(self.noise + t, self.device)
        self.state.optimizer.zero_grad(set_to_none=True)
        self.guard.before_forward()
        batch = self.batch(t)
        with autocast(self.plan.precision, self.device):
            loss = batch_loss(self.state.model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        loss = loss.detach()
        norm, clipped = self.clipping(self.parameters)
        self.bad = torch.maximum(self.bad, (~torch.isfinite(loss + norm)).float())
        self.guard.step(self.bad)
        return loss, norm, clipped

    def batch(self, t: int) -> tuple[Tensor, Tensor] | None:
        """Return the samples of update t."""
        if self.data is None:
            return None
        epoch, i = divmod(t, self.plan.horizon.steps_per_epoch)
        if epoch != self.epoch:
            self.epoch = epoch
            self.order = order(self.plan.seed, epoch, len(self.data.train)).to(self.device)
        b = self.plan.batch_size
        return self.data.train.batch(self.order[i * b : (i + 1) * b])
