"""One run, from what it starts with to its record."""

import atexit
import contextlib
import functools
import gc
import json
import math
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runner import artifacts, provenance
from runner.addresses import relative
from runner.build.setup import Setup
from runner.culprit import told
from runner.errors import Diverged, one_line, out_of_memory
from runner.report import descriptions, views
from runner.report.terminal import Console
from runner.results.events import CLIPPED, LR, Evaluation, Listener, step_key
from runner.results.records import Records
from runner.results.result import Link, Result, Status
from runner.results.view import KIND, RUN, STATUS
from runner.tracking import Header, Recording
from runner.tracking.outbox import ROOT
from runner.training import devices
from runner.training.clipping import Unclipped
from runner.training.evaluation import evaluate
from runner.training.loop import diverged_at, train
from runner.training.state import BestKeeper
from runner.trial.groups import own_rates, read_groups


class Pruned(Exception):
    """What a listener raises where a run is not worth going on with."""


@dataclass(frozen=True)
class _Ending:
    status: Status
    reason: str = ""
    details: str = ""


def run(
    setup: Setup,
    recording: Recording,
    should_stop: Callable[[], bool],
    *,
    listeners: Sequence[Listener] = (),
    label: str = "",
    brief: bool = False,
    keep_weights: bool = False,
    test: bool = True,
) -> Result:
    """Train to the end, or as far as it goes, and record everything.

    listeners: also hear every event, after those of the run itself; one may raise Pruned. label:
    stands before each line on the terminal. brief: one of many; prints nothing, keeps no picture
    and no weights, and does not wait for the delivery of its end. keep_weights: even if brief.
    test: whether to look at the test data. Raises KeyboardInterrupt only when a person insists;
    what was recorded is kept then, too.
    """
    started = time.monotonic()
    name = run_name(setup)
    recording.open(_header(setup, name, brief))
    keep_what_is_loaded()
    records, terminal = Records(), _console(setup, label, brief)
    keeper = [BestKeeper(setup.state)] if setup.settings.train.keep == "best" else []
    everyone: list[Listener] = [records, recording, terminal, *keeper, *listeners]
    try:
        ending = _train(setup, everyone, recording, should_stop, test)
    except KeyboardInterrupt:
        ending = None
    finally:
        terminal.close()
    _restore_best(setup)
    known = ending or _Ending(Status.KILLED, "interrupted")
    result = Result(
        name=name,
        status=known.status,
        metrics=_metrics(setup, records),
        kept_step=_kept_step(setup, records),
        steps=setup.state.step,
        reason=known.reason,
        note=_note(setup, records) if known.status == Status.FINISHED else "",
        details=known.details,
        seconds=time.monotonic() - started,
        command=provenance.command(setup.settings),
        link=recording.link,
        layers=_layers(setup, records),
        clipped=_clipped(setup, records),
        rates=records.column(LR) if setup.trial.numbers["lr"].listens and not brief else None,
    )
    kept = artifacts.Kept(weights=not brief or keep_weights, picture=not brief)
    delivered = _record_end(setup, records, recording, result, kept if ending else None, brief)
    if ending is None:
        if not delivered:
            terminal.line(f"the run's records wait in {ROOT}; the next start sends them")
        raise KeyboardInterrupt
    return replace(
        result,
        seconds=time.monotonic() - started,
        delivered=delivered,
        picture=_picture(recording.link),
    )


def _note(setup: Setup, records: Records) -> str:
    """Return what is odd about a run that finished."""
    usual = not setup.trial.recipe.task
    guess = math.log(setup.data.classes) if setup.data and usual else math.inf
    return records.standstill(setup.trial.horizon.steps_per_epoch, guess)


def _layers(setup: Setup, records: Records) -> dict[str, tuple[float, ...]]:
    """Return the highest rates of parameter groups that have rates of their own."""
    groups = read_groups(setup.settings.optimizer.get("groups") or [])
    parts = setup.state.optimizer.param_groups
    scales = [(part.get("pattern", ""), part.get("lr_scale", 1.0)) for part in parts]
    return own_rates(groups, scales, float(records.column(LR).max(initial=0.0)))


def _clipped(setup: Setup, records: Records) -> int | None:
    """Return of how many updates the gradient was cut, None without a clipping."""
    if isinstance(setup.state.clipping, Unclipped):
        return None
    return int(records.column(CLIPPED)[: setup.state.step].sum())


def _picture(link: Link | None) -> str:
    """Return the file of a run's rates, from the working folder on where it lies in it."""
    file = Path(link.folder, artifacts.PICTURE) if link and link.folder else None
    return relative(file) if file and file.is_file() else ""


def _console(setup: Setup, label: str, brief: bool) -> Console:
    horizon = setup.trial.horizon
    return Console(horizon.total_steps, horizon.steps_per_epoch, label, quiet=brief)


def run_name(setup: Setup) -> str:
    """Return a run's name: the given one, or what its command line says."""
    settings = setup.settings
    given = settings.tracking.run_name
    return given or provenance.name(settings.overrides, settings.choices.get("schedule", "run"))


@functools.cache
def keep_what_is_loaded() -> None:
    """Spare the garbage collector the loaded libraries: a look through them takes 0.1 s, in the
    middle of a run. Once, so that nothing of a run is kept."""
    gc.freeze()
    atexit.register(gc.unfreeze)  # at the end libraries want to see theirs collected


def _train(
    setup: Setup,
    everyone: Sequence[Listener],
    recording: Recording,
    should_stop: Callable[[], bool],
    test: bool,
) -> _Ending:
    """Train and test; every listener hears every event."""
    state, total = setup.state, setup.trial.horizon.total_steps
    try:
        for event in train(state, setup.trial, setup.data, should_stop):
            for listener in everyone:
                listener.hear(event)
        if test:
            recording.flush()
        if state.step < total:
            steps = f"{state.step} step{'' if state.step == 1 else 's'}"
            return _Ending(Status.KILLED, f"interrupted after {steps}")
        if test and setup.data is not None:
            event = _tested(setup)
            for listener in everyone:
                listener.hear(event)
            if not math.isfinite(loss := event.metrics["test/loss"]):
                raise diverged_at(state, setup.trial, f"test/loss is {loss}")
        return _Ending(Status.FINISHED)
    except Diverged as error:
        return _Ending(Status.DIVERGED, str(error))
    except Pruned:
        return _Ending(Status.PRUNED, f"pruned after {state.step} of {total} steps")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # of a person's code
        if out_of_memory(error):
            batch_size = setup.settings.train.batch_size
            return _Ending(Status.FAILED, devices.memory_advice(batch_size))
        return _Ending(Status.FAILED, told(error), traceback.format_exc())


def _tested(setup: Setup) -> Evaluation:
    """Return what the weights that are kept find on the test data."""
    assert setup.data is not None
    _restore_best(setup)
    best = setup.state.best
    found = evaluate(
        setup.state.model, setup.state.loss, setup.data.test, setup.trial.recipe.precision
    )
    metrics = {f"test/{key}": value for key, value in found.items()}
    return Evaluation(best.step if best else setup.state.step, metrics, time.time_ns() // 1_000_000)


def _restore_best(setup: Setup) -> None:
    """Put the best weights back, where they were kept."""
    if setup.state.best is not None:
        setup.state.model.load_state_dict(setup.state.best.weights)


def _metrics(setup: Setup, records: Records) -> dict[str, float]:
    """Return what was found of the weights that are kept."""
    last = [e.metrics for e in records.evaluations if not _is_test(e)][-1:]
    tested = [e.metrics for e in records.evaluations if _is_test(e)]
    kept = [setup.state.best.metrics] if setup.state.best else last
    return {key: value for metrics in (*kept, *tested) for key, value in metrics.items()}


def _kept_step(setup: Setup, records: Records) -> int:
    """Return how many updates the weights that were last evaluated had seen."""
    evaluated = [e.step for e in records.evaluations if not _is_test(e)] or [0]
    return setup.state.best.step if setup.state.best else evaluated[-1]


def _is_test(evaluation: Evaluation) -> bool:
    return any(key.startswith("test/") for key in evaluation.metrics)


def _header(setup: Setup, name: str, brief: bool) -> Header:
    settings, device = setup.settings, devices.describe(setup.device)
    tags = provenance.tags(settings, device, setup.trial.recipe.versions, brief=brief)
    scales = [group.get("lr_scale", 1.0) for group in setup.state.optimizer.param_groups]
    differ = {"lr_scales": json.dumps(scales)} if set(scales) != {1.0} else {}
    return Header(
        experiment=settings.tracking.experiment or "runs",
        name=name,
        params=provenance.params(settings) | differ,
        tags={KIND: RUN, **tags},
        views=[] if KIND in settings.tracking.tags else [views.runs(setup.metric)],
    )


def _record_end(
    setup: Setup,
    records: Records,
    recording: Recording,
    result: Result,
    kept: artifacts.Kept | None,
    brief: bool,
) -> bool:
    """Record how a run ended, and its files unless a person insists (nothing is kept); return
    whether all is delivered."""
    if not recording:
        return True
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        if kept is not None:
            if not brief:
                recording.flush(wait_seconds=1.0)  # numbers first: drawing would slow them down
            _record_files(Path(folder), setup, records, result.details, recording, kept)
        recording.tags(_final_tags(setup, records, result))
        return recording.close(result.status, wait=not brief)


def _record_files(
    folder: Path,
    setup: Setup,
    records: Records,
    details: str,
    recording: Recording,
    kept: artifacts.Kept,
) -> None:
    """Record the artifacts; a full disk or an odd model must not cost the run its end."""
    try:
        artifacts.write(folder, setup, records, details, kept)
        recording.artifacts(folder)
    except Exception as error:
        with contextlib.suppress(OSError):
            recording.tags({"artifacts": f"not written: {one_line(error)}"})


def _final_tags(setup: Setup, records: Records, result: Result) -> dict[str, str]:
    state, trial = setup.state, setup.trial
    kept = state.best.step if state.best else state.step
    used = {name: records.column(step_key(name)) for name in trial.numbers}
    own = setup.settings.tracking.tags
    total_steps = trial.horizon.total_steps
    tags = {
        "fingerprint": trial.fingerprint(kept, used),
        "kept_step": str(kept),
        STATUS: result.status,
        descriptions.KEY: descriptions.run(result.name, own, result, total_steps),
    }
    if result.status in (Status.DIVERGED, Status.PRUNED):
        return tags | {result.status.lower(): result.reason}
    return tags | ({"reason": result.reason} if result.reason else {})
