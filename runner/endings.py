"""The end of a run: what is known of it then, and how that is recorded."""

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runner import artifacts, provenance
from runner.addresses import relative
from runner.build.setup import Setup
from runner.errors import one_line
from runner.report import descriptions
from runner.results.events import CLIPPED, LR, is_test, step_key
from runner.results.records import Records
from runner.results.result import Link, Result, Status
from runner.results.view import DESCRIPTION, STATUS
from runner.tracking import Recording
from runner.trial.groups import own_rates, read_groups


@dataclass(frozen=True)
class Ending:
    """How a run ended. reason: why it did not finish. details: the traceback of a failure."""

    status: Status
    reason: str = ""
    details: str = ""


def result(setup: Setup, records: Records, ending: Ending, name: str, link: Link | None) -> Result:
    """Return what is known of a run that has ended; its seconds and delivery are not, yet."""
    return Result(
        name=name,
        status=ending.status,
        metrics=_metrics(setup, records),
        metric=setup.metric,
        kept_step=_kept_step(setup, records),
        steps=setup.state.step,
        reason=ending.reason,
        note=setup.state.stopped or _note(setup, records)
        if ending.status == Status.FINISHED
        else "",
        details=ending.details,
        command=provenance.command(setup.settings),
        link=link,
        layers=_layers(setup, records),
        clipped=_clipped(setup, records),
        rates=records.column(LR) if setup.trial.numbers["lr"].listens else None,
    )


def record(
    setup: Setup,
    records: Records,
    recording: Recording,
    found: Result,
    kept: artifacts.Kept | None,
    waits: bool,
) -> bool:
    """Record how a run ended, and its files unless a person insists (nothing is kept); return
    whether all is delivered, as far as that is waited for."""
    if not recording:
        return True
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        if kept is not None:
            if kept.picture:
                recording.flush(wait_seconds=1.0)  # numbers first: drawing would slow them down
            _record_files(Path(folder), setup, records, found.details, recording, kept)
        recording.tags(_final_tags(setup, records, found))
        return recording.close(found.status, wait=waits)


def picture(link: Link | None) -> str:
    """Return the file of a run's rates, from the working folder on where it lies in it."""
    file = Path(link.folder, artifacts.PICTURE) if link and link.folder else None
    return relative(file) if file and file.is_file() else ""


def _note(setup: Setup, records: Records) -> str:
    """Return what is odd about a run that finished."""
    epoch = setup.trial.horizon.steps_per_epoch
    return records.standstill(epoch, setup.state.guess(setup.data))


def _layers(setup: Setup, records: Records) -> dict[str, tuple[float, ...]]:
    """Return the highest rates of parameter groups that have rates of their own."""
    groups = read_groups(setup.settings.optimizer.get("groups") or [])
    parts = setup.state.groups
    scales = [(part.get("pattern", ""), part.get("lr_scale", 1.0)) for part in parts]
    return own_rates(groups, scales, float(records.column(LR).max(initial=0.0)))


def _clipped(setup: Setup, records: Records) -> int | None:
    """Return of how many updates the gradient was cut, None without a clipping."""
    if not setup.state.clips:
        return None
    return int(records.column(CLIPPED)[: setup.state.step].sum())


def _metrics(setup: Setup, records: Records) -> dict[str, float]:
    """Return what was found of the weights that are kept."""
    last = [e.metrics for e in records.evaluations if not is_test(e)][-1:]
    tested = [e.metrics for e in records.evaluations if is_test(e)]
    kept = [setup.state.best.metrics] if setup.state.best else last
    return {key: value for metrics in (*kept, *tested) for key, value in metrics.items()}


def _kept_step(setup: Setup, records: Records) -> int:
    """Return how many updates the weights that were last evaluated had seen."""
    evaluated = [e.step for e in records.evaluations if not is_test(e)] or [0]
    return setup.state.best.step if setup.state.best else evaluated[-1]


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
    except Exception as error:
        with contextlib.suppress(OSError):
            recording.tags({"artifacts": f"not written: {one_line(error)}"})
    with contextlib.suppress(OSError):
        recording.artifacts(folder)


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
        DESCRIPTION: descriptions.run(result.name, own, result, total_steps),
    }
    if result.status in (Status.DIVERGED, Status.PRUNED):
        return tags | {result.status.lower(): result.reason}
    return tags | ({"reason": result.reason} if result.reason else {})
