"""Heartbeats: whether the worker of a trial is still there.

Optuna's own beat in `study.optimize` only, which would draw, claim and tell by itself, and on
databases only, never in a journal.
"""

import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner.study.queue import locks
from runner.study.queue.attributes import SUSPECTED, WORKER

_GAP_SECONDS = 2.0
_GRACE_SECONDS = 1.0  # for a beat that waited for the storage as long as the suspicion did
_SAME_SECONDS = 1.0  # two processes of one id do not begin within
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def place() -> str:
    """Return the machine since its last start (and which container) that process ids count on."""
    with suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid")
        return f"{socket.gethostname()} {_BOOT.read_text().strip()} {namespace}"
    return socket.gethostname()


def sign_of_life() -> dict[str, Any]:
    """Return what a heartbeat stores: which process works on a trial, and when it said so."""
    pid = os.getpid()
    return {"place": place(), "pid": pid, "began": began(pid), "beat": time.time()}


def began(pid: int) -> float | None:
    """Return when a process began, in seconds since the machine did; None where it has ended.

    It tells a process from a later one of the same id. Not the time of day, which may be set.
    """
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return float(process.create_time() - psutil.boot_time())
    return None


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
        if sign is None or sign["place"] != place() or sign["began"] is None:
            return self._is_silent(study, trial, None if sign is None else sign["beat"], now)
        there, then = began(sign["pid"]), sign["began"]
        if isinstance(then, str):  # an earlier version wrote /proc's clock ticks
            then = int(then) / os.sysconf("SC_CLK_TCK")
        return there is None or abs(there - then) >= _SAME_SECONDS

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
