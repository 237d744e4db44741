"""The task that Hydra calls, once for a run and once for each job of a sweep."""

import sys
from typing import Any

from runner.config import Settings, current, read, runs_alone, sweeping
from runner.errors import Mistake, one_line
from runner.interrupts import Interrupts, Loading
from runner.results.result import Result, Status
from runner.tracking import Recording, trackers_of


def task(config: Any) -> Result | None:
    """Run one configuration. In a sweep nothing is raised: the result says what went wrong."""
    if spec := config.get("study", {}).get("worker"):
        from runner.study.work.jobs import work_as_job

        work_as_job(spec)
        return None
    if sweeping():
        return one_of_many(config)
    raise SystemExit(single(config))


def single(config: Any) -> int:
    """Run alone: print a summary and return the exit status."""
    try:
        result = start(read(config, current()))
    except Mistake as mistake:
        print(f"error: {one_line(mistake)}", file=sys.stderr)
        return 2
    from runner.report.runs import summary

    if result.details:
        warn(result.details)
    print("\n".join(summary(result)))
    return result.status.exit_status


def one_of_many(config: Any) -> Result:
    """Run as a job of a sweep."""
    settings = read(config, current())
    name = settings.tracking.run_name or ""
    if Interrupts().requested():
        return Result(name, Status.KILLED, reason="not started")
    try:
        return start(settings, label="" if runs_alone() else name)
    except Mistake as mistake:
        return Result(name, Status.FAILED, reason=one_line(mistake))


def start(settings: Settings, label: str = "") -> Result:
    """Assemble and run. MLflow loads in a thread of its own meanwhile. From the first step on,
    Ctrl-C ends the run with its record; before it, nothing is there yet.

    Raises Mistake before anything is created.
    """
    trackers = trackers_of(settings.tracking)
    for tracker in trackers:
        tracker.check()
    recording = Recording(trackers, warn).start()
    try:
        with Loading():
            from runner.build.setup import build
            from runner.run import run
            from runner.training.devices import memory_advice, out_of_memory

            setup = build(settings)
    except BaseException as error:
        recording.cancel()
        if not isinstance(error, Exception) or not out_of_memory(error):
            raise
        return Result(
            label or "run", Status.FAILED, reason=memory_advice(settings.train.batch_size)
        )
    for note in setup.notes:
        warn(f"{f'{label}: ' if label else ''}note: {note}")
    with Interrupts() as interrupts:
        return run(setup, recording, interrupts.requested, label=label)


def warn(line: str) -> None:
    """Print a line that is no result."""
    print(line, file=sys.stderr, flush=True)
