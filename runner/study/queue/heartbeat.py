"""Signs of life: whether the worker of a trial is still there."""

import contextlib
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner.study.queue.attributes import SUSPECTED, WORKER

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

_GAP_SECONDS = 2.0
_GRACE_SECONDS = 1.0  # for a beat that waited for the storage as long as the suspicion did
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STATE, _BEGAN = 0, 19  # fields of /proc/PID/stat behind the name


def place() -> str:
    """Return the machine since its last start (and which container) that process ids count on."""
    with suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid")
        return f"{socket.gethostname()} {_BOOT.read_text().strip()} {namespace}"
    return socket.gethostname()


def beat(storage: "BaseStorage", trial_id: int) -> bool:
    """Say that this process works on a trial; return False where another one took it for lost."""
    pid = os.getpid()
    sign = {"place": place(), "pid": pid, "began": _began(pid), "beat": time.time()}
    try:
        storage.set_trial_user_attr(trial_id, WORKER, sign)
    except UpdateFinishedTrialError:
        return False
    return True


class Beats:
    """While open, beats for the trial that a worker works on, from a thread.

    seconds: of silence after which others take a trial for lost. lost: whether they have.
    """

    def __init__(self, storage: "BaseStorage", seconds: float) -> None:
        self.lost = False
        self._storage = storage
        self._pause = max(seconds / 3, 0.2)
        self._current: int | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="beats", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    @contextlib.contextmanager
    def of(self, trial_id: int) -> Any:
        """Beat for a trial meanwhile."""
        with self._lock:
            self._current, self.lost = trial_id, not beat(self._storage, trial_id)
        try:
            yield
        finally:
            self.rest()

    def rest(self) -> None:
        """Beat no more: the trial is about to end."""
        with self._lock:
            self._current = None

    def _work(self) -> None:
        while not self._ended.wait(self._pause):
            with self._lock, suppress(Exception):  # the storage may be away for a moment
                if self._current is not None and not beat(self._storage, self._current):
                    self._current, self.lost = None, True


@dataclass
class Watch:
    """Finds trials whose worker is gone: its process has ended, or its beats have stopped.

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
        if sign is not None and sign["place"] == place():
            return _began(sign["pid"]) != sign["began"] or not _alive(sign["pid"])
        last = None if sign is None else sign["beat"]
        before, since = self._seen.setdefault(trial._trial_id, (last, now))
        if before != last:
            self._seen[trial._trial_id] = (last, now)
            self._suspected.pop(trial._trial_id, None)
            return False
        if now - since >= self.seconds * 2 / 3 and trial._trial_id not in self._suspected:
            with suppress(UpdateFinishedTrialError):
                study._storage.set_trial_user_attr(trial._trial_id, SUSPECTED, time.time())
            self._suspected[trial._trial_id] = monotonic()
        suspected = self._suspected.get(trial._trial_id, now)
        return now - since > self.seconds and now - suspected > _GRACE_SECONDS


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _stat(pid, _STATE) != "Z"


def _began(pid: int) -> str | None:
    """Return when a process began, which tells it from a later one of the same id."""
    return _stat(pid, _BEGAN)


def _stat(pid: int, index: int) -> str | None:
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[index]
    return None
