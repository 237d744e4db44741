"""Processes of this machine that take a grid's jobs one after the other."""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

from runner import warm
from runner.errors import Mistake
from runner.interrupts import STOP_FILE, Interrupts
from runner.report.audience import Audience, audience, listening
from runner.report.say import open_streams
from runner.report.strays import tame
from runner.results.result import Result, Status
from runner.sweep.launch import Job, run_here

Labelled = Callable[..., Result]  # of settings, and what stands before its lines
LOOK_SECONDS = 0.1
END_SECONDS = 5.0  # for who is interrupted at once


@dataclass(eq=False)
class Worker:
    """A process, the way to it, and the number of the job that it runs."""

    process: BaseProcess
    way: Connection
    number: int | None = None

    @classmethod
    def begin(cls, run: Labelled) -> Self:
        """Begin a process. Raises Mistake where none can be had."""
        mine, its = multiprocessing.Pipe()
        with its:
            given = (its, run, audience())
            process = warm.begin(work, *given, environment=dict(os.environ), key="sweep.workers")
            return cls(process, mine)

    def take(self, number: int, job: Job) -> None:
        """Give it a job to run."""
        self.number = number
        with suppress(OSError):  # it has died, which `ended` says
            self.way.send((job.name, job.settings))

    def ended(self, job: Job, *, interrupted: bool) -> Result:
        """Return what came of its job."""
        self.number = None
        try:
            result: Result = self.way.recv()
        except (EOFError, OSError):
            self.process.join()
            if interrupted:
                return Result(job.name, Status.KILLED, reason="interrupted")
            reason = f"its process has died, status {self.process.exitcode}"
            return Result(job.name, Status.FAILED, reason=reason)
        return result

    def insist(self) -> None:
        """Interrupt its job at once."""
        for number in (signal.SIGTERM, signal.SIGINT):  # two, as a person presses Ctrl-C twice
            with suppress(ProcessLookupError):
                os.kill(self.process.pid or 0, number)

    def end(self) -> None:
        """End the process; what it runs ends with it."""
        self.way.close()
        if self.number is None:
            self.process.join(END_SECONDS)
        warm.end(self.process)


class Pool:
    """Runs jobs, several at a time. Close it behind the last.

    run: what a process calls with the settings of a job and its label. count: of processes.
    interrupts: ask it to begin no further job; the environment names the file by which those that
    run hear of it.
    """

    def __init__(self, run: Labelled, count: int, interrupts: Interrupts) -> None:
        self._run = run
        self._interrupts = interrupts
        self._workers: list[Worker] = []
        self._count = count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.way.close()  # all of them, before one is waited for
        for worker in self._workers:
            worker.end()

    def results(
        self, jobs: Sequence[Job], begins: Callable[[int], None]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the number of each job that has ended, and what came out. None raises.

        begins: called with the number of each job before it begins.
        """
        left, interrupts = deque(range(len(jobs))), self._interrupts
        while left or self._busy():
            if interrupts.requested():
                yield from ((number, not_started(jobs[number])) for number in left)
                left.clear()
            while left and (worker := self._idle()):
                begins(left[0])
                worker.take(left[0], jobs[left[0]])
                left.popleft()
            try:
                ready = self._ready(LOOK_SECONDS)
            except KeyboardInterrupt:
                ready = self._insisted()
            for worker in ready:
                number = worker.number
                assert number is not None
                yield number, worker.ended(jobs[number], interrupted=interrupts.requested())

    def _busy(self) -> list[Worker]:
        return [one for one in self._workers if one.number is not None]

    def _idle(self) -> Worker | None:
        """Return a process that runs nothing, a new one where there may be more."""
        for worker in list(self._workers):
            if worker.number is None and not worker.process.is_alive():
                worker.end()
                self._workers.remove(worker)
            elif worker.number is None:
                return worker
        if len(self._workers) == self._count:
            return None
        try:
            worker = Worker.begin(self._run)
        except Mistake:
            if not self._workers:
                raise
            self._count = len(self._workers)  # those that there are go on
            return None
        self._workers.append(worker)
        return worker

    def _ready(self, seconds: float) -> list[Worker]:
        busy = self._busy()
        ready = connections.wait([one.way for one in busy], seconds)
        return [one for one in busy if one.way in ready]

    def _insisted(self) -> list[Worker]:
        """Interrupt all that runs at once; return who has ended by that, or was killed."""
        busy = self._busy()
        for worker in busy:
            worker.insist()
        until = time.monotonic() + END_SECONDS
        while time.monotonic() < until and len(self._ready(LOOK_SECONDS)) < len(busy):
            time.sleep(LOOK_SECONDS)
        ready = self._ready(0.0)
        for worker in busy:
            if worker not in ready:
                worker.process.kill()
        return busy


def not_started(job: Job) -> Result:
    """Return what came of a job that an interrupt has forestalled."""
    return Result(job.name, Status.KILLED, reason="not started")


def work(way: Connection, run: Labelled, hears: Audience) -> int:
    """Run the jobs that come, as a process of its own, see `warm`, until none can come any more."""
    open_streams()
    tame()
    threading.Thread(target=_stop_behind_starter, daemon=True).start()
    with listening(hears), suppress(EOFError, OSError):
        while True:
            name, settings = way.recv()
            way.send(run_here(Job(name, (), settings), partial(run, label=name)))
    return 0


def _stop_behind_starter() -> None:
    """Stop what runs here when the starter has died: nobody else would."""
    if (starter := multiprocessing.parent_process()) is not None:
        starter.join()
        with suppress(OSError):
            Path(os.environ[STOP_FILE]).touch()
