"""Updates of several trainings, made together."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from runner.results.events import CLIPPED, GRAD_NORM, LOSS, Chunk, step_key
from runner.training.data import Batch
from runner.training.fused.calls import Calls, Unfusable
from runner.training.fused.clipping import clip
from runner.training.fused.optimizers import Stepper
from runner.training.fused.stack import Stack
from runner.training.loop import CHUNK_SECONDS, Loop
from runner.training.losses import batch_loss
from runner.training.nested import joined, mapped
from runner.training.tasks import Task


class _Loss(nn.Module):
    """The mean loss of a model, so that all of the model's tensors can be others."""

    def __init__(self, model: nn.Module, task: Task) -> None:
        super().__init__()
        self.model, self.task = model, task

    def forward(self, batch: Batch | None) -> Tensor:
        """Return the mean loss of a batch."""
        return batch_loss(self.model, self.task, batch)


class Program:
    """Several trainings as they stand: what `scatter` puts back into their states.

    loops: one a row, that differ in numbers and seed alone and stand at the same step.
    """

    def __init__(self, loops: Sequence[Loop]) -> None:
        self.loops = loops
        state = loops[0].state
        self.loss = _Loss(state.model, state.task)
        self.stack = Stack([loop.state.model for loop in loops])
        self.stepper = Stepper([loop.state.optimizer for loop in loops], self.stack)
        self.device = loops[0].device
        self.row = torch.arange(len(loops), device=self.device)
        self.bad = torch.stack([loop.bad for loop in loops])
        self.generators, self.seeded = [torch.Generator(self.device) for _ in loops], -1
        self.shares_batch = len({loop.recipe.seed for loop in loops}) == 1

    def update(self, t: int) -> tuple[Tensor, Tensor, Tensor]:
        """Make update t of every row; return each row's loss, gradient norm and whether it
        clipped."""
        before = {name: rows.clone() for name, rows in self.stack.buffers.items()}
        losses = self.losses(t)
        gradients = self.gradients(losses)
        names = list(gradients)
        clippings = [loop.state.clipping for loop in self.loops]
        weights = [self.stack.weights[name] for name in names]
        with torch.no_grad():
            norm, clipped = clip(clippings, weights, [gradients[name] for name in names])
            losses = losses.detach()
            self.bad = torch.maximum(self.bad, (~torch.isfinite(losses + norm)).float())
            self.stepper.step(gradients, self.bad)
            for name, old in before.items():
                rows = self.stack.buffers[name]
                frozen = (self.bad > 0).reshape(-1, *[1] * (rows.ndim - 1))
                rows.copy_(torch.where(frozen, old, rows))
        return losses, norm, clipped

    def losses(self, t: int) -> Tensor:
        """Return the loss of each row's batch at update t."""
        batch, dims = self._batch(t)
        inputs = {f"model.{name}": rows for name, rows in self.stack.inputs().items()}

        def loss(tensors: Mapping[str, Tensor], row: Tensor, batch: Any) -> Tensor:
            with Calls(lambda: self._generators(t), row), self.loops[0].autocast:
                found: Tensor = functional_call(self.loss, dict(tensors), (batch,))
                return found

        if batch is None:
            return vmap(lambda tensors, row: loss(tensors, row, None))(inputs, self.row)
        return vmap(loss, in_dims=(0, 0, dims))(inputs, self.row, batch)

    def gradients(self, losses: Tensor) -> dict[str, Tensor]:
        """Return the gradient of each row's loss, in each of its weights."""
        weights = self.stack.weights
        found = torch.autograd.grad(losses.sum(), list(weights.values()), allow_unused=True)
        gradients: dict[str, Tensor] = {}
        seen: set[int] = set()
        for name, one in zip(weights, found, strict=True):
            if one is None:
                raise Unfusable(f"the loss does not depend on {name}")
            own = one.contiguous()  # as the kernels take them
            is_shared = own.data_ptr() in seen  # a sum hands one gradient to both
            gradients[name] = own.clone() if is_shared else own
            seen.add(own.data_ptr())
        return gradients

    def scatter(self) -> None:
        """Put what was trained back into the states."""
        self.stack.scatter()
        self.stepper.scatter()
        for loop, bad in zip(self.loops, self.bad, strict=True):
            loop.bad = bad

    def _batch(self, t: int) -> tuple[Any, int | None]:
        """Return the batch of update t, and the dimension of it that goes over the rows."""
        if self.shares_batch:
            return self.loops[0].batches(t)[0], None
        batches = [loop.batches(t)[0] for loop in self.loops]
        if batches[0] is None:
            return None, None
        rows = [mapped(lambda one: None if one is None else one[None], one) for one in batches]
        return joined(rows), 0

    def _generators(self, t: int) -> list[torch.Generator]:
        """Return each row's generator, seeded when it is first asked for in an update."""
        if self.seeded != t:
            self.seeded = t
            for loop, generator in zip(self.loops, self.generators, strict=True):
                generator.manual_seed(loop.noise + t)
        return self.generators


def chunks(
    loops: Sequence[Loop],
    numbers: Sequence[Mapping[str, np.ndarray]],
    should_stop: Callable[[], bool],
) -> list[Chunk]:
    """Make updates of several trainings together, until the first of them has no more numbers, or
    a second is over; return what each of them has made.

    loops: alike, and at the same step. Raises Unfusable where they cannot be made
    together; then nothing has changed.
    """
    start, deadline = loops[0].state.step, time.monotonic() + CHUNK_SECONDS
    rows = list(zip(*(_rows(one) for one in numbers), strict=False))
    for loop, own in zip(loops, rows[0], strict=True):
        loop.set(own)  # before what the optimizers keep is known
    program = Program(loops)
    found, times = [], []
    for t, row in enumerate(rows, start=start):
        for loop, own in zip(loops, row, strict=True):
            loop.set(own)
        found.append(program.update(t))
        times.append(time.time_ns() // 1_000_000)
        if time.monotonic() > deadline or should_stop():
            break
    program.scatter()
    columns = [torch.stack(one, dim=1).cpu().numpy() for one in zip(*found, strict=True)]
    made = len(times)
    return [
        Chunk(
            start,
            {step_key(name): values[:made] for name, values in own.items()}
            | {key: one[i] for key, one in zip((LOSS, GRAD_NORM, CLIPPED), columns, strict=True)},
            np.array(times),
        )
        for i, own in enumerate(numbers)
    ]


def _rows(numbers: Mapping[str, np.ndarray]) -> list[tuple[float, ...]]:
    """Return the numbers of each update."""
    return list(zip(*(values.tolist() for values in numbers.values()), strict=True))
