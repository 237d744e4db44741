"""Heartbeats: whether the worker of a trial is still there.

Optuna's own beat in `study.optimize` only, which would draw, claim and tell by itself, and on
databases only, never in a journal.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner import processes
from runner.study.queue import locks
from runner.study.queue.attributes import SUSPECTED, WORKER

FEW_WORKERS = 20  # who may look as often as they like
_GAP_SECONDS = 2.0
_GRACE_SECONDS = 1.0  # for a beat that waited for the storage as long as the suspicion did


def look_seconds(usual: float, running: int, heartbeat: float) -> float:
    """Return how long to wait between two looks at a study: of many workers each looks less often,
    and often enough to hear of each heartbeat.

    >>> look_seconds(0.5, 4, 30), look_seconds(0.5, 100, 30), look_seconds(0.5, 1000, 30)
    (0.5, 2.5, 10.0)
    """
    return max(usual, min(usual * running / FEW_WORKERS, heartbeat / 3))


def sign_of_life() -> dict[str, Any]:
    """Return what a heartbeat stores: which process works on a trial, and when it said so."""
    pid = os.getpid()
    return {
        "place": processes.place(),
        "pid": pid,
        "began": processes.began(pid),
        "beat": time.time(),
    }


@dataclass
class Watch:
    """Finds the trials of a study whose worker is gone: its process has ended, or its heartbeat.

    seconds: without a new beat, where the process cannot be seen from here. Clocks of machines are
    not compared: a beat counts from when this process first saw it, and only while this process
    looks on: what kept it from looking (a storage that was away) kept workers from beating. Nor is
    a trial lost before a suspicion was written: what can be read may be locked for writers.
    """

    seconds: float
    _seen: dict[int, tuple[Any, float]] = field(default_factory=dict)
    _suspected: dict[int, float] = field(default_factory=dict)
    _looked: float = field(default_factory=lambda: monotonic())

    def lost(self, study: Study) -> list[FrozenTrial]:
        """Return the running trials that nobody works on any more."""
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        now = monotonic()
        if now - self._looked > max(self.seconds / 2, _GAP_SECONDS):
            self._seen.clear()
            self._suspected.clear()
        self._looked = now
        return [trial for trial in running if self._is_lost(study, trial, now)]

    def _is_lost(self, study: Study, trial: FrozenTrial, now: float) -> bool:
        sign = trial.user_attrs.get(WORKER)
        if sign is None or sign["place"] != processes.place() or sign["began"] is None:
            return self._is_silent(study, trial, None if sign is None else sign["beat"], now)
        then = sign["began"]
        if isinstance(then, str):  # an earlier version wrote /proc's clock ticks
            then = int(then) / os.sysconf("SC_CLK_TCK")
        return processes.has_ended(sign["pid"], then)

    def _is_silent(self, study: Study, trial: FrozenTrial, beat: Any, now: float) -> bool:
        number = trial.number
        before, since = self._seen.setdefault(number, (beat, now))
        if before != beat:
            self._seen[number] = (beat, now)
            self._suspected.pop(number, None)
            return False
        if now - since >= self.seconds * 2 / 3 and number not in self._suspected:
            with suppress(UpdateFinishedTrialError):
                locks.write(study, trial, SUSPECTED, time.time())
            self._suspected[number] = monotonic()
        suspected = self._suspected.get(number, now)
        return now - since > self.seconds and now - suspected > _GRACE_SECONDS
