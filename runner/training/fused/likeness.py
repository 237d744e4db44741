"""Which trainings can be rows of one program: those that differ in numbers alone."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from runner.training.capture.copies import bits
from runner.training.capture.held import Held
from runner.training.capture.kinds import Kind
from runner.training.capture.reading import Reading
from runner.training.data import Dataset, Split
from runner.training.fused import clipping, optimizers
from runner.training.state import State
from runner.trial import Trial

Likeness = tuple[Any, ...]


def likeness(state: State, trial: Trial) -> Likeness:
    """Return the same for trainings that can be rows of one program."""
    recipe, horizon = trial.recipe, trial.horizon
    rows = recipe.rows | {"seed": 0, "weights": None, "fused": None}
    for name in ("optimizer", "clipping"):
        rows[name] = _without_numbers(rows[name])
    return (
        json.dumps(rows, sort_keys=True),
        horizon.steps_per_epoch,
        horizon.total_steps,
        tuple(trial.numbers),
        tuple(len(group["params"]) for group in state.optimizer.param_groups),
        type(state.clipping),
        beside_weights(state.model),
    )


def unlike(state: State, trial: Trial, data: Dataset | None) -> str:
    """Return why a training can be no row of a program, as far as it can be told without trying;
    nothing where it may be one."""
    optimizer, model = state.optimizer, state.model
    name = type(optimizer).__name__
    if type(optimizer) not in optimizers.KINDS:
        return f"{name} is none of Adam, AdamW, SGD, RMSprop"
    is_usual = optimizer.defaults.get("fused") or name == "RMSprop"
    if not is_usual or any(optimizer.defaults.get(k) for k in ("capturable", "differentiable")):
        return f"{name} is asked to compute in a way of its own"
    if _has_hooks(optimizer):
        return f"{name} has hooks"
    if why := beside_model(state):
        return why
    if state.average is not None:
        return "train.ema is asked for"
    if trial.recipe.compile is not None:
        return "train.compile is asked for"
    if trial.recipe.accumulate > 1:
        return "train.accumulate is above 1"
    if data is not None and not isinstance(data.train, Split):
        return "the training data are not in memory"
    if any(p.is_complex() for p in model.parameters()):
        return "the model has complex weights"
    return ""


def beside_model(state: State) -> str:
    """Return what beside a model may hold what an update changes; nothing where nothing does."""
    if type(state.clipping) not in clipping.KINDS:
        return f"{type(state.clipping).__name__} is no clipping of ours"
    if isinstance(state.task.loss, nn.Module) and any(True for _ in state.task.loss.buffers()):
        return "the loss has buffers"
    return ""


def beside_weights(model: object) -> str:
    """Return the digest of what a model, or a loss, holds beside weights and buffers: all rows
    compute with that of the first."""
    names: list[str] = []
    if isinstance(model, nn.Module):
        names = [name for name, _ in (*model.named_parameters(), *model.named_buffers())]
    registered = {f"model.{name}" for name in names}
    digest = hashlib.sha256()
    held = Held({"model": model})
    for path, content in Reading(held).contents.items():
        if path in registered or held.things[path].kind is Kind.OPAQUE:
            continue
        is_array = isinstance(content, Tensor | np.ndarray)
        digest.update(path.encode())
        digest.update(bits(content) if is_array else repr(content).encode())
    return digest.hexdigest()


def _has_hooks(optimizer: Any) -> bool:
    names = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
    return any(vars(optimizer).get(name) for name in names)


def _without_numbers(value: Any) -> Any:
    """Return settings without what may differ from row to row.

    >>> _without_numbers({"lr": 0.1, "betas": [0.9, 0.99], "nesterov": True})
    {'lr': None, 'betas': [None, None], 'nesterov': True}
    """
    if isinstance(value, Mapping):
        return {key: _without_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_numbers(one) for one in value]
    return None if isinstance(value, int | float) and not isinstance(value, bool) else value
