"""Who is dead: processes of this machine by their ids, others by the file system's clock."""

import json
import os
import time
from pathlib import Path

import pytest

from runner.states.lease_file import LeaseFile, Owner, look


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a lease's file is written."""
    return tmp_path / "one.json"


def written(file: Path, owner: object, age: float = 0.0) -> LeaseFile:
    """A lease's file that was touched some seconds ago."""
    file.write_text(json.dumps({"owner": owner, "content": {"a": 1}}))
    now = file.stat().st_mtime
    os.utime(file, (now - age, now - age))
    found = look(file)
    assert found is not None
    return found


def test_a_file_says_who_owns_it_and_what_it_is_about(file: Path, owners) -> None:
    found = written(file, owners.this(place="node7 boot pid:[1]", pid=123))
    assert str(found.owner) == "process 123 on node7"
    assert found.content == {"a": 1}


def test_the_owner_is_this_process() -> None:
    one, other = Owner.this(), Owner.this()
    assert one.pid == os.getpid()
    assert one.token != other.token
    assert not one.has_ended()


def test_there_is_nothing_to_see_where_no_file_is(file: Path) -> None:
    assert look(file) is None


@pytest.mark.parametrize(("age", "is_dead"), [(0, False), (25, False), (35, True)])
def test_an_owner_elsewhere_is_dead_after_six_heartbeats_of_five_seconds(
    file: Path, owners, age: float, is_dead: bool
) -> None:
    assert written(file, owners.this(place="another machine"), age).is_dead() is is_dead


def test_a_process_that_stands_still_is_dead_after_six_heartbeats_too(file: Path, owners) -> None:
    assert not written(file, owners.this(), 25).is_dead()
    assert written(file, owners.this(), 35).is_dead()


def test_a_process_of_this_machine_is_dead_when_it_has_ended(file: Path, owners) -> None:
    assert written(file, owners.ended()).is_dead()


def test_a_later_process_of_the_same_id_is_not_the_owner(file: Path, owners) -> None:
    assert written(file, owners.this(began=owners.this()["began"] - 60)).is_dead()


@pytest.mark.parametrize("other", [{"place": "another machine"}, {"user": os.getuid() + 1}])
def test_ids_of_other_machines_and_users_say_nothing(file: Path, owners, other) -> None:
    assert not written(file, {**owners.ended(), **other}).is_dead()


@pytest.mark.parametrize("now", [0.0, 1e12])
def test_the_time_of_day_of_this_machine_does_not_matter(
    file: Path, owners, now: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: now)
    away = owners.this(place="another machine")
    assert not written(file, away).is_dead()
    assert written(file, away, 35).is_dead()


def test_after_the_clock_was_set_back_silence_counts_from_now(
    file: Path, owners, beat, eventually
) -> None:
    found = written(file, owners.this(place="another machine"), -86400)
    assert not found.is_dead()
    assert abs(file.stat().st_mtime - found.mark[0] / 1e9 + 86400) < 60
    beat(0.05)
    eventually(lambda: look(file).is_dead())


HOSTILE = [
    b"",
    b'{"owner": {"pla',
    b"[]",
    b"null",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"owner": 7, "content": {}}',
    b'{"owner": {}, "content": {}}',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_file_that_is_torn_or_no_lease_lives_until_it_is_old(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    found = look(file)
    assert (found.owner, found.content, found.is_dead()) == (None, {}, False)
    os.utime(file, (0, 0))
    assert look(file).is_dead()


@pytest.mark.parametrize(
    "part", [{"pid": -1}, {"pid": "1"}, {"pid": 0.5}, {"began": None}, {"place": 3}, {"token": []}]
)
def test_an_owner_that_can_be_none_is_not_asked_for(file: Path, owners, part) -> None:
    found = written(file, owners.this(**part))
    assert found.owner is None
    assert not found.is_dead()


@pytest.mark.parametrize("part", [{"pid": 10**30}, {"began": float("nan")}])
def test_numbers_without_a_meaning_do_no_harm(file: Path, owners, part) -> None:
    assert written(file, owners.this(**part), 35).is_dead()


def test_a_pipe_is_not_waited_for_and_a_link_not_followed(file: Path, tmp_path: Path) -> None:
    os.mkfifo(file)
    assert look(file).owner is None
    link = tmp_path / "link.json"
    link.symlink_to(file)
    with pytest.raises(OSError, match="symbolic links"):
        look(link)
