"""What a command line does, and what Hydra calls for each job that it runs itself."""

import io
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

from runner.config.command_line import CommandLine, without_hydra
from runner.config.help import keys_and_options
from runner.config.request import Request, hand_over, read_line, request, running
from runner.config.settings import Settings
from runner.errors import Mistake, one_line, out_of_memory
from runner.interrupts import LIMITS, Interrupts, Loading
from runner.report.say import say, warn
from runner.report.strays import tame
from runner.results.events import Listener
from runner.results.result import Result, Status, exit_status
from runner.tracking import Recording, trackers_of

if TYPE_CHECKING:
    from runner.build.fusing import Beside
    from runner.results.answer import Answer
    from runner.sweep.launch import Run


def answer(typed: Sequence[str]) -> int:
    """Do what a command line asks for and return the exit status.

    Raises Mistake before anything is created.
    """
    _check_alone()
    line = read_line(typed)
    if line.asks_hydra:
        return hydra_tells(line)
    asked = request(line)
    if asked.is_left_to_hydra:
        if not asked.is_multirun:  # Hydra may make a folder before the run is there
            _check(asked)
        hand_over(line, job)
        return 0
    if asked.is_study:
        return search(asked).status.exit_status
    return exit_status(train(asked))


def _check_alone() -> None:
    """Raise Mistake where torchrun starts several of this command."""
    if "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        must = "python -m runner must be started once, and start torchrun itself"
        raise Mistake(must, advice="python -m runner ... -- torchrun train.py")


def _check(asked: Request) -> None:
    """Raise Mistake for what does not fit."""
    from runner.build.setup import check

    check(asked.composer.settings(asked.words))


def search(asked: Request) -> "Answer":
    """Search; print and return what was found. Raises Mistake before anything is created."""
    from runner.study.start import search as found

    texts = [one.text for one in without_hydra(asked.words)]
    composer = asked.composer
    return found(texts, composer.config_dir, launcher=asked.hydra.launcher, composer=composer)


def train(asked: Request, run: "Run | None" = None) -> list[Result]:
    """Run alone, or every job of a grid; print and return what came out.

    run: makes a run of settings, `start` unless it is given. Raises Mistake before anything is
    created.
    """
    if not asked.is_multirun:
        return [single(asked.composer.settings(asked.words), run)]
    workers, jobs = asked.sweep.workers, asked.jobs()
    typed = {one.key for one in asked.words}
    advice = "python -m runner takes others"
    if run is not None and "sweep.workers" in typed and workers != 1:
        raise Mistake("sweep.workers", "must be 1 in a notebook or script", str(workers), advice)
    width = asked.sweep.width if run is None else 1
    if run is not None and asked.sweep.width != 1:
        given = str(asked.sweep.fuse)
        raise Mistake("sweep.fuse", "must be off in a notebook or script", given, advice)
    from runner import warm

    several = len(jobs) > 1 and (workers or warm.cores()) > 1
    apart = start if run is None and several else None
    if apart is not None:
        warm.load()
    from runner.sweep.sweep import Sweep

    run = run or start
    how = (asked.composer, asked.hydra.launcher, run, apart)
    sweep = Sweep(*how, workers=workers, width=width)
    return sweep.results(jobs)


def hydra_tells(line: CommandLine) -> int:
    """Print what Hydra tells, such as the help, as text; return the exit status.

    Raises Mistake, with nothing printed, for what it refuses amid its answer.
    """
    found = io.StringIO()
    helps = {"--help", "-h"}.intersection(line.flags)
    try:
        with redirect_stdout(found):
            hand_over(line, job)
    except Mistake:
        found.truncate(0)
        raise
    finally:
        if text := found.getvalue():
            say(text.removesuffix("\n"), *(keys_and_options(line.config_dir) if helps else ()))
    return 0


def single(settings: Settings, run: "Run | None" = None) -> Result:
    """Run alone; print a summary and return the result."""
    result = (run or start)(settings)
    from runner.report.terminal import summary

    if result.details:
        warn(result.details)
    say(*summary(result))
    return result


def job(config: Any) -> Result | None:
    """Run a configuration that Hydra has composed. Of a sweep nothing is raised: the result says
    what went wrong."""
    tame()  # a launcher's process begins here
    _start_processes_as_usual()
    if spec := config.get("study", {}).get("worker"):
        # before what is heavy, where a signal would be lost
        with Interrupts((signal.SIGTERM, *LIMITS)) as interrupts:
            from runner.study.work.launched import work_launched

            work_launched(spec, interrupts)
        interrupts.pass_on()
        return None
    settings, is_swept = running(config)
    if not is_swept:
        raise SystemExit(single(settings).status.exit_status)
    name = settings.tracking.run_name or ""
    if Interrupts().requested():
        return Result(name, Status.KILLED, reason="not started")
    try:
        return start(settings, label=name)
    except Mistake as mistake:
        return Result(name, Status.FAILED, reason=one_line(mistake))


def _start_processes_as_usual() -> None:
    """Let a launcher's process start others as Python does: joblib's leaves its own way behind, by
    which no DataLoader can start its workers."""
    if multiprocessing.get_start_method() not in multiprocessing.get_all_start_methods():
        multiprocessing.set_start_method(None, force=True)


def start(
    settings: Settings,
    label: str = "",
    listeners: Sequence[Listener] = (),
    beside: "Beside | None" = None,
    later: Callable[[Recording], None] | None = None,
) -> Result:
    """Build and run. Trackers load in threads of their own meanwhile. From the first step on,
    Ctrl-C ends the run with its record; before it, nothing is there yet.

    listeners: also hear what happens. beside: with whom it trains as one program. later: takes its
    recording, whose end travels on, where that is not to be waited for. Raises Mistake
    before anything is created.
    """
    trackers = trackers_of(settings.tracking)
    for tracker in trackers:
        tracker.check()
    recording = Recording(trackers, warn).start()
    try:
        with Loading():
            from runner.build.setup import build
            from runner.run import run

            setup = build(settings)
            if beside is not None:
                from runner.build.fusing import as_row

                setup, _ = as_row(setup, beside.group)
    except BaseException as error:
        recording.cancel()
        if not isinstance(error, Exception):
            raise
        if not out_of_memory(error):
            raise
        from runner.training.devices import memory_advice

        reason = memory_advice(settings.train.batch_size)
        return Result(label or "run", Status.FAILED, reason=reason)
    for note in setup.notes:
        warn(f"{f'{label}: ' if label else ''}note: {note}")
    with nullcontext(beside.interrupts) if beside else Interrupts() as interrupts:
        how = (setup, recording, interrupts.requested)
        return run(*how, listeners=listeners, label=label, later=later)
