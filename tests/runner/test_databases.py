"""Tables are made by one process at a time, wherever the processes run."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from runner.databases import locked, making_tables
from runner.errors import Mistake


def test_a_second_process_waits_for_the_first(new_postgres) -> None:
    address, seen = new_postgres(), []

    def second() -> None:
        with making_tables(address, connect_timeout=4):
            seen.append("second")

    thread = threading.Thread(target=second)
    with making_tables(address):
        thread.start()
        time.sleep(0.3)
        seen.append("first")
    thread.join()
    assert seen == ["first", "second"]


@pytest.mark.parametrize("make", [Path.mkdir, lambda file: file.symlink_to("nowhere/else")])
def test_what_is_no_lock_is_one_line(folder: Path, make: Callable[[Path], object]) -> None:
    make(file := folder / "it.lock")
    with (
        pytest.raises(
            Mistake, match=rf"^{file} must be a file that can be locked, got .*{file}'?$"
        ),
        locked(FileLock(file)),
    ):
        raise AssertionError


@pytest.mark.parametrize("make", [Path.touch, lambda file: file.symlink_to("nowhere/else")])
def test_a_folder_of_ours_that_is_none_is_one_line(
    folder: Path, command, make: Callable[[Path], object]
) -> None:
    make(Path(".runner"))
    line = "model=quadratic dataset=none schedule=constant optimizer=sgd train.steps=1"
    for words in (line, f"-m hydra/sweeper=optuna {line} lr=0.1,0.2"):
        done = command(words)
        assert (done.status, done.err.count("\n")) == (2, 1)
        assert re.match(r"error: .* must be a .*\.runner\b", done.err)
    assert [path.name for path in folder.iterdir()] == [".runner"]


def test_a_lock_that_stays_taken_is_one_line(folder: Path) -> None:
    with (
        locked(FileLock("it.lock")),
        pytest.raises(Mistake, match=r"^it.lock must be a file that can be locked, got .*lock"),
        locked(FileLock("it.lock", timeout=0)),
    ):
        raise AssertionError


def test_other_databases_are_let_be(tmp_path) -> None:
    with making_tables(f"sqlite:///{tmp_path}/none.db"), making_tables("http://127.0.0.1:1"):
        assert list(tmp_path.iterdir()) == []
