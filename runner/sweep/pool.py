"""Processes of this machine that share the jobs of a grid."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import connection as connections
from typing import Self

from runner import warm
from runner.errors import Mistake, one_line
from runner.interrupts import Interrupts
from runner.results.result import Result
from runner.sweep.bundle import Bundle, Labelled
from runner.sweep.worker import END_SECONDS, Worker

LOOK_SECONDS = 0.1


class Pool:
    """Runs bundles of jobs, several at a time. Close it behind the last.

    run: what a process calls with the settings of a job and its label. devices: of each process an
    accelerator, None for what the job says. interrupts: ask it to begin no further job; the
    environment names the file by which those that run hear of it. has_lost: whether one has died,
    perhaps before it had sent what its earlier jobs have recorded.
    """

    def __init__(
        self, run: Labelled, devices: Sequence[str | None], interrupts: Interrupts
    ) -> None:
        self._run = run
        self._interrupts = interrupts
        self._free = list(reversed(devices))  # of processes that are still to begin
        self._workers: list[Worker] = []
        self._has_begun = self.has_lost = False
        self._why = ""  # no further process can be had
        self._kill_at: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.way.close()  # all of them, before one is waited for
        with suppress(KeyboardInterrupt):
            for worker in self._workers:
                worker.deliver()
        for worker in self._workers:
            self._end(worker)

    def results(
        self, bundles: Sequence[Bundle], groups: Sequence[int], begins: Callable[[int], None]
    ) -> Iterator[tuple[Bundle, list[Result]]]:
        """Yield each bundle of jobs that has ended, and what came out. None raises. Where a process
        dies with several jobs, each of them begins again by itself.

        groups: the same number for those that begin alike, of which one waits for another. begins:
        called with the number of each bundle before it begins.

        Raises Mistake where not even the first process can be had.
        """
        bundles, groups = list(bundles), list(groups)
        first = len(bundles)
        left = list(range(first))
        while left or self._busy():
            try:
                while left and not self._interrupts.requested() and (worker := self._idle()):
                    number = self._next(left, groups)
                    if number < first:
                        begins(number)
                    worker.take(number, bundles[number])
                    left.remove(number)
                ready = self._ready(LOOK_SECONDS)
            except KeyboardInterrupt:
                ready = self._insist()
            for worker in ready:
                assert worker.number is not None
                number, stops = worker.number, self._interrupts.requested()
                results, again = worker.ended(bundles[number], interrupted=stops), bundles[number]
                if worker.has_died and len(again.jobs) > 1 and not stops:
                    left += range(len(bundles), len(bundles) + len(again.jobs))
                    groups += [groups[number]] * len(again.jobs)
                    bundles += again.singles
                else:
                    yield again, results
            if self._interrupts.requested():
                yield from ((bundles[one], bundles[one].not_started()) for one in left)
                left.clear()
            elif self._why and not self._workers:
                yield from ((bundles[one], bundles[one].failed(self._why)) for one in left)
                left.clear()

    def _next(self, left: Sequence[int], groups: Sequence[int]) -> int:
        """Return the job that begins next: of those that wait for none that runs, if there are."""
        run = {groups[one.number] for one in self._busy() if one.number is not None}
        return next((number for number in left if groups[number] not in run), left[0])

    def _busy(self) -> list[Worker]:
        return [one for one in self._workers if one.number is not None]

    def _idle(self) -> Worker | None:
        """Return a process that runs nothing, a new one where there may be more."""
        for worker in [one for one in self._workers if one.number is None]:
            if worker.process.is_alive():
                return worker
            self._end(worker)
            self._workers.remove(worker)
            self._free.append(worker.device)
        if not self._free or self._why:
            return None
        try:
            worker = Worker.begin(self._run, self._free[-1])
        except Mistake as mistake:
            if not self._has_begun:
                raise
            self._why = one_line(mistake)  # those that there are go on
            return None
        self._free.pop()
        self._has_begun = True
        self._workers.append(worker)
        return worker

    def _end(self, worker: Worker) -> None:
        worker.end()
        self.has_lost |= worker.process.exitcode != 0

    def _ready(self, seconds: float) -> list[Worker]:
        """Return the processes of whose jobs there is news, or that have died."""
        busy = self._busy()
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            for worker in busy:
                warm.end(worker.process)
        ways = [way for one in busy for way in (one.way, one.process.sentinel)]
        ready = connections.wait(ways, seconds)
        return [one for one in busy if one.way in ready or one.process.sentinel in ready]

    def _insist(self) -> list[Worker]:
        """Interrupt all that runs at once; the second time, kill it."""
        now = time.monotonic()
        if self._kill_at is None:
            for worker in self._busy():
                worker.insist()
        self._kill_at = now if self._kill_at is not None else now + END_SECONDS
        return []
