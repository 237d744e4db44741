"""The helper itself: it does what it is asked, for each thread that asks in a thread."""

import os
import pickle
import pkgutil
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from runner.helper.calls import Answer, Call, Surroundings, portable

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTOU")
_TAME = "runner.report.strays:tame"
_importing = threading.Lock()  # two threads may find each other's modules half made


class Place:
    """The surroundings, which a process has for all its threads: a call waits until those that need
    other ones have ended."""

    def __init__(self) -> None:
        self._now = Surroundings.now()
        self._changed = threading.Condition()
        self._calls = self._movers = 0

    @contextmanager
    def of(self, call: Call) -> Iterator[None]:
        """Be where a call wants to be until it has ended."""
        wanted = call.surroundings
        with self._changed:
            self._changed.wait_for(lambda: not self._movers)
            if wanted != self._now:
                self._movers += 1  # who comes later waits, too
                self._changed.wait_for(lambda: not self._calls)
                self._movers -= 1
                self._changed.notify_all()
                self._go(wanted)
            self._calls += 1
        try:
            yield
        finally:
            with self._changed:
                self._calls -= 1
                self._changed.notify_all()

    def _go(self, wanted: Surroundings) -> None:
        os.chdir(wanted.folder)
        for name in self._now.environment.keys() - wanted.environment.keys():
            os.environ.pop(name, None)
        os.environ.update(wanted.environment)
        self._now = wanted


def main() -> None:
    """Serve whoever sends a connection through the standard input, until nobody can any more.

    The words of the command are functions without arguments that are called first.
    """
    for name in _SIGNALS:  # are for those who ask: what they have recorded still travels then
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_prepare, args=(sys.argv[2:],), daemon=True).start()
    asking, place = socket.socket(fileno=os.dup(0)), Place()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # not for what is started from here
    while True:
        data, files, *_ = socket.recv_fds(asking, 1, 1)
        if not data:
            os._exit(0)  # at once, as they did
        for file in files:
            os.set_inheritable(file, False)
            threading.Thread(target=_serve, args=(Connection(file), place), daemon=True).start()


def _prepare(names: list[str]) -> None:
    with _importing:
        for name in (_TAME, *names):
            with suppress(Exception):  # whoever needs it hears of it
                pkgutil.resolve_name(name)()


def _serve(connection: Connection, place: Place) -> None:
    with suppress(EOFError, OSError), connection:
        while True:
            connection.send_bytes(_answer(connection.recv_bytes(), place))


def _answer(asked: bytes, place: Place) -> bytes:
    try:
        with _importing:
            call: Call = pickle.loads(asked)
        with place.of(call):
            return pickle.dumps(Answer(call.function(*call.given)))
    except BaseException as error:
        return pickle.dumps(Answer(error=portable(error)))  # which always can be
