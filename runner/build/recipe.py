"""Settings -> everything that decides a run except what follows a schedule."""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy
import torch

from runner.build.code import code_of
from runner.build.counts import counting
from runner.build.machine import machine_of
from runner.build.numbers import unscheduled
from runner.build.state import weights_file
from runner.build.task import differs
from runner.config import Settings
from runner.config.fuse import OFF
from runner.culprit import told
from runner.errors import Unhashable, out_of_memory, under
from runner.training import compiled, weights
from runner.training.content import content_of
from runner.training.data import Dataset
from runner.trial import Recipe

_DECIDES = ("model", "dataset", "optimizer", "clipping", "loop")  # groups whose code trains
EVALUATION = 1  # of our own evaluation: another one where it finds other figures


def recipe_of(settings: Settings, device: torch.device, data: Dataset | None) -> Recipe:
    """Return the recipe of a run."""
    file = weights_file(settings)
    mode = None if settings.train.compile == OFF else settings.train.compile
    recipe = Recipe(
        model={k: v for k, v in settings.model.items() if k != "weights"},
        dataset=counting("dataset", settings.dataset),
        optimizer=unscheduled(settings.optimizer),
        clipping=unscheduled(settings.clipping),
        batch_size=settings.train.batch_size,
        seed=settings.seed,
        precision=settings.precision,
        device=device.type,
        threads=settings.threads if device.type == "cpu" else None,
        weights=weights.digest(file) if file else None,
        versions=versions() | ({} if mode is None else compiler(device)),
        task=differs(settings),
        accumulate=settings.train.accumulate,
        ema=settings.train.ema,
        drop_last=settings.train.drop_last,
        compile=mode,
        machine=machine_of(device),
    )
    try:
        with _hashing():
            parts = [recipe.task, *(getattr(settings, name) for name in _DECIDES)]
            code = code_of(_targets(parts))
            content = content_of(data.train, data.content, data.augment) if data else ""
    except Unhashable as error:
        return _with(recipe, unnamed=str(error), content=data.content if data else "")
    found = {**recipe.versions, **code.distributions}
    return _with(recipe, code=code.sources, versions=found, content=content)


def versions() -> dict[str, str]:
    """Return the versions that decide the bits of every run."""
    return {
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "python": platform.python_version(),
    }


def compiler(device: torch.device) -> dict[str, str]:
    """Return the version of what compiles models. Raises Mistake where there is none."""
    with under(""):
        return {"compiler": compiled.compiler_of(device)}


def evaluations_of(settings: Settings, data: Dataset | None) -> dict[str, str]:
    """Return the names of what is evaluated of a state, and how: "val" and "test".

    Raises Unhashable for what has none.
    """
    with _hashing():
        code = code_of(_targets([settings.task]))
        how = [settings.task, code.sources, code.distributions, EVALUATION]
        parts = {"val": data and data.val, "test": data and data.test}
        return {
            name: _digest([name, *how, content_of(part, data.content) if part and data else ""])
            for name, part in parts.items()
        }


@contextmanager
def _hashing() -> Iterator[None]:
    """Let whatever fails in a person's code mean that it has no hash: training needs none."""
    try:
        yield
    except Unhashable:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        raise Unhashable(told(error)) from error


def _with(recipe: Recipe, **more: Any) -> Recipe:
    return Recipe(**{**vars(recipe), **more})


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=dict).encode()).hexdigest()


def _targets(value: Any) -> Iterator[str]:
    """Yield all targets in a configuration."""
    if isinstance(value, Mapping):
        if isinstance(target := value.get("_target_"), str):
            yield target
        for one in value.values():
            yield from _targets(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _targets(one)
