"""One run, from a job to its record."""

import atexit
import contextlib
import functools
import gc
import json
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from runner import artifacts, provenance
from runner.build.setup import Job
from runner.errors import Diverged, one_line
from runner.report.terminal import Console
from runner.results.records import Chunk, Evaluation, Records
from runner.results.result import Result, Status
from runner.tracking import Header, Tracker, outbox
from runner.training import devices
from runner.training.evaluation import evaluate
from runner.training.loop import train
from runner.trial.trial import fingerprint

_IN_MLFLOW = {Status.DIVERGED: Status.FAILED, Status.PRUNED: Status.KILLED}  # it has no others


@dataclass
class _Progress:
    """What a run has so far."""

    records: Records = field(default_factory=Records)
    metrics: dict[str, float] = field(default_factory=dict)
    kept_step: int = 0
    best: dict[str, Tensor] | None = None
    watch: Callable[[Evaluation], bool] | None = None

    def keep(self, job: Job) -> None:
        """Put the best weights back, if they are wanted."""
        if self.best is not None:
            job.state.model.load_state_dict(self.best)


class _Pruned(Exception):
    """A run is not worth going on with."""


def run(
    job: Job,
    tracker: Tracker | None,
    should_stop: Callable[[], bool],
    *,
    label: str = "",
    watch: Callable[[Evaluation], bool] | None = None,
    brief: bool = False,
    test: bool = True,
) -> Result:
    """Train a job to its end, or as far as it goes, and record everything.

    label: stands before each line on the terminal. watch: told of each evaluation of the validation
    data, it says whether to stop there. brief: one of many; prints nothing, keeps no picture and no
    weights, and does not wait for the delivery of its end. test: whether to look at the test data.
    Raises KeyboardInterrupt only when a person insists; what was recorded is kept then, too.
    """
    started = time.monotonic()
    name = run_name(job)
    link = tracker.open(_header(job, name, brief)) if tracker else None
    keep_what_is_loaded()
    horizon = job.trial.horizon
    console = Console(horizon.total_steps, horizon.steps_per_epoch, label, quiet=brief)
    progress = _Progress(watch=watch)
    insisted = False
    try:
        status, reason, details = _train(job, progress, tracker, console, should_stop, test)
    except KeyboardInterrupt:
        insisted, status, reason, details = True, Status.KILLED, "interrupted", ""
    finally:
        console.close()
    progress.keep(job)
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        delivered = True
        if tracker is not None:
            if not insisted:
                if not brief:
                    tracker.flush(wait_seconds=1.0)  # numbers first: drawing would slow them down
                _record_files(Path(folder), job, progress.records, details, tracker, brief)
            tracker.tags(_final_tags(job, progress, status, reason))
            delivered = tracker.close(_IN_MLFLOW.get(status, status), wait=not brief)
    if insisted:
        if not delivered:
            console.line(f"the run's records wait in {outbox.ROOT}; the next start sends them")
        raise KeyboardInterrupt
    return Result(
        name=name,
        status=status,
        metrics=progress.metrics,
        kept_step=progress.kept_step,
        steps=job.state.step,
        reason=reason,
        details=details,
        seconds=time.monotonic() - started,
        command=provenance.command(job.settings),
        link=link,
        delivered=delivered,
    )


def run_name(job: Job) -> str:
    """Return a run's name: the given one, or what its command line says."""
    settings = job.settings
    given = settings.tracking.run_name
    return given or provenance.name(settings.overrides, settings.choices.get("schedule", "run"))


@functools.cache
def keep_what_is_loaded() -> None:
    """Spare the garbage collector the loaded libraries: a look through them takes 0.1 s, in the
    middle of a run. Once, so that nothing of a run is kept."""
    gc.freeze()
    atexit.register(gc.unfreeze)  # at the end libraries want to see theirs collected


def _header(job: Job, name: str, brief: bool) -> Header:
    settings = job.settings
    return Header(
        experiment=settings.tracking.experiment or "runs",
        name=name,
        params=provenance.params(settings) | _scales(job),
        tags=provenance.tags(
            settings, devices.describe(job.device), job.trial.recipe.versions, brief=brief
        ),
    )


def _scales(job: Job) -> dict[str, str]:
    """Return the share of the rate at which each parameter group learns, where they differ."""
    scales = [group.get("lr_scale", 1.0) for group in job.state.optimizer.param_groups]
    return {"lr_scales": json.dumps(scales)} if set(scales) != {1.0} else {}


def _train(
    job: Job,
    progress: _Progress,
    tracker: Tracker | None,
    console: Console,
    should_stop: Callable[[], bool],
    test: bool,
) -> tuple[Status, str, str]:
    """Train and test; return the status, why, and the traceback of a failure."""
    try:
        for event in train(job.state, job.plan, job.data, should_stop):
            _take(event, job, progress, tracker, console)
            if isinstance(event, Evaluation):
                _look(event, progress)
        if tracker is not None and test:
            tracker.flush()
        if job.state.step < job.trial.horizon.total_steps:
            made = job.state.step
            return Status.KILLED, f"interrupted after {made} step{'' if made == 1 else 's'}", ""
        progress.keep(job)
        if test and job.data is not None:
            found = evaluate(job.state.model, job.data.test, job.plan.precision)
            metrics = {f"test/{key}": value for key, value in found.items()}
            event = Evaluation(progress.kept_step, metrics, time.time_ns() // 1_000_000)
            progress.records.add(event)
            progress.metrics |= metrics
            if tracker is not None:
                tracker.points(list(event.points()))
        return Status.FINISHED, "", ""
    except Diverged as error:
        return Status.DIVERGED, str(error), ""
    except _Pruned:
        total = job.trial.horizon.total_steps
        return Status.PRUNED, f"pruned after {job.state.step} of {total} steps", ""
    except Exception as error:
        if devices.out_of_memory(error):
            return Status.FAILED, devices.memory_advice(job.settings.train.batch_size), ""
        return Status.FAILED, f"{type(error).__name__}: {one_line(error)}", traceback.format_exc()


def _take(
    event: Chunk | Evaluation,
    job: Job,
    progress: _Progress,
    tracker: Tracker | None,
    console: Console,
) -> None:
    progress.records.add(event)
    if tracker is not None:
        tracker.points(event.points())
    console.hear(event)
    if isinstance(event, Chunk):
        return
    best = job.settings.train.keep == "best"
    if best and progress.metrics and not _better(event.metrics, progress.metrics):
        return
    progress.metrics, progress.kept_step = dict(event.metrics), event.step
    if best:
        state = job.state.model.state_dict()
        progress.best = {name: tensor.clone() for name, tensor in state.items()}


def _look(event: Evaluation, progress: _Progress) -> None:
    if progress.watch is not None and progress.watch(event):
        raise _Pruned


def _better(new: dict[str, float], old: dict[str, float]) -> bool:
    if "val/accuracy" in new and new["val/accuracy"] != old["val/accuracy"]:
        return new["val/accuracy"] > old["val/accuracy"]
    return new["val/loss"] < old["val/loss"]


def _record_files(
    folder: Path, job: Job, records: Records, details: str, tracker: Tracker, brief: bool
) -> None:
    """Record the artifacts; a full disk or an odd model must not cost the run its end."""
    try:
        artifacts.write(folder, job, records, details, brief=brief)
        tracker.artifacts(folder)
    except Exception as error:
        with contextlib.suppress(OSError):
            tracker.tags({"artifacts": f"not written: {one_line(error)}"})


def _final_tags(job: Job, progress: _Progress, status: Status, reason: str) -> dict[str, str]:
    kept = job.state.step if progress.best is None else progress.kept_step
    trace = progress.records.arrays()["lr"][:kept]
    others = {name: values[:kept] for name, values in progress.records.others().items()}
    name = fingerprint(job.trial.recipe, trace, others)
    tags = {"fingerprint": name, "kept_step": str(kept)}
    if status in (Status.DIVERGED, Status.PRUNED):
        tags[status.lower()] = reason
    elif reason:
        tags["reason"] = reason
    return tags
