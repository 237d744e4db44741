"""Ends a process, its helper, or both, at their n-th event; what the loops over events share.

An event is what leaves a trace: a file that is opened to be written, a rename, a folder, a removal,
a call of MLflow's client that changes something, rows and files that are written for it, a
statement or a commit that changes Optuna's database.
"""

import builtins
import io
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from runner.helper import server
from runner.helper.client import client
from runner.tracking.mlflow import rows

KILLED = -signal.SIGKILL
SYSTEM = ("mkdir", "rename", "replace", "unlink", "rmdir", "remove", "symlink")
OURS = re.compile(r"\.runner|optuna\.journal")
CALLS = (
    "create_experiment",
    "create_run",
    "delete_run",
    "delete_tag",
    "log_batch",
    "log_artifacts",
    "set_tag",
    "set_terminated",
)


class Events:
    """Counts what leaves a trace in the working folder, in a process and in its helper, and ends
    one of them, or both, before the n-th.

    dies: "trainer", "helper" or "both".
    """

    def __init__(self, last: int, dies: str = "both") -> None:
        self.last, self.dies = last, dies
        self.told = Path("last").absolute()
        self.told.unlink(missing_ok=True)
        self.counted = os.open("events", os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_RDWR)
        self.trainer, self.helper = os.getpid(), 0

    def count(self, name: str, *about: Any) -> None:
        os.write(self.counted, b".")
        if os.fstat(self.counted).st_size < self.last or self.told.exists():
            return
        whose = "trainer" if os.getpid() == self.trainer else "helper"
        self.told.write_text(f"{whose}: {name} {' '.join(map(str, about))}")
        killed = {"trainer": [self.trainer], "helper": [self.helper]}
        pids = killed.get(self.dies, [self.trainer, self.helper])
        for pid in sorted(pids, key=lambda pid: pid == os.getpid()):  # this one last
            if pid:
                os.kill(pid, signal.SIGKILL)

    def watch(self) -> None:
        from mlflow import MlflowClient
        from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
        from sqlalchemy import Engine, event

        for name in SYSTEM:
            setattr(os, name, self._watched(name, getattr(os, name)))
        for name in CALLS:
            setattr(MlflowClient, name, self._called(name, getattr(MlflowClient, name)))
        files = LocalArtifactRepository
        files.log_artifacts = self._called("files", files.log_artifacts)
        rows._write = self._called("rows", rows._write)
        io.open = builtins.open = self._opened(io.open)
        event.listen(Engine, "before_cursor_execute", self._executed)
        event.listen(Engine, "commit", self._committed)
        fork_helpers(self)

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(path: Any, *rest: Any, **named: Any) -> Any:
            if OURS.search(f"{path} {rest}") or "dir_fd" in named:
                self.count(name, path)
            return real(path, *rest, **named)

        return watched

    def _called(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            self.count(name)
            return real(*given, **named)

        return called

    def _executed(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.lstrip().startswith(("SELECT", "PRAGMA")):
            self._committed(connection, statement.split("(")[0])

    def _committed(self, connection: Any, what: str = "COMMIT") -> None:
        if "optuna" in str(connection.engine.url):
            self.count(what)

    def _opened(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            if set(mode) & set("wax") and OURS.search(str(file)):
                self.count("open", file)
                stream = real(file, mode, *rest, **named)
                self.count("write", file)
                return stream
            return real(file, mode, *rest, **named)

        return opened


def fork_helpers(events: Events | None = None) -> None:
    """Let helpers be forks, which have loaded what this process has.

    Another process forks them, which has no threads: a fork of one that has would hold open what
    another thread waits to see closed.
    """
    ordering, ordered = socket.socketpair()
    if not os.fork():
        ordering.close()
        _fork_each(ordered, events)
    ordered.close()

    def started(first: tuple[str, ...] = ()) -> socket.socket:
        asking, asked = socket.socketpair()
        with asked:
            socket.send_fds(ordering, [b"+"], [asked.fileno()])
        pid = int.from_bytes(ordering.recv(4), "little")
        if events is not None:
            events.helper = pid
        return asking

    client._started = started  # type: ignore[method-assign]


def _fork_each(ordered: socket.socket, events: Events | None) -> NoReturn:
    """Fork a helper for each socket that comes, until none can come any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        data, files, *_ = socket.recv_fds(ordered, 1, 1)
        if not data:
            os._exit(0)
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            ordered.close()
            if events is not None:
                events.helper = os.getpid()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(files[0], 0)
            os.close(files[0])
            server.main()
            os._exit(1)
        os.close(files[0])
        ordered.send(pid.to_bytes(4, "little"))


def forked(job: Callable[[], Any]) -> int:
    """Run in a process of its own; return its status."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    try:
        job()
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


def quietly(job: Callable[[], Any]) -> int:
    """Run in a process of its own whose output goes to the file `out`; return its status."""
    with open("out", "w") as out:
        before = os.dup(1)
        os.dup2(out.fileno(), 1)
        try:
            return forked(job)
        finally:
            os.dup2(before, 1)
            os.close(before)
