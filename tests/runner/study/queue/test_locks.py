"""One process at a time: who creates, and who claims where the database lets two."""

import subprocess
import sys
import threading
from pathlib import Path

import optuna
import pytest
from filelock import FileLock, Timeout

from runner.study.queue.locks import LOCK, creating, exclusive

FORKS = """\
import os
from runner.study.queue.locks import creating
for _ in range(2):
    with creating():
        print("creates", flush=True)
    if child := os.fork():
        os._exit(os.waitpid(child, 0)[1])
os._exit(0)
"""
CREATES = """\
from runner.study.queue.locks import creating
print("asks", flush=True)
with creating():
    print("creates", flush=True)
"""


def test_a_second_process_creates_when_the_first_one_has(folder: Path) -> None:
    with creating():
        other = subprocess.Popen([sys.executable, "-c", CREATES], stdout=subprocess.PIPE, text=True)
        assert other.stdout.readline() == "asks\n"
        with pytest.raises(subprocess.TimeoutExpired, match="timed out"):
            other.wait(timeout=0.5)
    assert other.communicate(timeout=60)[0] == "creates\n"


def test_what_creates_may_create_more(folder: Path) -> None:
    with creating(), creating():
        assert LOCK.exists()


def test_a_process_that_was_forked_creates_by_itself(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "creates\ncreates\n", "")


def test_where_nothing_was_created_nothing_is_left(folder: Path) -> None:
    with pytest.raises(ValueError, match="refused"), creating():
        raise ValueError("refused")
    assert list(folder.iterdir()) == []


def test_a_folder_that_was_there_stays(folder: Path) -> None:
    LOCK.parent.mkdir()
    with pytest.raises(ValueError, match="refused"), creating():
        raise ValueError("refused")
    assert LOCK.parent.exists()


def test_sqlite_has_a_lock_file_and_the_others_lock_by_themselves(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    with exclusive(study) as is_exclusive:
        assert is_exclusive == address.startswith("sqlite")
        if is_exclusive:
            file = f"{address.removeprefix('sqlite:///')}.lock"
            with pytest.raises(Timeout, match=r"optuna\.db\.lock"):
                FileLock(file, timeout=0).acquire()


def test_two_threads_of_a_process_are_kept_apart(folder: Path, queues) -> None:
    study = queues.new_study(f"sqlite:///{folder}/optuna.db", 1)
    order = []

    def other() -> None:
        with exclusive(study):
            order.append("second")

    with exclusive(study):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(timeout=0.3)
        order.append("first")
    thread.join(timeout=60)
    assert order == ["first", "second"]


def test_memory_needs_no_lock() -> None:
    study = optuna.create_study()
    with exclusive(study) as is_exclusive:
        assert not is_exclusive
