"""Leases between real processes: who is killed frees them, who lives keeps them, one takes over."""

import errno
import json
import os
import resource
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.states.leases import Lease, is_alive, read

HOLDS = """\
print(Lease(folder / "one.json", {"a": 1}).acquire(), flush=True)
sys.stdin.read()
"""
AWAY = "another machine"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The lease that processes share."""
    return tmp_path / "one.json"


def dead(file: Path, owner: object) -> None:
    """A lease that its owner did not release."""
    file.write_text(json.dumps({"owner": owner, "content": {}}))


def test_a_lease_is_a_file_until_it_is_released(file: Path) -> None:
    with Lease(file, {"a": [1, "b"]}) as lease:
        assert lease.acquire()
        assert read(file) == {"a": [1, "b"]}
        assert is_alive(file)
        assert not Lease(file, {}).acquire()
    assert read(file) is None
    assert not is_alive(file)
    assert os.listdir(file.parent) == []


def test_a_living_process_keeps_its_lease_and_removes_it_at_its_end(file: Path, program) -> None:
    holder = program(HOLDS)
    assert holder.line() == "True"
    assert not Lease(file, {}).acquire()
    assert read(file) == {"a": 1}
    holder.end()
    assert not file.exists()


def test_a_killed_process_frees_its_lease_at_once(file: Path, program, eventually) -> None:
    holder = program(HOLDS)
    holder.line()
    holder.kill()
    started = file.stat().st_mtime_ns
    eventually(lambda: not is_alive(file))
    assert file.stat().st_mtime_ns == started
    lease = Lease(file, {"b": 2})
    assert lease.acquire()
    assert read(file) == {"b": 2}
    lease.release()
    assert os.listdir(file.parent) == []


def test_another_machine_keeps_its_lease_while_it_beats(file: Path, program, beat) -> None:
    holder = program(HOLDS, AWAY, 0.05)
    holder.line()
    beat(0.2)
    until = time.monotonic() + 1.6
    while time.monotonic() < until:
        assert is_alive(file)
        assert not Lease(file, {}).acquire()
        time.sleep(0.05)


def test_a_killed_process_of_another_machine_frees_its_lease_after_six_heartbeats(
    file: Path, program, beat, eventually
) -> None:
    holder = program(HOLDS, AWAY, 0.05)
    holder.line()
    holder.kill()
    holder.process.wait()
    assert not Lease(file, {}).acquire()
    beat(0.05)
    with Lease(file, {}) as lease:
        eventually(lease.acquire)


def test_who_wakes_up_after_its_lease_was_taken_over_leaves_it_alone(
    file: Path, program, owners
) -> None:
    sleeper = program(HOLDS, beat=0.02)
    sleeper.line()
    os.kill(sleeper.process.pid, signal.SIGSTOP)
    file.unlink()
    dead(file, owners.this(place=AWAY))
    before = file.stat().st_mtime_ns
    os.kill(sleeper.process.pid, signal.SIGCONT)
    time.sleep(0.3)
    sleeper.end()
    assert file.stat().st_mtime_ns == before


def test_a_lease_that_somebody_removed_is_there_again_after_a_beat(
    file: Path, beat, eventually
) -> None:
    beat(0.05)
    with Lease(file, {"a": 1}) as lease:
        assert lease.acquire()
        file.unlink()
        eventually(lambda: read(file) == {"a": 1})
    lease.beat()  # as of a thread that is late
    assert not file.exists()


MANY = """\
import threading

def threads():
    return sum(thread.name == "leases" for thread in threading.enumerate())

leases = [Lease(folder / f"{i}.json", {}) for i in range(20)]
assert all(lease.acquire() for lease in leases)
print(threads(), flush=True)
marks = {lease.file: lease.file.stat().st_mtime_ns for lease in leases}
while not all(file.stat().st_mtime_ns > mark for file, mark in marks.items()):
    time.sleep(0.01)
for lease in leases:
    lease.release()
while threads():
    time.sleep(0.01)
print(leases[0].acquire(), threads())
"""


def test_one_thread_keeps_all_leases_and_ends_with_them(program) -> None:
    many = program(MANY, beat=0.05)
    assert many.line() == "1"
    assert many.line() == "True 1"


FORKS = """\
lease, other = Lease(folder / "one.json", {"a": 1}), Lease(folder / "other.json", {})
assert lease.acquire()
child = os.fork()
if not child:
    lease_file.HEARTBEAT_SECONDS = 0.02
    lease.release()
    lease.rewrite({"a": 2})
    print(lease.acquire(), other.acquire(), flush=True)
    before = other.file.stat().st_mtime_ns
    until = time.monotonic() + 30
    while other.file.stat().st_mtime_ns == before and time.monotonic() < until:
        time.sleep(0.01)
    print(other.file.stat().st_mtime_ns > before, flush=True)
    sys.exit()
os.waitpid(child, 0)
print(lease.file.exists(), other.file.exists(), flush=True)
sys.stdin.read()
"""


def test_a_forked_process_holds_only_what_it_takes_itself(file: Path, program) -> None:
    parent = program(FORKS)
    assert parent.line() == "False True"
    assert parent.line() == "True"
    assert parent.line() == "True False"
    assert read(file) == {"a": 1}
    parent.end()
    assert not file.exists()


TAKES = """\
k, n = sys.stdin.readline().split()
for i in range(int(n)):
    (folder / f"{i}-{k}").touch()
    while not (folder / f"{i}-{1 - int(k)}").exists():
        pass
    lease = Lease(folder / "dead" / f"{i}.json", {"k": k})
    print(int(lease.acquire()), flush=True)
sys.stdin.read()
"""


def test_one_of_two_takers_gets_a_dead_lease(tmp_path: Path, program, owners) -> None:
    n, owner = 200, owners.ended()
    (tmp_path / "dead").mkdir()
    files = [tmp_path / "dead" / f"{i}.json" for i in range(n)]
    for file in files:
        dead(file, owner)
    takers = [program(TAKES) for _ in range(2)]
    for k, taker in enumerate(takers):
        taker.process.stdin.write(f"{k} {n}\n")
        taker.process.stdin.flush()
    results = [tuple(int(taker.line()) for taker in takers) for _ in range(n)]
    assert set(map(sum, results)) == {1}
    assert [read(file) for file in files] == [{"k": str(r.index(1))} for r in results]
    assert Counter(results).keys() == {(0, 1), (1, 0)}


def test_a_taker_that_was_killed_meanwhile_keeps_nobody_away(file: Path, owners) -> None:
    taking = file.with_name(f"{file.name}.taking")
    for left in (file, taking, file.with_name(f"{taking.name}.taking")):
        dead(left, owners.ended())
    with Lease(file, {"a": 1}) as lease:
        assert lease.acquire()
        assert os.listdir(file.parent) == [file.name]
        assert read(file) == {"a": 1}


def test_who_is_about_to_take_over_is_not_disturbed(file: Path, owners) -> None:
    dead(file, owners.ended())
    with Lease(file.with_name(f"{file.name}.taking"), {}) as taking:
        assert taking.acquire()
        assert not Lease(file, {}).acquire()
    with Lease(file, {}) as lease:
        assert lease.acquire()


@pytest.mark.parametrize("text", [b"", b'{"owner": {"pla', b"[" * 100_000])
def test_a_torn_lease_is_taken_over_when_it_is_old(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    assert read(file) is None
    assert is_alive(file)
    assert not Lease(file, {}).acquire()
    os.utime(file, (0, 0))
    with Lease(file, {"a": 1}) as lease:
        assert lease.acquire()
        assert read(file) == {"a": 1}


def test_what_is_no_file_stays_and_keeps_nobody_away(file: Path) -> None:
    file.mkdir()
    with Lease(file, {}) as lease:
        assert lease.acquire()
        assert read(file) is None
        assert is_alive(file)
    assert file.is_dir()


def test_a_folder_that_is_deleted_meanwhile_ends_nothing(tmp_path: Path, beat) -> None:
    beat(0.02)
    file = tmp_path / "states" / "claims" / "one.json"
    lease = Lease(file, {})
    assert lease.acquire()
    shutil.rmtree(tmp_path / "states")
    time.sleep(0.2)
    lease.rewrite({"a": 1})
    lease.release()
    assert os.listdir(tmp_path) == []
    assert lease.acquire()
    assert is_alive(file)
    lease.release()


def failing(monkeypatch: pytest.MonkeyPatch, flags: int) -> None:
    """Let files not be opened with certain flags, as in a folder that is read-only."""
    real: Callable[..., int] = os.open

    def shim(path: Any, given: int, *rest: Any, **named: Any) -> int:
        if given & flags == flags:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return real(path, given, *rest, **named)

    monkeypatch.setattr(os, "open", shim)


@pytest.mark.parametrize("flags", [0, os.O_CREAT])
def test_a_lease_is_granted_where_nothing_can_be_written(file, flags, monkeypatch) -> None:
    failing(monkeypatch, flags)
    with Lease(file, {}) as one, Lease(file, {}) as other:
        assert one.acquire()
        assert other.acquire()
        one.rewrite({"a": 1})
        one.beat()
    assert os.listdir(file.parent) == []


def test_on_a_full_disk_a_lease_is_granted_and_no_torn_file_stays(file: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        is_granted, left = Lease(file, {}).acquire(), os.listdir(file.parent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (is_granted, left) == (True, [])


NO_THREAD = """\
import threading

def no_more(thread):
    raise RuntimeError("can't start new thread")

start, threading.Thread.start = threading.Thread.start, no_more
one, other = Lease(folder / "one.json", {}), Lease(folder / "other.json", {})
print(one.acquire(), flush=True)
threading.Thread.start = start
print(other.acquire(), flush=True)
before = one.file.stat().st_mtime_ns
while one.file.stat().st_mtime_ns == before:
    time.sleep(0.01)
"""


def test_a_lease_is_granted_where_no_thread_can_be_started(tmp_path: Path, program) -> None:
    holder = program(NO_THREAD, beat=0.05)
    assert holder.line() == "True"
    assert holder.line() == "True"
    holder.end()
    assert os.listdir(tmp_path) == []


def test_a_lease_outlives_a_change_of_the_working_folder(tmp_path, beat, monkeypatch) -> None:
    beat(0.02)
    monkeypatch.chdir(tmp_path)
    with Lease(Path("states/one.json"), {}) as lease:
        assert lease.acquire()
        monkeypatch.chdir("/")
        (tmp_path / "states/one.json").unlink()
        lease.beat()
        assert is_alive(tmp_path / "states/one.json")


def test_what_a_lease_says_changes_as_a_whole(file: Path) -> None:
    with Lease(file, {"a": 1}) as lease:
        assert lease.acquire()
        with open(file, "rb") as reader:
            lease.rewrite({"b": 2})
            assert json.load(reader)["content"] == {"a": 1}
        assert read(file) == {"b": 2}
        assert os.listdir(file.parent) == [file.name]
    assert not file.exists()
