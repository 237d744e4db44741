"""Several processes, and some that are killed, use one store."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import runner
from runner import processes
from runner.states import disk, scan
from runner.states.store import Store
from runner.trial.name import StateName

Named = Callable[..., StateName]
FLOATS = 100_000
STATE_BYTES = 401_000  # a little more than 4 bytes a float


class Starter:
    """Starts processes that save states."""

    def __init__(self, *arguments: Any) -> None:
        program = str(Path(__file__).with_name("kills.py"))
        self._process = subprocess.Popen(
            [sys.executable, program, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(Path(runner.__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def start(self, *ranges: tuple[int, int]) -> None:
        """Start a process for each first step and number of steps."""
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{first} {steps}\n" for first, steps in ranges))

    def line(self, start: str = "") -> str:
        """Return the next line that starts so."""
        assert self._process.stdout is not None
        while not (line := self._process.stdout.readline().strip()).startswith(start):
            assert line
        return line

    def lines(self, processes: int) -> list[str]:
        """Return what all processes say until the last is done."""
        found: list[str] = []
        while found.count("done") < processes:
            found.append(self.line())
        return [line for line in found if line != "done" and not line.startswith("process")]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def starter(*arguments: Any) -> Iterator[Starter]:
    opened = Starter(*arguments)
    try:
        yield opened
    finally:
        opened.close()


def is_whole(store: Store, name: StateName) -> bool:
    found = store.load(name)
    return bool(found["step"] == name.step and (found["weight"] == name.step).all())


def hidden(root: Path) -> int:
    return sum(disk.is_hidden(path.name) for path in root.rglob("*"))


def test_processes_killed_within_a_save_leave_only_whole_states(
    root: Path, kept: Store, named: Named, said: list[str]
) -> None:
    generator = random.Random(0)
    with starter(root, 10**12, 1_000_000) as started:
        for kill in range(60):
            started.start((1_000 * kill, 1_000))
            process = int(started.line("process ").removeprefix("process "))
            started.line(f"{1_000 * kill} True")
            while kill % 2 and not list(root.glob(f"*/.*-{process}-*.tmp")):
                continue  # half of them within a write, half of them anywhere
            time.sleep(generator.uniform(0, 0.02))
            os.kill(process, signal.SIGKILL)
            if kill > 8 and hidden(root):
                break
    assert hidden(root)
    names = kept.names(named(0).recipe)
    assert len(names) > 8
    assert all(is_whole(kept, name) for name in names)
    assert kept.save(named(999_999), 1)
    assert not hidden(root)
    assert said == []


def test_only_what_a_known_process_has_given_up_is_removed_at_once(
    root: Path, kept: Store, named: Named
) -> None:
    def stop() -> None:
        raise InterruptedError

    def half_written(pid: int, place: str = processes.place()) -> Path:
        seen = list[Path]()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(processes, "place", lambda: place)
            patch.setattr(os, "getpid", lambda: pid)
            patch.setattr(os, "unlink", seen.append)
            with pytest.raises(InterruptedError):
                disk.write(root / named(2).recipe / named(2).file, b"half", stop)
        return seen[0]

    kept.save(named(1), 1)
    with subprocess.Popen(["true"]) as ended:
        pass
    files = [half_written(os.getppid()), half_written(ended.pid), half_written(ended.pid, "node7")]
    kept.save(named(3), 1)
    assert [file.exists() for file in files] == [True, False, True]


def test_what_a_killed_process_has_left_is_removed_once_it_is_old(
    root: Path, kept: Store, named: Named
) -> None:
    kept.save(named(1), 1)
    folder = root / named(1).recipe
    left = folder / f".{named(2).file}.node-4711-0a1b2c3d.tmp"
    another = folder / ".another.tmp"
    for file in (left, another):
        file.write_bytes(b"half")
        os.utime(file, (time.time() - 3_500,) * 2)
    kept.save(named(3), 1)
    assert left.exists()
    for file in (left, another):
        os.utime(file, (time.time() - 3_700,) * 2)
    kept.save(named(4), 1)
    assert not left.exists()
    assert another.exists()


def test_two_processes_that_save_the_same_states_agree(
    root: Path, kept: Store, named: Named
) -> None:
    with starter(root, 10**10, FLOATS) as started:
        started.start((0, 30), (0, 30))
        assert sorted(started.lines(2)) == sorted([f"{step} True" for step in range(30)] * 2)
    names = kept.names(named(0).recipe)
    assert [name.step for name in names] == list(range(30))
    assert all(is_whole(kept, name) for name in names)
    assert len(list((root / named(0).recipe).iterdir())) == 30


def test_four_processes_keep_within_the_quota_at_any_moment(
    root: Path, kept: Store, named: Named
) -> None:
    most, seen, done = 10 * STATE_BYTES, list[int](), threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            states = [one.bytes for one in scan.files(root) if not one.hidden]
            seen.append(sum(states))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        with starter(root, most, FLOATS) as started:
            started.start(*((1_000 * k, 40) for k in range(4)))
            lines = started.lines(4)
    finally:
        done.set()
        watching.join()
    assert max(seen) <= most + 4 * STATE_BYTES  # while files are listed each may save one
    assert {line for line in lines if line.startswith("said")} <= {
        f"said: states: cannot be kept in {root} (no room in {most:,} bytes); "
        "training goes on without"
    }
    saved = sum(line.endswith("True") for line in lines)
    assert saved > 80, f"{saved} of 160"
    names = kept.names(named(0).recipe)
    assert 5 <= len(names) <= 10
    assert all(is_whole(kept, name) for name in names)
