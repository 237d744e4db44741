"""Wanted states: seen by all processes while who wants them lives, and read again when changed."""

import json
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from runner.states import lease_file
from runner.states import wanted as module
from runner.states.leases import Lease
from runner.states.wanted import Wanted
from runner.trial.name import StateName

A, B = "ab" * 32, "ba" * 32
NAMES = [StateName(A, 500, "cd" * 32), StateName(A, 90, "ef" * 32), StateName(B, 500, "cd" * 32)]
WANTS = """\
announcement = Wanted(folder).announce([name])
print("ready", flush=True)
sys.stdin.read()
"""


def files(folder: Path) -> list[str]:
    """The files of announcements."""
    return sorted(os.listdir(folder / "wanted"))


def announced(file: Path, owner: object, content: object) -> None:
    """An announcement as it stands in a file."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"owner": owner, "content": content}))


def test_states_are_wanted_until_their_announcement_is_closed(tmp_path: Path) -> None:
    wanted, other = Wanted(tmp_path), Wanted(tmp_path)
    assert other.all() == set()
    with wanted.announce(NAMES):
        assert other.all() == set(NAMES)
        assert other.of(A) == [NAMES[1], NAMES[0]]
        assert other.of(B) == [NAMES[2]]
        assert other.of("cc" * 32) == []
    assert other.all() == set()
    assert files(tmp_path) == []


def test_a_state_that_is_done_with_is_forgotten(tmp_path: Path) -> None:
    wanted, other = Wanted(tmp_path), Wanted(tmp_path)
    with wanted.announce(NAMES) as announcement:
        assert other.all() == set(NAMES)
        for name in (NAMES[0], NAMES[0]):
            announcement.done(name)
            assert other.all() == set(NAMES[1:])
        assert len(files(tmp_path)) == 1
        for name in NAMES[1:]:
            announcement.done(name)
        assert other.all() == set()
    assert files(tmp_path) == []


def test_a_state_is_wanted_while_one_of_two_wants_it(tmp_path: Path) -> None:
    wanted = Wanted(tmp_path)
    with wanted.announce(NAMES[:2]) as one, wanted.announce(NAMES[1:]) as other:
        one.done(NAMES[1])
        assert wanted.all() == set(NAMES)
        other.done(NAMES[1])
        assert wanted.all() == {NAMES[0], NAMES[2]}


def test_what_a_killed_process_wanted_is_forgotten_at_once(
    tmp_path: Path, program, eventually
) -> None:
    holder = program(WANTS)
    holder.line()
    wanted = Wanted(tmp_path)
    assert wanted.all() == {NAMES[0]}
    holder.kill()
    eventually(lambda: wanted.all() == set())
    assert files(tmp_path) == []


def test_what_another_machine_wants_is_forgotten_after_six_heartbeats(
    tmp_path: Path, program, beat, eventually
) -> None:
    holder = program(WANTS, "another machine", 0.05)
    holder.line()
    wanted = Wanted(tmp_path)
    holder.kill()
    holder.process.wait()
    assert wanted.all() == {NAMES[0]}
    beat(0.05)
    eventually(lambda: wanted.all() == set())
    assert files(tmp_path) == []


def test_an_announcement_that_others_took_for_dead_is_there_again(
    tmp_path: Path, beat, eventually
) -> None:
    beat(0.05)
    wanted = Wanted(tmp_path)
    with wanted.announce(NAMES) as announcement:
        announcement.done(NAMES[0])
        [file] = files(tmp_path)
        (tmp_path / "wanted" / file).unlink()
        eventually(lambda: wanted.all() == set(NAMES[1:]))


def test_an_announcement_is_read_again_only_when_it_has_changed(
    tmp_path: Path, owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(file: Path) -> Any:
        read.append(file)
        return lease_file.look(file)

    monkeypatch.setattr(module, "look", counted)
    one, other = tmp_path / "wanted" / "one.json", tmp_path / "wanted" / "other.json"
    for file in (one, other):
        announced(file, owners.this(), {A: [[500, "cd" * 32]]})
    wanted = Wanted(tmp_path)
    for _ in range(3):
        assert wanted.all() == {NAMES[0]}
    assert sorted(read) == [one, other]
    stat = one.stat()
    announced(one, owners.this(), {B: [[500, "cd" * 32]]})
    os.utime(one, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert wanted.all() == {NAMES[0], NAMES[2]}
    assert read[2:] == [one]


def test_what_one_thread_forgets_another_does_not_bring_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_late, real = threading.Event(), Lease.rewrite

    def rewrite(lease: Lease, content: Any) -> None:
        if not is_late.is_set():
            is_late.set()
            time.sleep(0.3)
        real(lease, content)

    monkeypatch.setattr(Lease, "rewrite", rewrite)
    wanted = Wanted(tmp_path)
    with wanted.announce(NAMES) as announcement:
        late = threading.Thread(target=announcement.done, args=(NAMES[0],))
        late.start()
        is_late.wait()
        announcement.done(NAMES[1])
        late.join()
        assert wanted.all() == {NAMES[2]}


@pytest.mark.parametrize(
    "content",
    [
        {A: 7},
        {A: [[1]]},
        {A: [[-1, "cd" * 32], ["5", "cd" * 32], [5, "cd"], [5, "../" * 20], {}]},
        {"no recipe": [[5, "cd" * 32]]},
        [],
    ],
)
def test_what_is_no_state_is_not_wanted(tmp_path: Path, owners, content) -> None:
    announced(tmp_path / "wanted" / "one.json", owners.this(), content)
    assert Wanted(tmp_path).all() == set()
    assert files(tmp_path) == ["one.json"]


def test_the_states_beside_what_is_none_are_wanted(tmp_path: Path, owners) -> None:
    content = {A: [[5, "cd"], [500, "cd" * 32]]}
    announced(tmp_path / "wanted" / "one.json", owners.this(), content)
    assert Wanted(tmp_path).all() == {NAMES[0]}


def test_old_torn_files_are_removed_and_what_others_put_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "wanted"
    folder.mkdir()
    (folder / "more.json").mkdir()
    (folder / "link.json").symlink_to(tmp_path)
    for name in ("young.json", "old.json", ".old.json", "README"):
        (folder / name).touch()
    for name in ("old.json", ".old.json", "README"):
        os.utime(folder / name, (0, 0))
    with Wanted(tmp_path).announce(NAMES):
        [own] = set(files(tmp_path)) - {
            *("young.json", "old.json", ".old.json", "README", "more.json", "link.json")
        }
        assert Wanted(tmp_path).all() == set(NAMES)
        assert set(files(tmp_path)) == {own, "young.json", "README", "more.json", "link.json"}


def test_an_announcement_is_not_removed_where_no_clock_can_be_read(
    tmp_path: Path, owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is full, which is when states are evicted."""

    def full(*given: Any, **named: Any) -> None:
        raise OSError("No space left on device")

    announced(tmp_path / "wanted" / "one.json", owners.this(place="node7"), {A: [[500, "cd" * 32]]})
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert Wanted(tmp_path).all() == {NAMES[0]}
    assert files(tmp_path) == ["one.json"]


def test_a_folder_that_cannot_be_listed_for_a_moment_forgets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(folder: Any) -> None:
        raise OSError("Stale file handle")

    wanted = Wanted(tmp_path)
    with wanted.announce(NAMES):
        assert wanted.all() == set(NAMES)
        monkeypatch.setattr(os, "scandir", away)
        assert wanted.all() == set(NAMES)


def test_a_folder_that_is_deleted_or_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "states"):
        wanted = Wanted(folder)
        with wanted.announce(NAMES) as announcement:
            wanted.all()
            shutil.rmtree(folder, ignore_errors=True)
            announcement.done(NAMES[0])
            assert wanted.all() == set()
    assert os.listdir(tmp_path) == ["file"]
