"""Whether a training can be a row of a program: the first update is tried both ways."""

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from runner.culprit import told
from runner.training.capture import Before
from runner.training.data import Dataset
from runner.training.fused.calls import Unfusable
from runner.training.fused.likeness import unlike
from runner.training.fused.program import Program
from runner.training.loop import Loop
from runner.training.state import State
from runner.trial import Trial

ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-3}  # relative, of the largest
HALF = 0.05  # of bfloat16
OTHERWISE = "computed for several at once it gives something else"


def why_not(state: State, trial: Trial, data: Dataset | None) -> str:
    """Return why a training can be no row of a program, nothing where it can.

    state: is as before then.
    """
    if why := unlike(state, trial, data):
        return why
    loop = Loop(state, trial, data)
    loop.set([float(trial.numbers.between(state.memory, 0, 1)[name][0]) for name in trial.numbers])
    before = Before(model=state.model, loss=state.task.loss)
    try:
        alone = loop.backward(0)
        usual = {f"model.{name}" for name, _ in state.model.named_buffers()}
        more = [path for path in before.changed() if path not in usual]
        gradients = {n: p.grad for n, p in state.model.named_parameters() if p.requires_grad}
        buffers = {name: one.clone() for name, one in state.model.named_buffers()}
    finally:
        before.restore()
        state.optimizer.zero_grad(set_to_none=True)
    if more:
        return f"an update changes {more[0]}, which is no weight and no buffer"
    try:
        program = Program([loop, loop])
        drawn = _generators()
        losses = program.losses(0)
        found = program.gradients(losses)
        if _generators() != drawn:
            return "the model draws from a generator that is all rows' alike"
    except Unfusable as error:
        return str(error)
    except Exception as error:  # of vmap, or of what it meets in a person's code
        return told(error)
    pairs = [(alone, losses), *((gradients[name], rows) for name, rows in found.items())]
    pairs += [(buffers[name], rows) for name, rows in program.stack.buffers.items()]
    rounding = HALF if trial.recipe.precision != "float32" else None
    return "" if all(_is_close(one, rows[-1], rounding) for one, rows in pairs) else OTHERWISE


def _is_close(one: Tensor | None, other: Tensor, rounding: float | None) -> bool:
    if one is None or one.is_sparse or one.shape != other.shape:
        return False
    if not one.is_floating_point():
        return bool((one == other).all())
    most = ROUNDING.get(one.dtype, HALF) if rounding is None else rounding
    largest = one.abs().max() if one.numel() else one.sum()
    return bool((one - other).abs().max() <= most * largest) if one.numel() else True


def _generators() -> Any:
    """Return where all generators stand that belong to nobody."""
    drawn: Any = np.random.get_state()
    return (torch.get_rng_state().tolist(), random.getstate(), drawn[1].tolist(), drawn[2])
