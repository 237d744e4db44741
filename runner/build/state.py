"""Settings -> a fresh state: model, optimizer and clipping, made sure to fit the data."""

import functools
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import torch
from cachetools import LRUCache

from runner import config
from runner.build.numbers import unscheduled
from runner.build.task import kind_of, task_of
from runner.config import Settings
from runner.config.checks import AVERAGE
from runner.culprit import blamed, failing
from runner.errors import Mistake, under
from runner.training import devices, optimizers, weights
from runner.training.arithmetic import counting
from runner.training.average import Average
from runner.training.data import Dataset
from runner.training.fit import SAMPLES, check_model
from runner.training.groups import split_parameters
from runner.training.light import LIGHT
from runner.training.state import State
from runner.trial.groups import read_groups
from runner.trial.limits import check_arguments

MOST_BYTES = 2**28  # of fresh states that are kept for the next run
_fresh: LRUCache[Hashable, State] = LRUCache(MOST_BYTES, getsizeof=lambda state: _bytes(state))


def fresh_state(settings: Settings, data: Dataset | None, device: torch.device) -> State:
    """Return a state that nobody else has, from the seed. Runs whose recipes begin alike get copies
    of one. Raises Mistake for what does not fit."""
    state = checked_state(settings, data, device)
    if _fresh.pop(_key(settings), None) is None:  # too large to be there twice
        return state
    if (spare := state.copy()) is not None:
        _fresh[_key(settings)] = spare
    return state


def checked_state(settings: Settings, data: Dataset | None, device: torch.device) -> State:
    """Return a fresh state for a look; whoever trains it spoils it for others."""
    key = _key(settings)
    if key in _fresh:
        return _fresh[key]
    state = new_state(settings, data, device)
    if _bytes(state) <= MOST_BYTES:
        _fresh[key] = state
    return state


def new_state(settings: Settings, data: Dataset | None, device: torch.device) -> State:
    """Build a state from the seed. Raises Mistake for what does not fit."""
    with blamed("clipping", settings.clipping.get("_target_")):
        clipping = config.build("clipping", unscheduled(settings.clipping))
    if not callable(clipping):
        must = "must give a function that clips gradients"
        raise Mistake("clipping._target_", must, type(clipping).__name__)
    model = _model(settings, data)
    with blamed("model", settings.model["_target_"]):
        model.to(device)
    task = task_of(settings, data).to(device)
    with under(""), counting() as operations:
        check_model(model, task, data, data.train if data else None)
    file = weights_file(settings)
    if file is not None:
        keep_new = settings.model.get("weights_except") or []
        with under("model"):
            weights.load_into(model, file, keep_new, f"weights of {settings.model['weights']}")
    images = data is not None and data.holds_images
    if images and (settings.precision == "bfloat16" or device.type == "cpu"):
        model.to(memory_format=torch.channels_last)  # faster there, in float32 by a tenth
    state = State(model, _optimizer(settings, model), clipping, task)
    if settings.train.ema is not None:
        state.average = _average(model, settings.train.ema)
    state.keeps_average = settings.train.keep.startswith(AVERAGE)
    state.operations = operations.of_a_sample(model, SAMPLES if data else 1)
    return state


def forget() -> None:
    """Keep no fresh state any longer: the code that made them may have changed."""
    _fresh.clear()


def weights_file(settings: Settings) -> Path | None:
    """Return the file of the weights that a model starts from, None where it starts anew."""
    given = settings.model.get("weights")
    must = "must be a .safetensors file or an MLflow run id"
    if not given:
        if settings.model.get("weights_except"):
            raise Mistake("model.weights", f"{must}, since model.weights_except is given", "none")
        return None
    if Path(given).is_file():
        return Path(given)
    if len(given) == 32 and all(c in "0123456789abcdef" for c in given):
        return _fetched(settings.tracking.uri, given)
    raise Mistake("model.weights", must, f"'{given}'")


@functools.lru_cache(maxsize=8)
def _fetched(uri: str | None, run_id: str) -> Path:
    """Return a run's weights, fetched once for all jobs of a sweep."""
    from runner.tracking.mlflow import fetch

    return fetch(uri, run_id, "weights.safetensors")


def _key(settings: Settings) -> Hashable:
    """Return the same for all settings whose model and optimizer begin alike."""
    groups = [settings.model, settings.dataset, settings.task, unscheduled(settings.optimizer)]
    numbers = [settings.precision, settings.device, settings.seed, settings.train.ema]
    numbers.append(settings.train.keep)
    file = settings.model.get("weights")
    changed = Path(file).stat().st_mtime_ns if file and Path(file).is_file() else None
    return json.dumps([*groups, unscheduled(settings.clipping), *numbers, changed], sort_keys=True)


def _bytes(state: State) -> int:
    tensors = [*state.model.parameters(), *state.model.buffers()]
    found = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    return found * 2 if state.average else found


def _model(settings: Settings, data: Dataset | None) -> torch.nn.Module:
    spec = {k: v for k, v in settings.model.items() if k not in ("weights", "weights_except")}
    factory = config.partial("model", spec)
    offered = _offered(settings, data) if data else {}
    wanted = {name: value for name, value in offered.items() if factory.accepts(name)}
    given = ", ".join(f"{name}={value}" for name, value in wanted.items()) or "its arguments"
    must = f"must be a class that can be built with {given}"

    def mistake(told: str) -> Mistake:
        return Mistake("model._target_", must, advice=f"{spec['_target_']} fails with {told}")

    with devices.seeded(settings.seed), failing(mistake):
        model = factory(**wanted)
    if not isinstance(model, torch.nn.Module):
        raise Mistake("model._target_", "must be a torch.nn.Module", type(model).__name__)
    return model


def _offered(settings: Settings, data: Dataset) -> dict[str, Any]:
    """Return what a model may ask for."""
    size = kind_of(settings.task)().size(data)
    return {"input_shape": data.input_shape, "classes": size, "outputs": size}


def _average(model: torch.nn.Module, decay: float) -> Average:
    must = "must be a model that can be copied, as train.ema keeps an average"
    with failing(lambda told: Mistake("model", must, advice=f"it fails with {told}")):
        return Average(model, decay)


def _optimizer(settings: Settings, model: torch.nn.Module) -> torch.optim.Optimizer:
    own = ("groups", "layer_decay")
    spec = {k: v for k, v in unscheduled(settings.optimizer).items() if k not in own}
    with under("optimizer"):
        groups = read_groups(settings.optimizer.get("groups") or [])
        factory = config.partial("optimizer", spec)
        check_arguments(spec)
        function = factory.bound.func
        if isinstance(function, type) and function in LIGHT and not spec.get("differentiable"):
            factory = factory.instead(LIGHT[function])
        parts = split_parameters(model, groups, settings.optimizer.get("layer_decay"))
        with blamed("optimizer", spec["_target_"]):
            made = optimizers.build(factory, parts, sparse=optimizers.has_sparse(model))
        if not isinstance(made, torch.optim.Optimizer):
            raise Mistake(
                "optimizer._target_", "must be a torch.optim.Optimizer", type(made).__name__
            )
        return made
