"""Whether a training can be a row of a program: the first update is tried both ways."""

import random
from collections.abc import Mapping
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
from runner.training.groups import set_training
from runner.training.loop import Loop
from runner.training.state import State
from runner.trial import Trial

ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-3}  # relative, of the largest
HALF = 0.05  # of bfloat16
NEAR = 0.05  # relative, of a gradient as a whole
LEAST = 1e-2  # of the largest gradient, what a tensor's counts as at least
SAME_STEP, FEW = 0.05, 0.5  # of the largest move of a weight; of all weights
OTHERWISE = "computed for several at once it gives something else"


def why_not(state: State, trial: Trial, data: Dataset | None) -> str:
    """Return why a training can be no row of a program, nothing where it can.

    state: is as before then.
    """
    if why := unlike(state, trial, data):
        return why
    before = Before(model=state.model, loss=state.task.loss)
    try:
        set_training(state.model)
        began = Before(model=state.model, loss=state.task.loss)
        return _tried(state, trial, data, began)
    except Unfusable as error:
        return str(error)
    except Exception as error:  # of vmap, of memory, or of a person's code
        return told(error)
    finally:
        before.restore()
        state.optimizer.zero_grad(set_to_none=True)


def _tried(state: State, trial: Trial, data: Dataset | None, before: Before) -> str:
    loop = Loop(state, trial, data)
    first = trial.numbers.between(trial.numbers["lr"].begin(), 0, 1)
    loop.set([float(values[0]) for values in first.values()])
    alone = loop.backward(loop.drawn(0))
    usual = {f"model.{name}" for name, _ in state.model.named_buffers()}
    if more := [path for path in before.changed() if path not in usual]:
        return f"an update changes {more[0]}, which is no weight and no buffer"
    gradients = {n: p.grad for n, p in state.model.named_parameters() if p.requires_grad}
    buffers = {name: one.clone() for name, one in state.model.named_buffers()}
    before.restore()
    program = Program([loop, loop])
    drawn = _generators(loop.device)
    losses = program.losses(0)
    found = program.gradients(losses)
    if _generators(loop.device) != drawn:
        return "the model draws from a generator that is all rows' alike"
    rounding = HALF if trial.recipe.precision != "float32" else None
    kept = [(buffers[name], rows) for name, rows in program.stack.buffers.items()]
    pairs = [(gradients[name], rows) for name, rows in found.items()]
    close = all(_is_close(one, rows[-1], rounding) for one, rows in [(alone, losses), *kept])
    # a weight that a normalisation takes back has a gradient of rounding alone
    least = max((LEAST * float(one.norm()) for one, _ in pairs if one is not None), default=0.0)
    close = close and all(_is_near(one, rows[-1], least) for one, rows in pairs)
    return "" if close and _steps_alike(state, trial, data, first) else OTHERWISE


def _steps_alike(
    state: State, trial: Trial, data: Dataset | None, first: Mapping[str, np.ndarray]
) -> bool:
    """Return whether an update leads to the same weights both ways, but for those whose gradients
    are all rounding. A state that cannot be copied is trusted."""
    own, other = state.copy(), state.copy()
    if own is None or other is None:
        return True
    loops = [Loop(one, trial, data) for one in (own, other)]
    for loop in loops:
        loop.set([float(values[0]) for values in first.values()])
    program = Program([loops[1], loops[1]])
    program.update(0)
    was = {name: one.detach().clone() for name, one in own.model.named_parameters()}
    loops[0].update(0)
    differ = total = 0
    for name, rows in program.stack.weights.items():
        made = own.model.get_parameter(name).detach()
        moved = _largest(made - was[name])
        differ += int(((made - rows[-1].detach()).abs() > SAME_STEP * moved).sum())
        total += made.numel()
    return differ <= FEW * total


def _largest(one: Tensor) -> float:
    return float(one.detach().abs().max()) if one.numel() else 0.0


def _is_near(one: Tensor | None, other: Tensor, least: float) -> bool:
    """Return whether a gradient is as another as a whole: where a unit is at its kink, rounding
    turns single elements.

    least: what its norm counts as at least.
    """
    if one is None or one.is_sparse or one.shape != other.shape:
        return False
    return float((one - other).norm()) <= NEAR * max(float(one.norm()), least)


def _is_close(one: Tensor | None, other: Tensor, rounding: float | None) -> bool:
    """Return whether a tensor is as another, but for rounding."""
    if one is None or one.is_sparse or one.shape != other.shape:
        return False
    if not one.is_floating_point():
        return bool((one == other).all())
    most = ROUNDING.get(one.dtype, HALF) if rounding is None else rounding
    return _largest(one - other) <= most * _largest(one)


def _generators(device: torch.device) -> Any:
    """Return where all generators stand that belong to nobody."""
    drawn: Any = np.random.get_state()
    module = None if device.type == "cpu" else torch.get_device_module(device)
    there = module.get_rng_state().tolist() if module else ()
    own = torch.get_rng_state().tolist()
    return own, there, random.getstate(), drawn[1].tolist(), drawn[2]
