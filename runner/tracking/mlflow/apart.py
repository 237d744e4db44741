"""MLflow's server as `mlflow server` starts it: processes of its own, which end with this one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from types import FrameType
from typing import IO, Any

from runner.addresses import brief

_END_SECONDS = 5.0
_ASK_SECONDS = 0.1


def serve(uri: str, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Let MLflow answer where a socket listens until a signal ends it.

    ready: called when it answers. Raises SystemExit, with what it said last, when it ends itself.
    """
    host, port = listening.getsockname()
    listening.close()
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    own = {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with tempfile.TemporaryFile() as log, _raised(signal.SIGTERM, signal.SIGHUP):
        process = subprocess.Popen(
            [*command, "--workers", "1"],
            env=os.environ | own,  # the address may hold a password
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            while process.poll() is None and not _answers(f"http://{host}:{port}/health"):
                time.sleep(_ASK_SECONDS)
            if process.poll() is None:
                ready()
            process.wait()
            raise SystemExit(f"error: mlflow server ended: {_last(log)}")
        finally:
            _end(process)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=1).close()
    except OSError:
        return False
    return True


def _last(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    return brief(Exception(next((line for line in reversed(lines) if line.strip()), "")))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)


class _Signal(BaseException):
    """A signal that ends a process."""


@contextlib.contextmanager
def _raised(*numbers: signal.Signals) -> Iterator[None]:
    """Let signals that end a process do so after what has to be done before."""

    def note(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise _Signal(number)

    before: dict[signal.Signals, Any] = {}
    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            before[number] = signal.signal(number, note)
    try:
        yield
    except _Signal as told:
        signal.signal(told.args[0], signal.SIG_DFL)
        signal.raise_signal(told.args[0])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
