"""Keeps the states of a run while it trains."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from runner.culprit import told
from runner.errors import one_line
from runner.results.events import Chunk, Event, step_key
from runner.results.records import Records
from runner.states.stock import Stock
from runner.training import kernels
from runner.training.capture import NotStorable
from runner.training.state import Progress
from runner.trial import StateName

MOST = 0.02  # of the time of training, that keeping states may take
SECONDS = 60.0  # behind which a state is kept wherever the run is


class Keeper:
    """A listener that keeps states: always where they are needed, else as long as all of it takes
    less than a fiftieth of the training's time.

    A state is copied on its device; a thread writes it. state: that training changes. records: of
    the run, heard before. run_id: under which it is recorded, "" where it is not.
    """

    def __init__(self, stock: Stock, state: Progress, records: Records, run_id: str) -> None:
        self._stock, self._state, self._records, self._run_id = stock, state, records, run_id
        self._names = stock.trial.names()
        self._names.extend({name: records.column(step_key(name)) for name in stock.trial.numbers})
        self._began = self._last = time.monotonic()
        self._spent = 0.0
        self._kept: StateName | None = None
        self._off = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="states")
        self._writing: Future[None] | None = None

    def hear(self, event: Event) -> None:
        """Take the numbers that name the states."""
        if isinstance(event, Chunk):
            numbers = {name: event.columns[step_key(name)] for name in self._stock.trial.numbers}
            self._names.extend(numbers)
            if self._writing is None or self._writing.done():
                self._stock.turns.passed(event.start + len(event) - 1)

    def end(self) -> None:
        """Keep the state that the run has ended with, whatever that takes."""
        if self._state.step > 0:
            self._keep(wait=True)

    def close(self) -> None:
        """Wait until all is written."""
        self._writer.shutdown()

    def _is_due(self, step: int) -> bool:
        """Return whether a state is worth its time behind a step."""
        return self._stock.cuts.has(step) or time.monotonic() - self._last > SECONDS

    def _is_costly(self) -> bool:
        """Return whether keeping takes too much of the training's time."""
        busy = self._writing is not None and not self._writing.done()
        return busy or self._spent > MOST * (time.monotonic() - self._began)

    def _keep(self, *, wait: bool) -> None:
        if self._off or self._state.step == 0:
            return
        if kernel := kernels.seen():
            self._refuse(kernels.why(kernel))
            return
        name = self._names.at(self._state.step)
        if name == self._kept:
            return
        began = time.monotonic()
        if not wait and self._is_costly():
            return
        if self._writing is not None:
            self._writing.result()
        try:
            content = {**self._captured(), "run_id": self._run_id}
        except Exception as error:  # of a person's code, too: training goes on
            self._refuse(one_line(error) if isinstance(error, NotStorable) else told(error))
            return
        self._kept, self._last = name, time.monotonic()
        self._spent += self._last - began
        self._writing = self._writer.submit(self._write, name, content)

    def _captured(self) -> dict[str, Any]:
        """Return all that is kept of the state. Raises NotStorable."""
        raise NotImplementedError

    def _refuse(self, why: str) -> None:
        """Keep no state from now on, and let others train towards those that were claimed."""
        self._off = True
        if self._writing is not None:
            self._writing.result()
        self._stock.release()
        self._refused(why)

    def _refused(self, why: str) -> None:
        """Say that no state is kept."""
        what = "none" if self._kept is None else f"none behind step {self._kept.step:,}"
        self._stock.warn(f"states: {what} of this run is kept, as {why}")

    def _write(self, name: StateName, content: dict[str, Any]) -> None:
        began = time.thread_time()
        self._stock.store.save(name, content)
        self._stock.turns.done(name)
        self._spent += time.thread_time() - began
