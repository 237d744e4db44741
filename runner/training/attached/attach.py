"""What a script calls that the runner has started, to have its run."""

import atexit
import contextlib
import functools
import multiprocessing
import os
import socket
import sys
import time
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from types import TracebackType
from typing import Any

import torch

from runner.culprit import place as place_of
from runner.culprit import told
from runner.errors import Diverged, Elsewhere, Mistake, Misuse
from runner.results.events import Event
from runner.training import own_loop
from runner.training.attached.messages import (
    ADDRESS,
    ENDS,
    GOES_ON,
    End,
    Place,
    portable,
    receive,
    send,
)
from runner.training.attached.script import LOOK_SECONDS
from runner.training.devices import seeded, use
from runner.training.own_loop import LoopState, Run, Start, finish
from runner.training.state import NO_WEIGHTS, BestKeeper

_as_long_as_the_script = contextlib.ExitStack()


@functools.cache
def attach() -> Run:
    """Return the run of a script that `python -m runner ... -- python script.py` has started.

    Everything is seeded by this call: build the model behind it. The run ends when the script does;
    an error that nobody catches fails it. A second call returns the same run.

    Raises Mistake where nothing has started the script, and Misuse in a process that the script
    has started itself.
    """
    if ADDRESS not in os.environ:
        advice = "python -m runner train.steps=1000 -- python script.py starts one"
        raise Mistake("runner.api.attach() needs a script that the runner starts", advice=advice)
    crew = own_loop.crew()
    if not crew.is_several and multiprocessing.parent_process() is not None:
        raise Misuse("runner.api.attach() is called by a process that the script has started")
    line = _Line(_connected(os.environ[ADDRESS])) if crew.leads else None
    place: Place = crew.share(_next(line))
    sys.path += [one for one in place.path if one not in sys.path]
    start: Start = crew.share(_next(line))
    if crew.is_several:
        start = replace(start, device=_own_device(start.device))
    state = start.state()
    state.folder = place.folder
    _prepare(start)
    keeper = BestKeeper(state)

    def hear(event: Event) -> None:
        if start.keeps_best:
            keeper.hear(event)
        if line is not None:
            line.hear(event)

    run = start.run(state, hear, line.should_stop if line else lambda: False, crew)
    _Ending(run, state, line).install()
    return run


def _next(line: "_Line | None") -> Any:
    return line.next() if line else None


def _own_device(device: torch.device) -> torch.device:
    """Return the device of a process that trains beside others."""
    if device.type == "cpu":
        return device
    return torch.device(device.type, int(os.environ.get("LOCAL_RANK", "0")))


def _prepare(start: Start) -> None:
    use(start.device, start.threads)
    _as_long_as_the_script.enter_context(seeded(start.trial.recipe.seed))


class _Line:
    """The line to the runner, as a listener of a run and as who may want it to stop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_told = False
        self._next_look = 0.0

    def next(self) -> Any:
        """Return what the runner says of the run before it begins."""
        return receive(self._connection)

    def hear(self, event: Event) -> None:
        """Let the runner hear an event. Raises EOFError where it wants no more, or is gone."""
        try:
            send(self._connection, event)
            while (answer := self._connection.recv_bytes()) not in (GOES_ON, ENDS):
                self._is_told = True
        except OSError as error:
            raise EOFError from error
        if answer == ENDS:
            raise EOFError

    def should_stop(self) -> bool:
        """Return whether the run should stop: asked for, or nobody listens any longer."""
        now = time.monotonic()
        if self._is_told or now < self._next_look:
            return self._is_told
        self._next_look = now + LOOK_SECONDS
        try:
            while self._connection.poll():
                self._connection.recv_bytes()
                self._is_told = True
        except (EOFError, OSError):
            self._is_told = True
        return self._is_told

    def end(self, state: LoopState, error: Exception | None) -> bool:
        """Tell the runner how the run has ended; return whether it has heard. Weights that cannot
        be sent must not cost it that."""
        try:
            try:
                send(self._connection, End(portable(state), error))
            except OSError:
                raise
            except Exception as raised:
                reason = f"{NO_WEIGHTS}: {told(raised)}"
                error = error or Elsewhere(reason, traceback.format_exc())
                send(self._connection, End(portable(replace(state, model=None, best=None)), error))
            self._connection.close()
        except OSError:
            return False
        return True


class _Ending:
    """Ends a run with its script, once."""

    def __init__(self, run: Run, state: LoopState, line: _Line | None) -> None:
        self._run, self._state, self._line = run, state, line
        self._process = os.getpid()
        self._is_done = False
        self._shown = sys.excepthook

    def install(self) -> None:
        """Let it happen where the script ends."""
        sys.excepthook = self._failed
        if multiprocessing.parent_process() is None:
            atexit.register(self._done)
        else:  # atexit does nothing there
            Finalize(None, self._done, exitpriority=0)

    def _failed(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not self._done(error):
            self._shown(kind, error, trace)

    def _done(self, error: BaseException | None = None) -> bool:
        """End the run; return whether the runner tells of its error."""
        if self._is_done or os.getpid() != self._process:
            return False
        self._is_done = True
        details = "".join(traceback.format_exception(error)) if error else ""
        try:
            finish(self._run, error)
            found = None
        except BaseException as raised:
            found = _sendable(raised, details)
        try:
            self._state.restore()
        except Exception as raised:
            if found is None:
                reason = f"{NO_WEIGHTS}: {told(raised)}"
                found = Elsewhere(reason, traceback.format_exc())
        is_told = self._line is not None and self._line.end(self._state, found)
        if found is not None and error is None and not is_told:
            print(f"runner.api.attach(): {found}", file=sys.stderr)
        return is_told and found is not None


def _sendable(error: BaseException, details: str) -> Exception:
    """Return an error as another process can raise it."""
    if isinstance(error, Diverged):
        return error
    if isinstance(error, Misuse):
        where = place_of(error)
        return Misuse(f"{error} ({where})" if where else str(error))
    return Elsewhere(told(error), details)


def _connected(address: str) -> Connection:
    caller = socket.socket(socket.AF_UNIX)
    try:
        caller.connect(address)
    except OSError as error:
        raise Misuse("the runner that has started this script is gone") from error
    return Connection(caller.detach())
