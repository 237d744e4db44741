"""States to keep, a disk whose n-th call fails, and processes that share a folder, on this machine
and, as far as they say, on others."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from runner import processes
from runner.states import disk, lease_file, leases
from runner.states.store import Store
from runner.trial.name import StateName

RECIPE = "a" * 64
CALLS = ("open", "ftruncate", "write", "fsync", "rename")


class FailingDisk:
    """Stands for `os`, whose n-th call of those that write fails; all of them where n is None."""

    def __init__(self, failing: int | None, error: int) -> None:
        self.failing, self.error, self.calls = failing, error, list[str]()

    def __getattr__(self, name: str) -> Any:
        return self._counted(name) if name in CALLS else getattr(os, name)

    def _counted(self, name: str) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            if name != "open" or args[1] & (os.O_WRONLY | os.O_DIRECTORY):
                self.calls.append(name)
                if self.failing in (None, len(self.calls)):
                    raise OSError(self.error, os.strerror(self.error))
            return getattr(os, name)(*args, **named)

        return counted


@pytest.fixture
def failing_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FailingDisk]:
    """Lets the n-th call that writes fail from now on."""

    def failing(n: int | None = None, error: int = errno.ENOSPC) -> FailingDisk:
        shim = FailingDisk(n, error)
        monkeypatch.setattr(disk, "os", shim)
        return shim

    return failing


@pytest.fixture
def said() -> list[str]:
    """What the stores of a test have said."""
    return []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a store, which is not there yet."""
    return tmp_path / ".runner" / "states"


@pytest.fixture
def kept(root: Path, said: list[str]) -> Store:
    """A store with room."""
    return Store(root, 10**9, said.append)


@pytest.fixture
def named() -> Callable[..., StateName]:
    """Gives the name of a state of one recipe."""
    return lambda step, recipe=RECIPE: StateName(recipe, step, f"{step:064x}")


@pytest.fixture
def content() -> Callable[[int], Any]:
    """Gives what a state holds."""
    return lambda step: {"step": step, "weight": torch.full((100,), float(step))}


HEAD = """\
import os, signal, sys, time
from pathlib import Path
from runner import processes
from runner.states import lease_file
from runner.states.claims import Claims
from runner.states.leases import Lease
from runner.trial.name import StateName
from runner.states.wanted import Wanted

folder, place, lease_file.HEARTBEAT_SECONDS = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
if place:
    processes.place = lambda: place
name = StateName("ab" * 32, 500, "cd" * 32)
"""


class Program:
    """A Python program in a process of its own, which prints lines."""

    def __init__(self, code: str, folder: Path, place: str, beat: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HEAD + code, str(folder), place, str(beat)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """What it prints next."""
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        """Kill it; nobody waits for it yet."""
        self.process.kill()

    def end(self) -> str:
        """Let `sys.stdin.read()` return; give what else it prints."""
        rest = self.process.communicate()[0]
        assert self.process.returncode == 0
        return rest


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a program that shares the test's folder."""
    started: list[Program] = []

    def start(code: str, place: str = "", beat: float = 5.0) -> Program:
        started.append(Program(code, tmp_path, place, beat))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.fixture(autouse=True)
def _heart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of the test's own, which does not sleep as long as the last one's."""
    monkeypatch.setattr(leases, "_heart", leases._Heart())


@pytest.fixture
def beat(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets this process's heartbeat, in seconds."""
    return lambda seconds: monkeypatch.setattr(lease_file, "HEARTBEAT_SECONDS", seconds)


def owner(**given: Any) -> dict[str, Any]:
    """An owner of a lease: this process, but for what is given."""
    pid = os.getpid()
    return {
        "place": processes.place(),
        "user": os.getuid(),
        "pid": pid,
        "began": processes.began(pid),
        "token": "5e" * 16,
        **given,
    }


def ended() -> dict[str, Any]:
    """An owner that has ended."""
    with subprocess.Popen(["sleep", "60"]) as child:
        began = processes.began(child.pid)
        child.kill()
    return owner(pid=child.pid, began=began)


@pytest.fixture
def owners() -> SimpleNamespace:
    """Owners as they stand in a lease's file."""
    return SimpleNamespace(this=owner, ended=ended)
