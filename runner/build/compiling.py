"""What `train.compile` costs a run and brings it: tried on a copy, once for runs that are alike."""

import time
from collections.abc import Callable

import torch
from cachetools import LRUCache

from runner.build.rehearsal import as_it_was, key_of
from runner.culprit import told
from runner.errors import Mistake, out_of_memory
from runner.training.compiled import Payoff, without
from runner.training.data import Dataset
from runner.training.devices import kept_generators, seed
from runner.training.groups import set_training
from runner.training.loop import Loop
from runner.training.state import State
from runner.trial import Trial

UPDATES, TRIES = 10, 3
KEY = "train.compile"
_known: LRUCache[str, Payoff | None] = LRUCache(100)


def compiling(trial: Trial, state: State, data: Dataset | None) -> tuple[str, ...]:
    """Return a note of the updates after which compiling has paid; none where nothing is compiled.

    state: stays as it is. Raises Mistake where torch cannot compile the model.
    """
    mode = trial.recipe.compile
    if mode is None:
        return ()
    key = f"{mode} {trial.recipe.threads} {key_of(trial, False)}"
    if key not in _known:
        device = next(state.model.parameters()).device
        with kept_generators(device), as_it_was(data):
            _known[key] = _payoff(trial, state, data)
    payoff = _known[key]
    if payoff is None:
        why = "there is no room here for a copy of the model, or it has none"
        return (f"{KEY}={mode}: {why}, so it is not known when it pays",)
    return (f"{KEY}={mode}: {payoff.text(trial.horizon.total_steps)}",)


def _payoff(trial: Trial, state: State, data: Dataset | None) -> Payoff | None:
    try:
        usual = _usual(trial, state, data)
        copied = None if usual is None else state.copy()
        if usual is None or copied is None:
            return None
        update = _update(copied, trial, data)
        started = time.perf_counter()
        update()
        seconds = time.perf_counter() - started
        return Payoff(max(0.0, seconds - usual), _seconds(update), usual)
    except Exception as error:
        if out_of_memory(error):  # the run needs less
            return None
        must = "must be off, or a mode in which torch compiles the model"
        raise Mistake(
            KEY, must, f"'{trial.recipe.compile}'", f"it fails with {told(error)}"
        ) from error
    finally:
        if data is not None:
            data.close()


def _usual(trial: Trial, state: State, data: Dataset | None) -> float | None:
    """Return the seconds of an update that is not compiled; None where the state has no copy."""
    if (copied := state.copy()) is None:
        return None
    plain = _update(copied, without(trial), data)
    plain()
    return _seconds(plain)


def _update(state: State, trial: Trial, data: Dataset | None) -> Callable[[], object]:
    """Return what makes the first update of a state again and again, up to its end."""
    set_training(state.model)
    loop = Loop(state, trial, data)
    first = trial.numbers.between(trial.numbers["lr"].begin(), 0, 1)
    loop.set([float(values[0]) for values in first.values()])

    batches = loop.drawn(0)

    def update() -> None:
        seed(loop.noise, loop.device)
        loop.computed(batches)
        if loop.device.type != "cpu":
            torch.accelerator.synchronize(loop.device)

    return update


def _seconds(update: Callable[[], object]) -> float:
    """Return the seconds of an update, the least of a few tries of several."""
    tries = []
    for _ in range(TRIES):
        started = time.perf_counter()
        for _ in range(UPDATES):
            update()
        tries.append((time.perf_counter() - started) / UPDATES)
    return min(tries)


def forget() -> None:
    """Try all again: the code may have changed."""
    _known.clear()
