"""A script that the runner starts: its run is heard here, event by event, as any other."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from runner.errors import Elsewhere, Misuse
from runner.results.events import Chunk, Event, Hear
from runner.training.attached.messages import (
    ADDRESS,
    ENDS,
    GOES_ON,
    STOP,
    End,
    Place,
    become,
    receive,
    send,
)
from runner.training.own_loop import LoopState, Start

LOOK_SECONDS = 0.05  # between two looks whether somebody wants the run to stop
_LONGEST_ADDRESS = 90  # bytes of a socket's file, of about 100


def follow(
    command: Sequence[str],
    start: Start,
    state: LoopState,
    hear: Hear,
    should_stop: Callable[[], bool],
) -> None:
    """Run a command until it ends, and let the events of its run be heard.

    Raises what a listener raised, or what the run's end raises there; Misuse for a script that
    never asks for its run, Elsewhere for one that fails. No process of it is left behind.
    """
    with _listening() as (listener, address), _started(command, address) as process:
        connection = _called(listener, process)
        error: Exception | None = None
        if connection is not None:
            with connection:
                send(connection, Place(state.make_folder(), _path()))
                send(connection, start)
                error = _heard(connection, state, hear, should_stop)
        code = process.wait()
    if error is not None:
        raise error
    if connection is None:
        raise Misuse(f"the script {_told(code)} without a call of runner.api.attach()")
    if code:
        raise Elsewhere(f"the script {_told(code)}")


@contextmanager
def _listening() -> Iterator[tuple[socket.socket, str]]:
    """Listen in a folder that is this person's alone."""
    own = tempfile.gettempdir()
    room = own if len(os.fsencode(own)) < _LONGEST_ADDRESS - 30 else "/tmp"
    with tempfile.TemporaryDirectory(prefix="runner-", dir=room) as folder:
        address = str(Path(folder, "run"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen()
            listener.settimeout(LOOK_SECONDS)
            yield listener, address


@contextmanager
def _started(command: Sequence[str], address: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a command as a group of processes, which a terminal's Ctrl-C does not reach: its run
    is told. They all go where a person insists."""
    environment = {**os.environ, ADDRESS: address}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        yield process
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def _path() -> tuple[str, ...]:
    """Return where this process looks for modules that are not installed."""
    installed = {sys.prefix, sys.base_prefix}
    own = [one for one in sys.path if one and not any(map(Path(one).is_relative_to, installed))]
    return tuple(dict.fromkeys((str(Path.cwd()), *own)))


def _called(listener: socket.socket, process: "subprocess.Popen[bytes]") -> Connection | None:
    """Return how to speak with the script once it asks for its run, None where it ends before."""
    while True:
        with suppress(TimeoutError):
            accepted, _ = listener.accept()
            return Connection(accepted.detach())
        if process.poll() is not None:
            return None


def _heard(
    connection: Connection, state: LoopState, hear: Hear, should_stop: Callable[[], bool]
) -> Exception | None:
    """Let events be heard until the script's run ends; return what its end raises."""
    ended_by: Exception | None = None
    is_told = False
    while True:
        if not is_told and should_stop():
            is_told = True
            _say(connection, STOP)
        try:
            if not connection.poll(LOOK_SECONDS):
                continue
            message = receive(connection)
        except (EOFError, OSError):
            return ended_by
        if isinstance(message, End):
            become(state, message.state)
            return ended_by or message.error
        try:
            _hear(message, state, hear)
        except Exception as error:
            ended_by = ended_by or error
        _say(connection, ENDS if ended_by else GOES_ON)


def _say(connection: Connection, word: bytes) -> None:
    with suppress(OSError):  # what it said before it went is still to be read
        connection.send_bytes(word)


def _hear(event: Event, state: LoopState, hear: Hear) -> None:
    if isinstance(event, Chunk):
        state.step = event.start + len(event)
    hear(event)


def _told(code: int) -> str:
    """Return how a process has ended, in words.

    >>> _told(2), _told(-9)
    ('ends with status 2', 'is killed by SIGKILL')
    """
    return f"is killed by {signal.Signals(-code).name}" if code < 0 else f"ends with status {code}"
