"""A process that takes jobs of a grid one after the other."""

import multiprocessing
import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

from runner import warm
from runner.config.settings import Settings
from runner.interrupts import STOP_FILE, Interrupts
from runner.report.audience import Audience, audience, listening
from runner.report.say import open_streams
from runner.report.strays import tame
from runner.results.result import Result
from runner.sweep.bundle import Bundle, Labelled
from runner.sweep.deliveries import Deliveries
from runner.sweep.launch import Job

END_SECONDS = 5.0


@dataclass(eq=False)
class Worker:
    """A process, the way to it, its accelerator, and the number of the bundle that it runs."""

    process: BaseProcess
    way: Connection
    device: str | None
    number: int | None = None
    has_died: bool = False

    @classmethod
    def begin(cls, run: Labelled, device: str | None) -> Self:
        """Begin a process. Raises Mistake where none can be had."""
        mine, its = multiprocessing.Pipe()
        with its:
            given = (its, run, audience())
            process = warm.begin(work, *given, environment=dict(os.environ), key="sweep.workers")
            return cls(process, mine, device)

    def take(self, number: int, bundle: Bundle) -> None:
        """Give it jobs to run."""
        self.number = number
        sent = [(job.name, self._placed(job.settings)) for job in bundle.jobs]
        with suppress(OSError):  # it has died, which `ended` says
            self.way.send((sent, bundle.width))

    def _placed(self, settings: Settings) -> Settings:
        if self.device is None or settings.device != "auto":
            return settings
        return replace(settings, device=self.device)

    def ended(self, bundle: Bundle, *, interrupted: bool) -> list[Result]:
        """Return what came of its jobs, of which there is news."""
        self.number = None
        with suppress(EOFError, OSError):
            if self.way.poll():
                results: list[Result] = self.way.recv()
                return results
        self.has_died = True
        warm.end(self.process)
        if interrupted:
            return bundle.interrupted()
        return bundle.failed(f"its process has died, status {self.process.exitcode}")

    def deliver(self) -> None:
        """Wait until it has sent what its jobs have recorded, unless it runs one."""
        if self.number is None:
            self.process.join()

    def insist(self) -> None:
        """Interrupt its jobs at once."""
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
    deliveries = Deliveries()
    run = partial(run, later=deliveries.add)
    with listening(hears), suppress(EOFError, OSError):
        while True:
            sent, width = way.recv()
            jobs = tuple(Job(name, (), settings) for name, settings in sent)
            bundle = Bundle(tuple(range(len(jobs))), jobs, width)
            stopped = Interrupts().requested()
            way.send(bundle.not_started() if stopped else bundle.run(run, label=True))
    deliveries.join()
    return 0


def _stop_behind_starter() -> None:
    """Stop what runs here when the starter has died: nobody else would."""
    if (starter := multiprocessing.parent_process()) is not None:
        starter.join()
        with suppress(OSError):
            Path(os.environ[STOP_FILE]).touch()
