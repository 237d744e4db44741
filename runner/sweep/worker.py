"""A process that takes jobs of a grid one after the other."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

from runner import warm
from runner.interrupts import STOP_FILE, Interrupts
from runner.report.audience import Audience, audience, listening
from runner.report.say import open_streams
from runner.report.strays import tame
from runner.results.result import Result, Status
from runner.sweep.launch import Job, failed, not_started, run_here

Labelled = Callable[..., Result]  # of settings, and what stands before its lines
END_SECONDS = 5.0


@dataclass(eq=False)
class Worker:
    """A process, the way to it, its accelerator, and the number of the job that it runs."""

    process: BaseProcess
    way: Connection
    device: str | None
    number: int | None = None

    @classmethod
    def begin(cls, run: Labelled, device: str | None) -> Self:
        """Begin a process. Raises Mistake where none can be had."""
        mine, its = multiprocessing.Pipe()
        with its:
            given = (its, run, audience())
            process = warm.begin(work, *given, environment=dict(os.environ), key="sweep.workers")
            return cls(process, mine, device)

    def take(self, number: int, job: Job) -> None:
        """Give it a job to run."""
        self.number, settings = number, job.settings
        if self.device is not None and settings.device == "auto":
            settings = replace(settings, device=self.device)
        with suppress(OSError):  # it has died, which `ended` says
            self.way.send((job.name, settings))

    def ended(self, job: Job, *, interrupted: bool) -> Result:
        """Return what came of its job, of which there is news."""
        self.number = None
        with suppress(EOFError, OSError):
            if self.way.poll():
                result: Result = self.way.recv()
                return result
        warm.end(self.process)
        if interrupted:
            return Result(job.name, Status.KILLED, reason="interrupted")
        return failed(job, f"its process has died, status {self.process.exitcode}")

    def insist(self) -> None:
        """Interrupt its job at once."""
        for number in (signal.SIGTERM, signal.SIGINT):  # two, as a person presses Ctrl-C twice
            with suppress(ProcessLookupError):
                os.kill(self.process.pid or 0, number)

    def end(self) -> None:
        """End the process; what it runs ends with it."""
        self.way.close()
        with suppress(KeyboardInterrupt):
            if self.number is None:
                self.process.join(END_SECONDS)
        warm.end(self.process)


def work(way: Connection, run: Labelled, hears: Audience) -> int:
    """Run the jobs that come, as a process of its own, see `warm`, until none can come any more."""
    open_streams()
    tame()
    threading.Thread(target=_stop_behind_starter, daemon=True).start()
    with listening(hears), suppress(EOFError, OSError):
        while True:
            name, settings = way.recv()
            job = Job(name, (), settings)
            stopped = Interrupts().requested()
            way.send(not_started(job) if stopped else run_here(job, partial(run, label=name)))
    return 0


def _stop_behind_starter() -> None:
    """Stop what runs here when the starter has died: nobody else would."""
    if (starter := multiprocessing.parent_process()) is not None:
        starter.join()
        with suppress(OSError):
            Path(os.environ[STOP_FILE]).touch()
