"""Settings -> one update of a throw-away copy, so that what fails in training is refused before
anything is created."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from cachetools import LRUCache

from runner.build.state import new_state
from runner.config import Settings
from runner.errors import Mistake, out_of_memory, under
from runner.training import compiled, devices, kernels, rehearsal
from runner.training.capture import unchanged
from runner.training.data import Dataset
from runner.training.state import State
from runner.trial import Trial

_done: LRUCache[str, str] = LRUCache(1000)


def rehearse(settings: Settings, trial: Trial, state: State, data: Dataset | None) -> None:
    """Make the updates in which training would show a mistake, once for all runs that differ in
    numbers or the seed only. Changes neither the state nor what is drawn later.

    Kernels that add in no fixed order are refused from then on where states are kept and all goes
    without them; where it does not, one is noted. Raises Mistake where an update fails; a lack of
    memory is left to the run, which holds less.
    """
    back = settings.train.keep.endswith("best")
    key = key_of(trial, back)
    if key not in _done:
        _done[key] = _unordered(lambda: _rehearse(settings, trial, state, data, back))
    if _done[key]:
        kernels.note(_done[key])
    elif settings.states.enabled:
        kernels.demand()


def _unordered(rehearse: Callable[[], None]) -> str:
    """Return the name of a kernel without a fixed order that is needed, or nothing."""
    kernels.demand()
    try:
        rehearse()
    except Mistake as error:
        if not (kernel := kernels.named(error)):
            raise
    else:
        return ""
    finally:
        kernels.allow()
    rehearse()
    return kernel


def _rehearse(
    settings: Settings, trial: Trial, state: State, data: Dataset | None, back: bool
) -> None:
    device = next(state.model.parameters()).device
    try:
        with devices.kept_generators(device), under(""), as_it_was(data):
            spare = state.copy() or new_state(settings, data, device)
            rehearsal.rehearse_keeping(spare.model, back=back)
            rehearsal.rehearse(spare, compiled.without(trial), data)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise


def as_it_was(data: Dataset | None) -> AbstractContextManager[None]:
    """Put back what the augmentation holds: the run has yet to begin with it."""
    return (
        nullcontext() if data is None or data.augment is None else unchanged(augment=data.augment)
    )


def forget() -> None:
    """Rehearse all again: the code may have changed."""
    _done.clear()


def key_of(trial: Trial, back: bool) -> str:
    """Return the same for all runs whose updates do the same with other numbers."""
    recipe, horizon = trial.recipe, trial.horizon
    reaches = horizon.total_steps >= horizon.steps_per_epoch
    fixed = [recipe.dataset, recipe.batch_size, recipe.precision, recipe.device, reaches, back]
    fixed += [recipe.accumulate, recipe.ema is None, recipe.content, recipe.drop_last]
    parts = [recipe.model, recipe.task, recipe.optimizer, recipe.clipping, list(trial.numbers)]
    return json.dumps([*fixed, *map(_without_numbers, parts)], sort_keys=True)


def _without_numbers(value: Any) -> Any:
    """Return arguments with nothing but the sign of their real numbers.

    >>> _without_numbers({"hidden": [64], "dropout": 0.1, "eps": 0.0})
    {'hidden': [64], 'dropout': '> 0', 'eps': '0'}
    """
    if isinstance(value, Mapping):
        return {key: _without_numbers(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_numbers(one) for one in value]
    if isinstance(value, float):
        return "> 0" if value > 0 else "0"
    return value
