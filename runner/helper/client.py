"""The way to the helper, which is started where it is not there."""

import os
import pickle
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import runner
from runner.helper.calls import Answer, Call, Lost, Surroundings

ROOT = Path(runner.__file__).parents[1]
CODE = (
    "import sys; sys.argv[1] in sys.path or sys.path.insert(0, sys.argv[1]); "
    "from runner.helper.server import main; main()"
)
END_SECONDS = 5.0
_FEW = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # it does not compute


class Client:
    """Asks one helper. Each thread has a connection of its own to it, and so has each process that
    was forked from this one."""

    def __init__(self) -> None:
        self._changing = threading.RLock()  # a helper may be forked while it is held
        self._asking: socket.socket | None = None
        self._children: list[int] = []
        self._own = threading.local()

    @property
    def has_started(self) -> bool:
        """Whether there is a helper, as far as is known."""
        return self._asking is not None

    def start(self, first: tuple[str, ...] = ()) -> None:
        """Start the helper where there is none.

        first: functions without arguments that it is to call at once, as module:name.
        """
        with self._changing:
            if self._asking is None:
                self._asking = self._started(first)

    def ask(self, function: Callable[..., Any], *given: Any) -> Any:
        """Return what a function of a module returns there, or raise what it raises.

        Raises Lost where the helper dies meanwhile; the next call starts another.
        """
        asked = pickle.dumps(Call(Surroundings.now(), function, given))
        helper, connection = self._connected()
        try:
            connection.send_bytes(asked)
            answer: Answer = pickle.loads(connection.recv_bytes())
        except (EOFError, OSError) as error:
            self._forget(connection)
            with self._changing:
                if self._asking is helper:  # no other thread has seen it
                    self._leave()
            raise Lost() from error
        except BaseException:  # Ctrl-C: what comes is the answer to another question
            self._forget(connection)
            raise
        if answer.error is not None:
            raise answer.error
        return answer.value

    def end(self) -> None:
        """Let the helper end, unless another process can still ask it."""
        with self._changing:
            self._own = threading.local()
            self._leave()
        until = time.monotonic() + END_SECONDS
        while self._children and time.monotonic() < until:
            self._reap()
            time.sleep(0.001)

    def shared(self) -> socket.socket | None:
        """Return what another process asks this helper by, None where there is none."""
        return self._asking

    def share(self, asking: socket.socket) -> None:
        """Ask the helper of another process."""
        with self._changing:
            self._leave()
            self._asking = asking

    def after_fork(self) -> None:
        """Let a process that was forked ask the same helper in its own name."""
        self._changing, self._own, self._children = threading.RLock(), threading.local(), []

    def before_fork(self) -> None:
        """Wait until no other thread holds what a fork would hold open for ever."""
        self._changing.acquire()

    def after_fork_here(self) -> None:
        """Go on in the process that was forked from."""
        self._changing.release()

    def _connected(self) -> tuple[socket.socket, Connection]:
        """Return the connection of this thread, and whose it is."""
        found: tuple[socket.socket, Connection] | None = getattr(self._own, "found", None)
        if found is None:
            with self._changing:
                mine, its = socket.socketpair()
                with its:
                    if self._asking is None or not _sent(self._asking, its):
                        self._leave()
                        self._asking = self._started()
                        _sent(self._asking, its)
                    found = self._own.found = self._asking, Connection(mine.detach())
        return found

    def _started(self, first: tuple[str, ...] = ()) -> socket.socket:
        """Start a helper; return the socket that connections are sent through."""
        self._reap()
        asking, asked = socket.socketpair()
        few = {name: os.environ.get(name, "1") for name in _FEW}
        with asked:
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-P", "-c", CODE, str(ROOT), *first],
                {**os.environ, **few},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, asked.fileno(), 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                ],
                setpgroup=0,  # Ctrl-C is not for it
            )
        self._children.append(pid)
        return asking

    def _forget(self, connection: Connection) -> None:
        with suppress(OSError):
            connection.close()
        self._own.found = None

    def _leave(self) -> None:
        if self._asking is not None:
            self._asking.close()
        self._asking = None

    def _reap(self) -> None:
        for pid in list(self._children):
            with suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
            with suppress(ValueError):  # another thread was faster
                self._children.remove(pid)


def _sent(helper: socket.socket, connection: socket.socket) -> bool:
    """Send a connection to a helper; return whether it is there to take it."""
    try:
        socket.send_fds(helper, [b"+"], [connection.fileno()])
    except OSError:
        return False
    return True


client = Client()
os.register_at_fork(
    before=client.before_fork,
    after_in_parent=client.after_fork_here,
    after_in_child=client.after_fork,
)
ask, start, share, shared = client.ask, client.start, client.share, client.shared


def do(function: Callable[..., Any], *given: Any) -> Any:
    """Return what a function of a module returns: called by the helper, where there is one."""
    if client.has_started:
        with suppress(Lost):
            return ask(function, *given)
    return function(*given)
