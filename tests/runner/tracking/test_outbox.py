"""Messages on disk: in order, whole, and in one process's hands at a time."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from runner.tracking import leftovers, outbox
from runner.tracking.outbox import Outbox, waiting
from runner.tracking.schema import Head

HEAD = Head("abc", "sqlite:///mlflow.db")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """A run's empty outbox in a fresh working folder."""
    monkeypatch.chdir(tmp_path)
    made = Outbox(HEAD)
    made.create()
    return made


def contents(box: Outbox) -> list[dict[str, Any]]:
    return [message for _, message in box.messages()]


def test_messages_come_back_in_the_order_of_writing(box: Outbox) -> None:
    messages = [{"tags": {"n": str(i)}} for i in range(12)]
    for message in messages:
        box.append(message)
    assert contents(box) == messages


def test_neighbouring_points_come_as_one_message(box: Outbox) -> None:
    first, second, third = (["lr", 0.1, 1700000000000, step] for step in range(3))
    box.append({"points": [first]})
    box.append({"points": [second]})
    box.append({"tags": {"a": "b"}})
    box.append({"points": [third]})
    assert contents(box) == [
        {"points": [first, second]},
        {"tags": {"a": "b"}},
        {"points": [third]},
    ]


def test_a_long_wait_is_read_in_parts(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MERGED", 4)
    for step in range(5):
        box.append({"points": [["lr", 0.1, 0, step], ["grad_norm", 1.0, 0, step]]})
    sizes = [len(message["points"]) for message in contents(box)]
    assert sizes == [4, 4, 2]


def test_nan_and_infinity_survive_the_disk(box: Outbox) -> None:
    box.append({"points": [("a", float("nan"), 0, 0), ("b", float("-inf"), 0, 0)]})
    values = [value for _, value, _, _ in contents(box)[0]["points"]]
    assert str(values) == "[nan, -inf]"


def test_a_folder_is_copied_when_it_is_recorded(box: Outbox, tmp_path: Path) -> None:
    (tmp_path / "files" / "deep").mkdir(parents=True)
    (tmp_path / "files" / "deep" / "a.txt").write_text("first")
    box.append({"artifacts": str(tmp_path / "files")})
    (tmp_path / "files" / "deep" / "a.txt").write_text("later")
    assert (Path(contents(box)[0]["artifacts"]) / "deep" / "a.txt").read_text() == "first"


def test_what_is_forgotten_does_not_come_back(box: Outbox, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for message in ({"artifacts": str(tmp_path / "files")}, {"tags": {"a": "b"}}):
        box.append(message)
    entries, _ = next(box.messages())
    box.forget(entries)
    assert contents(box) == [{"tags": {"a": "b"}}]


def test_a_message_cut_off_in_writing_is_left_out(box: Outbox) -> None:
    box.append({"tags": {"a": "b"}})
    (box.folder / ".00000001").write_text('{"tags": {"c"')
    assert contents(box) == [{"tags": {"a": "b"}}]


def test_a_training_run_waits_but_cannot_be_taken(box: Outbox) -> None:
    (other,) = waiting()
    assert (other.run_id, other.head.uri) == ("abc", "sqlite:///mlflow.db")
    assert not other.acquire()


def test_a_released_run_can_be_taken_once(box: Outbox) -> None:
    box.release()
    first, second = *waiting(), *waiting()
    assert (first.acquire(), second.acquire()) == (True, False)


def test_a_run_delivered_in_this_moment_cannot_be_taken(box: Outbox) -> None:
    (other,) = waiting()
    box.remove()
    assert not other.acquire()
    assert list(outbox.ROOT.iterdir()) == []


def test_a_killed_process_leaves_its_run_to_others(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    script = (
        "import os, signal; from runner.tracking.outbox import Outbox\n"
        "from runner.tracking.schema import Head\n"
        "box = Outbox(Head('abc', 'sqlite:///mlflow.db')); box.create(); box.append({'tags': {}})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    (box,) = waiting()
    assert box.acquire()
    assert contents(box) == [{"tags": {}}]


def test_what_a_kill_has_left_of_the_same_run_is_in_nobodys_way(box: Outbox) -> None:
    gone = box.folder.with_suffix(outbox.GONE)
    gone.mkdir()
    (gone / "1.json").touch()
    box.remove()
    assert list(outbox.ROOT.iterdir()) == []
    for half in (box.folder, gone):
        half.mkdir()
    (gone / "1.json").touch()
    (box.folder / ".lock").touch()
    assert leftovers.tidy() == []
    assert list(outbox.ROOT.iterdir()) == []


def test_what_another_process_has_just_delivered_is_not_spoken_of(folder, monkeypatch) -> None:
    gone = outbox.ROOT / ("a" * 32)
    monkeypatch.setattr(type(gone), "glob", lambda self, pattern: [gone])
    assert leftovers.tidy() == []
    gone.mkdir(parents=True)
    (gone / "theirs").symlink_to("nowhere")
    monkeypatch.setattr(type(gone), "glob", lambda self, pattern: [gone / "theirs"])
    assert leftovers.tidy() == [f"{gone}/theirs is no run's folder of records; it is left alone"]


def test_a_folder_that_another_start_tidies_before_it_is_held_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    box, plain, tidied = Outbox(HEAD), FileLock.acquire, []

    def acquire(lock: FileLock, *args: Any, **more: Any) -> Any:
        if lock is box._lock and not tidied:
            tidied.append(leftovers.tidy())
            raise FileNotFoundError(lock.lock_file)  # where its folder goes between two calls
        return plain(lock, *args, **more)

    monkeypatch.setattr(FileLock, "acquire", acquire)
    box.create()
    assert tidied == [[]]
    box.append({"tags": {"a": "b"}})
    assert [one.name for one in waiting()] == [box.name]


def test_a_delivered_run_is_gone_although_another_start_looks_at_it(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = shutil.rmtree

    def rmtree(path: Path, **more: Any) -> None:
        monkeypatch.setattr(outbox.shutil, "rmtree", plain)
        plain(path, **more)
        path.mkdir()
        (path / ".lock").touch()  # by who has resolved the folder's name before

    monkeypatch.setattr(outbox.shutil, "rmtree", rmtree)
    box.remove()
    assert list(outbox.ROOT.iterdir()) == []
