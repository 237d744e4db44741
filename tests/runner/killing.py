"""Ends a process at its n-th event; what the loops over events share.

An event is what leaves a trace: a file that is opened to be written, a rename, a folder, a removal,
a call of MLflow's client that changes something, a statement or a commit that changes Optuna's
database.
"""

import builtins
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

KILLED = 9
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
    """Counts what leaves a trace in the working folder, and ends the process before the n-th."""

    def __init__(self, last: int) -> None:
        self.left = last
        self.told = Path("last").absolute()

    def count(self, name: str, *about: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.told.write_text(f"{name} {' '.join(map(str, about))}")
            os._exit(KILLED)

    def watch(self) -> None:
        from mlflow import MlflowClient
        from sqlalchemy import Engine, event

        for name in SYSTEM:
            setattr(os, name, self._watched(name, getattr(os, name)))
        for name in CALLS:
            setattr(MlflowClient, name, self._called(name, getattr(MlflowClient, name)))
        io.open = builtins.open = self._opened(io.open)
        event.listen(Engine, "before_cursor_execute", self._executed)
        event.listen(Engine, "commit", self._committed)

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
