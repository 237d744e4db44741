"""Settings -> a job that can be trained: everything is built and checked, nothing is written."""

import functools
import json
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy
import torch

import runner
from runner import config, tracking
from runner.build.numbers import Scheduled, horizon, scheduled, unscheduled
from runner.config import Settings
from runner.errors import Mistake, one_line
from runner.training import clipping, devices, optimizers, weights
from runner.training.data import Dataset
from runner.training.evaluation import check_outputs
from runner.training.groups import read_groups, split_parameters
from runner.training.loop import Plan, State
from runner.trial.limits import check_arguments
from runner.trial.trial import Recipe, Trial
from schedules import steps_of

CLASSES_OF_NO_DATA = 1


@dataclass(frozen=True)
class Job:
    """A trial with the objects that train it. `state` is fresh; training changes it.

    notes: what a person might not have meant, a line each.
    """

    settings: Settings
    trial: Trial
    plan: Plan
    data: Dataset | None
    device: torch.device
    state: State
    notes: tuple[str, ...] = ()


def assemble(settings: Settings, state: State | None = None) -> Job:
    """Build a job. Raises Mistake for whatever does not fit together.

    state: to check a job with, of another one with the same `state_key`.
    """
    device = _checked("", devices.resolve, settings.device)
    _checked("", devices.check_precision, settings.precision, device)
    threads = settings.threads or devices.DEFAULT_THREADS
    devices.use(device, threads)
    dataset = load(json.dumps(settings.dataset, sort_keys=True))
    if dataset is not None:
        dataset = dataset.to(device)
    length = horizon(settings, len(dataset.train) if dataset else 0)
    follows = scheduled(settings, length)
    plan = Plan(
        schedule=follows.lr,
        horizon=length,
        clipping=config.build("clipping", unscheduled(settings.clipping)),
        eval_every=_checked("train.", steps_of, settings.train.eval_every, length, "eval_every", 1),
        seed=settings.seed,
        batch_size=settings.train.batch_size,
        precision=settings.precision,
        optimizer_schedules=follows.optimizer,
        clipping_schedules=follows.clipping,
    )
    file = _weights_file(settings)
    recipe = Recipe(
        model={k: v for k, v in settings.model.items() if k != "weights"},
        dataset={k: v for k, v in settings.dataset.items() if k != "root"},
        optimizer=unscheduled(settings.optimizer),
        clipping=unscheduled(settings.clipping),
        batch_size=settings.train.batch_size,
        seed=settings.seed,
        precision=settings.precision,
        device=device.type,
        threads=threads if device.type == "cpu" else None,
        weights=weights.digest(file) if file else None,
        versions=versions(),
    )
    trial = Trial(recipe, follows.lr, length, follows.others)
    state = state or _state(settings, dataset, device, file)
    _check_traces(follows, plan, state)
    settings = replace(settings, threads=threads)
    return Job(settings, trial, plan, dataset, device, state, tuple(follows.notes()))


def state_key(settings: Settings) -> str:
    """Return the same text for all settings whose model and optimizer begin alike."""
    parts = [settings.model, settings.dataset, unscheduled(settings.optimizer)]
    return json.dumps([*parts, settings.precision, settings.device, settings.seed], sort_keys=True)


def versions() -> dict[str, str]:
    """Return the versions that decide the bits of a run."""
    return {
        "runner": runner.__version__,
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "python": platform.python_version(),
    }


@functools.lru_cache(maxsize=2)
def load(spec: str) -> Dataset | None:
    """Return the data set of a spec in JSON; kept, since the jobs of a sweep share it."""
    arguments = json.loads(spec)
    stated = arguments.get("train_size")
    if stated is not None and not config.partial("dataset", unsized(arguments)).accepts(
        "train_size"
    ):
        arguments = unsized(arguments)
    found = config.build("dataset", arguments)
    if found is not None and not isinstance(found, Dataset):
        raise Mistake(
            f"dataset._target_ must return a runner.training.Dataset or None, "
            f"got {type(found).__name__}"
        )
    size = len(found.train) if found else 0
    if stated is not None and stated != size:
        raise Mistake(
            f"dataset.train_size must be {size}, the training samples that there are, got {stated}"
        )
    return found


def unsized(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a data set's arguments without its size, which not every one takes."""
    return {key: value for key, value in spec.items() if key != "train_size"}


def _checked(prefix: str, function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except (ValueError, TypeError) as error:
        raise (
            error if isinstance(error, Mistake) else Mistake(f"{prefix}{one_line(error)}")
        ) from error


def _check_traces(follows: Scheduled, plan: Plan, state: State) -> None:
    """Refuse numbers that the optimizer or the clipping does not have or take."""
    traces = follows.traces()
    for name in follows.optimizer:
        lowest = float(traces[name].min())
        _checked("optimizer.", optimizers.check_scheduled, state.optimizer, name, lowest)
    for name in follows.clipping:
        for value in (float(traces[name].min()), float(traces[name].max())):
            _checked("clipping.", clipping.scheduled, plan.clipping, {name: value})


def _weights_file(settings: Settings) -> Path | None:
    given = settings.model.get("weights")
    if not given:
        if settings.model.get("weights_except"):
            raise Mistake(
                "model.weights must be a .safetensors file or an MLflow run id, since "
                "model.weights_except is given, got none"
            )
        return None
    if Path(given).is_file():
        return Path(given)
    if len(given) == 32 and all(c in "0123456789abcdef" for c in given):
        return _fetched(settings.tracking.uri, given)
    raise Mistake(f"model.weights must be a .safetensors file or an MLflow run id, got '{given}'")


@functools.lru_cache(maxsize=8)
def _fetched(uri: str | None, run_id: str) -> Path:
    """Return a run's weights, fetched once for all jobs of a sweep."""
    return tracking.fetch(uri, run_id, "weights.safetensors")


def _state(
    settings: Settings, dataset: Dataset | None, device: torch.device, file: Path | None
) -> State:
    """Build model and optimizer from the seed, and make sure that they fit the data."""
    spec = {k: v for k, v in settings.model.items() if k not in ("weights", "weights_except")}
    factory = config.partial("model", spec)
    offered = (
        {}
        if dataset is None
        else {
            "input_shape": dataset.input_shape,
            "classes": dataset.classes,
        }
    )
    torch.manual_seed(settings.seed)
    wanted = {name: value for name, value in offered.items() if factory.accepts(name)}
    try:
        model = factory(**wanted)
    except Exception as error:
        if isinstance(error, Mistake) or devices.out_of_memory(error):
            raise
        given = ", ".join(f"{name}={value}" for name, value in wanted.items())
        raise Mistake(
            f"model._target_ must be a class that can be built with {given or 'its arguments'}; "
            f"{spec['_target_']} fails with {type(error).__name__}: {one_line(error)}"
        ) from error
    if not isinstance(model, torch.nn.Module):
        raise Mistake(f"model._target_ must be a torch.nn.Module, got {type(model).__name__}")
    model.to(device)
    classes = dataset.classes if dataset else CLASSES_OF_NO_DATA
    _checked("", check_outputs, model, dataset.train if dataset else None, classes)
    if file is not None:
        keep_new = settings.model.get("weights_except") or []
        given = settings.model["weights"]
        _checked("model.", weights.load_into, model, file, keep_new, f"weights of {given}")
    images = dataset is not None and len(dataset.input_shape) == 3
    if images and (settings.precision == "bfloat16" or device.type == "cpu"):
        model.to(memory_format=torch.channels_last)  # faster there, in float32 by a tenth
    return State(model, _optimizer(settings, model))


def _optimizer(settings: Settings, model: torch.nn.Module) -> torch.optim.Optimizer:
    own = ("groups", "layer_decay")
    spec = {k: v for k, v in unscheduled(settings.optimizer).items() if k not in own}
    groups = _checked("optimizer.", read_groups, settings.optimizer.get("groups") or [])
    factory = config.partial("optimizer", spec)
    _checked("optimizer.", check_arguments, spec)
    decay = settings.optimizer.get("layer_decay")
    parts = _checked("optimizer.", split_parameters, model, groups, decay)
    optimizer: torch.optim.Optimizer = _checked("optimizer: ", optimizers.build, factory, parts)
    return optimizer
