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
from runner import config, devices, optimizers, tracking, weights
from runner.config import Settings
from runner.data import Dataset
from runner.errors import Mistake, one_line
from runner.evaluation import check_outputs
from runner.training import Plan, State
from runner.trial import Recipe, Trial
from schedules import Horizon, Schedule, Warmup, steps_of

CLASSES_OF_NO_DATA = 1


@dataclass(frozen=True)
class Job:
    """A trial with the objects that train it. `state` is fresh; training changes it."""

    settings: Settings
    trial: Trial
    plan: Plan
    data: Dataset | None
    device: torch.device
    state: State


def assemble(settings: Settings) -> Job:
    """Build a job. Raises Mistake for whatever does not fit together."""
    device = _checked("", devices.resolve, settings.device)
    _checked("", devices.check_precision, settings.precision, device)
    threads = settings.threads or devices.DEFAULT_THREADS
    devices.use(device, threads)
    dataset = load(json.dumps(settings.dataset, sort_keys=True))
    if dataset is not None:
        dataset = dataset.to(device)
    horizon = _horizon(settings, dataset)
    schedule = _schedule(settings, horizon)
    _check_monitor(schedule, dataset)
    eval_every = _checked("train.", steps_of, settings.train.eval_every, horizon, "eval_every", 1)
    plan = Plan(
        schedule=schedule,
        horizon=horizon,
        clipping=config.build("clipping", settings.clipping),
        eval_every=eval_every,
        seed=settings.seed,
        batch_size=settings.train.batch_size,
        precision=settings.precision,
    )
    file = _weights_file(settings)
    recipe = Recipe(
        model={k: v for k, v in settings.model.items() if k != "weights"},
        dataset={k: v for k, v in settings.dataset.items() if k != "root"},
        optimizer=settings.optimizer,
        clipping=settings.clipping,
        batch_size=settings.train.batch_size,
        seed=settings.seed,
        precision=settings.precision,
        device=device.type,
        threads=threads if device.type == "cpu" else None,
        weights=weights.digest(file) if file else None,
        versions=versions(),
    )
    trial = Trial(recipe, schedule, horizon)
    _check_trace(trial)
    state = _state(settings, dataset, device, file)
    return Job(replace(settings, threads=threads), trial, plan, dataset, device, state)


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
    found = config.build("dataset", json.loads(spec))
    if found is not None and not isinstance(found, Dataset):
        raise Mistake(
            f"dataset._target_ must return a runner.data.Dataset or None, "
            f"got {type(found).__name__}"
        )
    return found


def _checked(prefix: str, function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except (ValueError, TypeError) as error:
        raise (
            error if isinstance(error, Mistake) else Mistake(f"{prefix}{one_line(error)}")
        ) from error


def _horizon(settings: Settings, dataset: Dataset | None) -> Horizon:
    train = settings.train
    size = len(dataset.train) if dataset else 1
    if dataset is not None and train.batch_size > size:
        raise Mistake(
            f"train.batch_size must be at most {size}, the training samples that there are, "
            f"got {train.batch_size}"
        )
    per_epoch = -(-size // train.batch_size) if dataset else 1
    if train.steps is not None:
        return Horizon(total_steps=train.steps, steps_per_epoch=per_epoch)
    one = Horizon(total_steps=1, steps_per_epoch=per_epoch)
    epochs = f"{train.epochs:.12f}".rstrip("0").rstrip(".") + "ep"
    total = _checked("train.", steps_of, epochs, one, "epochs", 1)
    return Horizon(total_steps=total, steps_per_epoch=per_epoch)


def _schedule(settings: Settings, horizon: Horizon) -> Schedule:
    schedule: Any = config.build("schedule", settings.schedule)
    if not isinstance(schedule, Schedule):
        raise Mistake(f"schedule._target_ must be a schedules.Schedule, got {schedule!r}")
    if settings.warmup and settings.warmup.get("_target_"):
        schedule = config.build("warmup", settings.warmup, schedule=schedule)
    try:
        bound: Schedule = schedule.bind(horizon)
    except ValueError as error:
        message = one_line(error)
        own = isinstance(schedule, Warmup) and not message.startswith("schedule.")
        within = "" if message.startswith("schedule.") else "warmup." if own else "schedule."
        raise Mistake(f"{within}{message}") from error
    return bound


def _check_trace(trial: Trial) -> None:
    """Refuse a schedule, perhaps of a person's own, that gives no rates."""
    trace = trial.trace()
    if trace is None:
        return
    bad = numpy.flatnonzero(~(numpy.isfinite(trace) & (trace >= 0)))
    if bad.size:
        raise Mistake(
            f"schedule must give finite rates of at least 0, got {trace[bad[0]]} at step {bad[0]}"
        )


def _check_monitor(schedule: Schedule, dataset: Dataset | None) -> None:
    known = ("val/loss", "val/accuracy") if dataset else ("val/loss",)
    if schedule.listens and schedule.monitor not in known:
        raise Mistake(f"schedule.monitor must be {' or '.join(known)}, got '{schedule.monitor}'")


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
    spec = {k: v for k, v in settings.optimizer.items() if k != "groups"}
    groups = _checked("optimizer.", optimizers.read_groups, settings.optimizer.get("groups") or [])
    factory = config.partial("optimizer", spec)
    _checked("optimizer.", optimizers.check_arguments, spec)
    parts = _checked("optimizer.", optimizers.split_parameters, model, groups)
    optimizer: torch.optim.Optimizer = _checked("optimizer: ", optimizers.build, factory, parts)
    return optimizer
