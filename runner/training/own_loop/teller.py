"""Lets everybody hear of a loop's steps and evaluations, in order and in bulk."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from runner.errors import Diverged, Misuse
from runner.results.events import LOSS, LR, Evaluation, Event, Hear
from runner.training.loop import diverged_at, heard
from runner.training.own_loop.figures import figures
from runner.training.own_loop.logs import Logs, first_bad
from runner.training.own_loop.state import LoopState
from runner.trial import Trial

TEST_LOSS = "test/loss"


class Teller:
    """Turns what a loop logs and reports into events.

    known: the names of the metrics that may be reported. hear: takes an event. ended_by: what was
    raised where the run is not to go on. tests: whether figures of the test data may be reported.
    """

    def __init__(self, trial: Trial, state: LoopState, known: Iterable[str], hear: Hear) -> None:
        self._trial, self._state, self._known = trial, state, frozenset(known)
        self._hear = hear
        self._logs = Logs()
        self._pending: dict[str, float] = {}
        self._tested: dict[str, float] = {}
        self.ended_by: Exception | None = None
        self.tests = False

    def log(self, values: Mapping[str, Any]) -> None:
        """Take numbers of the step that is being made. Raises Misuse for what is none."""
        for name, value in values.items():
            self._logs.add(name, value)

    def report(self, values: Mapping[str, Any], made: int) -> None:
        """Take figures of an evaluation after so many updates; several reports are one evaluation.

        Raises Misuse for an unknown one, one that is reported twice or at a wrong time.
        """
        found = figures(values, self._known)
        again = self._state.reported and self._state.evaluated == made
        for key in found:
            is_test = key.startswith("test/")
            if is_test and not self.tests:
                raise Misuse(f"{key} is reported where run.tests() does not ask for it")
            if key in self._pending or key in self._tested or (again and not is_test):
                raise Misuse(f"{key} is reported twice at step {made}")
        for key, value in found.items():
            (self._tested if key.startswith("test/") else self._pending)[key] = value

    def step(self, rate: float) -> None:
        """Take note of a made step."""
        self._logs.end_step(rate)
        self._state.step += 1
        is_last = self._state.step == self._trial.horizon.total_steps
        if self._pending or self._logs.is_full or is_last:
            self.flush()

    def flush(self) -> None:
        """Let the made steps be heard that were not yet."""
        if not len(self._logs):
            return
        chunk = self._logs.take(self._state.step - len(self._logs))
        i = first_bad(chunk)
        if i is None:
            self._tell(chunk)
            return
        chunk = chunk[: i + 1]
        self._state.step = chunk.start + i
        self._tell(chunk)
        rate, what = float(chunk.columns[LR][i]), f"{LOSS} is {chunk.columns[LOSS][i]}"
        self.ended_by = Diverged(self._state.step, rate, what)

    def settle(self) -> bool:
        """Let the evaluation that was reported be heard; return whether there was one. Raises
        Misuse where the schedule listens to what it lacks."""
        if not self._pending:
            return False
        found, self._pending = self._pending, {}
        if self.ended_by is not None:
            return False
        lr = self._trial.numbers["lr"]
        if lr.listens and lr.monitor not in found:
            raise Misuse(f"the schedule listens to {lr.monitor}, which the report leaves out")
        self._state.reported.update(found)
        try:
            for evaluation in heard(self._state, self._trial, found):
                self._tell(evaluation)
        except Diverged as error:
            self.ended_by = self.ended_by or error
        return True

    def test(self) -> None:
        """Let the figures of the test data be heard."""
        if not self._tested or self.ended_by is not None:
            return
        state, tested = self._state, self._tested
        step = state.best.step if state.best else state.step
        self._tell(Evaluation(step, tested, time.time_ns() // 1_000_000))
        if not np.isfinite(loss := tested.get(TEST_LOSS, 0.0)):
            self.ended_by = diverged_at(state, self._trial, f"{TEST_LOSS} is {loss}")

    def _tell(self, event: Event) -> None:
        """Let everybody hear an event; whoever has enough of the run ends it."""
        try:
            self._hear(event)
        except Exception as error:
            self.ended_by = self.ended_by or error
