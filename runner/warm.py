"""Processes that begin at once: forks of one that has loaded what a run needs, and used none of it.

That one, multiprocessing's fork server, is started by `load` and ends with this process. Where
forks do not suit the system's libraries, as on macOS, each process loads for itself.
"""

import atexit
import functools
import multiprocessing
import os
import signal
import socket
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from typing import Any

from runner import helper
from runner.errors import Mistake, one_line
from runner.helper.calls import Surroundings

LOST = 255  # what multiprocessing says of a process whose fork server has died
_LOADED = "runner.loaded"
FORKS = sys.platform != "darwin"
_context: Any = multiprocessing.get_context("forkserver" if FORKS else "spawn")


def cores() -> int:
    """Return how many processes may compute at a time, as far as is known without PyTorch."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdigit():
        return int(given)
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    return len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1


def load() -> None:
    """Begin to load, while the caller loads what it needs."""
    if not FORKS:
        return
    _context.set_forkserver_preload([_LOADED])
    with _no_main():
        forkserver.ensure_running()
    _end_behind(os.getpid())


@functools.cache
def _end_behind(pid: int) -> None:
    """End the fork server with this process: by itself it would live for a second longer, and who
    reads what they print waits for both."""

    def end() -> None:
        server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
        if server is not None and os.getpid() == pid:
            with suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)

    atexit.register(end)


def begin(
    function: Callable[..., int], *given: Any, environment: dict[str, str], key: str
) -> BaseProcess:
    """Begin a process in this folder that ends with the status that a function returns.

    It asks the helper of this process. It knows by `multiprocessing.parent_process()` whether this
    one still lives. key: which says how many there are. Raises Mistake where no process can be had.
    """
    place = Surroundings(os.getcwd(), environment)
    try:
        load()
        process: BaseProcess = _context.Process(
            target=_began, args=(place, helper.shared(), function, given)
        )
        with _no_main():
            process.start()
    except (OSError, EOFError) as error:
        raise Mistake(key, "needs processes", f"none ({one_line(error)})") from error
    return process


def end(process: BaseProcess) -> None:
    """Kill a process: it may live, though who has forked it has died and says nothing of it."""
    if process.pid is not None and process.exitcode in (None, LOST):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.join()


def _began(
    place: Surroundings,
    asking: socket.socket | None,
    function: Callable[..., int],
    given: tuple[Any, ...],
) -> None:
    os.setsid()  # a terminal's signals are for the starter
    multiprocessing.set_start_method(None, force=True)  # of what it starts: as anywhere else
    os.chdir(place.folder)
    os.environ.clear()
    os.environ.update(place.environment)
    if asking is not None:
        helper.share(asking)
    try:
        status = function(*given)
    finally:
        if sys.version_info < (3, 13):  # multiprocessing leaves out what is to be done at the end
            atexit._run_exitfuncs()
    sys.exit(status)


@contextmanager
def _no_main() -> Iterator[None]:
    """Hide the program that runs here, which a process would run once more."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
