"""Ctrl-C, SIGTERM or a closed terminal as a wish to stop, read by the loop between two steps."""

import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Self

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LIMITS = tuple(  # by which queues say that the time is over
    getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2", "SIGXCPU") if hasattr(signal, name)
)
STOP_FILE = "RUNNER_STOP_FILE"  # the environment's name for a sweep's way to stop its processes


class Loading:
    """While open, a Ctrl-C raises KeyboardInterrupt; the end raises it once more, since callbacks
    and C extensions swallow what is raised in them, and libraries make another error of it."""

    def __enter__(self) -> Self:
        self._noted = False
        self._before = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self._noted and (kind is None or issubclass(kind, Exception)):
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = True
        if (file := os.environ.get(STOP_FILE)) is not None:  # of a sweep, all of which is to stop
            with suppress(OSError):
                Path(file).touch()
        raise KeyboardInterrupt


class Interrupts:
    """While open, the first of some signals is noted and a second one raises KeyboardInterrupt.

    A terminal that closes may say so twice, and insists on nothing; under `nohup` it says nothing.

    alone: whether a signal is for this process only, and not for others of the sweep.
    """

    def __init__(self, signals: Sequence[signal.Signals] = STOPS, *, alone: bool = False) -> None:
        self._signals = signals
        self._alone = alone
        self._asked = False
        self._noted = False
        self._number: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in self._signals:
                if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def request(self) -> None:
        """Ask to stop, as a first signal does."""
        self._asked = True

    def is_limit(self) -> bool:
        """Return whether a queue has said that the time is over."""
        return self._number in LIMITS

    def pass_on(self) -> None:
        """Let whoever listened before hear of a limit, once all has ended in order: it may queue
        the job again. That the time is over is no failure."""
        handler = self._before.get(self._number or 0)
        if not (self.is_limit() and callable(handler)):
            return
        try:
            handler(self._number, None)
        except Exception as error:
            if type(error).__name__ != "UncompletedJobError":  # submitit's
                raise

    def requested(self) -> bool:
        """Return whether the run should stop."""
        if self._asked or self._noted:
            return True
        file = os.environ.get(STOP_FILE)
        return file is not None and os.path.exists(file)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted:
            if number == signal.SIGHUP or number in LIMITS:  # said twice, insists on nothing
                return
            raise KeyboardInterrupt
        file = None if self._alone else os.environ.get(STOP_FILE)
        is_said = file is not None and os.path.exists(file)  # by another process of the sweep
        if file is not None:  # first of all: another signal may raise anywhere below
            with suppress(OSError):
                Path(file).touch()
        self._noted, self._number = True, number
        if is_said:
            return
        with suppress(OSError):  # print would not bear to be interrupted by itself
            os.write(2, b"\nstopping after this step (again: at once)\n")
