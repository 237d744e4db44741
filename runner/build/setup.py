"""Settings -> everything that a run starts with: built and checked, nothing is written."""

import platform
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy
import torch

import runner
from runner.build.data import load
from runner.build.horizon import horizon
from runner.build.notes import notes
from runner.build.numbers import key_of, numbers, unscheduled
from runner.build.rehearsal import rehearse
from runner.build.state import checked_state, fresh_state, weights_file
from runner.build.task import differs, task_of
from runner.config import Settings
from runner.culprit import blamed
from runner.errors import under
from runner.training import clipping, devices, optimizers, weights
from runner.training.arithmetic import threads_for
from runner.training.data import Dataset
from runner.training.state import State
from runner.trial import Numbers, Recipe, Trial
from schedules import steps_of

MOST_NAMES = 8  # in a note


@dataclass(frozen=True)
class Setup:
    """What a run starts with.

    settings: with the number of threads that it uses. state: fresh; training changes it. notes:
    what a person might not have meant, a line each.
    """

    settings: Settings
    trial: Trial
    state: State
    data: Dataset | None
    device: torch.device
    notes: tuple[str, ...] = ()

    @property
    def metric(self) -> str:
        """What says which of two such runs is better."""
        return self.state.metric


def build(settings: Settings) -> Setup:
    """Return what a run starts with. Raises Mistake for whatever does not fit together."""
    return _setup(settings, fresh_state)


def check(settings: Settings) -> Setup:
    """Return what a run would start with, for a look: its state must not be trained.

    Raises Mistake for whatever does not fit together.
    """
    return _setup(settings, checked_state)


def _setup(
    settings: Settings, state_of: Callable[[Settings, Dataset | None, torch.device], State]
) -> Setup:
    with under(""):
        device = devices.resolve(settings.device)
        devices.check_precision(settings.precision, device)
    devices.use(device, 1)  # what is made before training depends on no number of threads
    data = load(settings.dataset)
    if data is not None:
        with blamed("dataset", settings.dataset["_target_"]):
            data = data.to(device)
    counted = task_of(settings, data).samples(data.train) if data else 0
    length = horizon(settings, len(data.train) if data else 0, counted)
    follows = numbers(settings, length)
    with under("train"):
        eval_every = steps_of(settings.train.eval_every, length, "eval_every", 1)
        given = settings.train.stop_after
        stop_after = None if given is None else steps_of(given, length, "stop_after", 1)
    state = state_of(settings, data, device)
    threads = settings.threads or _threads(settings, state, data, device)
    settings = replace(settings, threads=threads)
    devices.use(device, threads)
    _check_numbers(settings, follows, state)
    recipe = _recipe(settings, device, data.content if data else "")
    trial = Trial(recipe, follows, eval_every, stop_after)
    rehearse(settings, trial, state, data)
    said = (*notes(settings, follows, eval_every), *_unused(settings, state))
    return Setup(settings, trial, state, data, device, said)


def _recipe(settings: Settings, device: torch.device, content: str) -> Recipe:
    file = weights_file(settings)
    return Recipe(
        model={k: v for k, v in settings.model.items() if k != "weights"},
        dataset={k: v for k, v in settings.dataset.items() if k != "root"},
        optimizer=unscheduled(settings.optimizer),
        clipping=unscheduled(settings.clipping),
        batch_size=settings.train.batch_size,
        seed=settings.seed,
        precision=settings.precision,
        device=device.type,
        threads=settings.threads if device.type == "cpu" else None,
        weights=weights.digest(file) if file else None,
        versions=versions(),
        task=differs(settings),
        accumulate=settings.train.accumulate,
        ema=settings.train.ema,
        content=content,
    )


def _threads(settings: Settings, state: State, data: Dataset | None, device: torch.device) -> int:
    """Return how many threads suit a run that was given no number of them."""
    if device.type != "cpu":
        return devices.DEFAULT_THREADS
    batch_size = settings.train.batch_size if data else 1
    return threads_for(state.operations, batch_size, devices.DEFAULT_THREADS)


def _unused(settings: Settings, state: State) -> list[str]:
    """Return a note where a file of weights holds more than the model takes."""
    if (file := weights_file(settings)) is None:
        return []
    extra = weights.unused(state.model, file, settings.model.get("weights_except") or [])
    shown = ", ".join(extra[:MOST_NAMES]) + (", ..." if len(extra) > MOST_NAMES else "")
    return [f"model.weights holds what the model has no place for: {shown}"] if extra else []


def versions() -> dict[str, str]:
    """Return the versions that decide the bits of a run."""
    return {
        "runner": runner.__version__,
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "python": platform.python_version(),
    }


def _check_numbers(settings: Settings, follows: Numbers, state: State) -> None:
    """Refuse numbers that the optimizer or the clipping does not have or take."""
    for name in follows:
        key, trace = key_of(name, settings), follows.trace(name)
        room = key.partition(".")[0]
        if room == "optimizer":
            with under(room):
                optimizers.check_scheduled(state.optimizer, name, float(trace.min()))
                clipping.check_free(state.clipping, name)
        elif room == "clipping":
            for value in (float(trace.min()), float(trace.max())):
                with under(room):
                    clipping.with_numbers(state.clipping, {name: value})
