"""Storages: what is refused, what waits for a moment, and what is asked again."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage

from runner.errors import Mistake
from runner.study.queue import storage as storages
from runner.study.queue.claim import claim
from runner.study.queue.storage import open_storage

LOCKS = """\
import sqlite3, sys
connection = sqlite3.connect("optuna.db", isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""


def test_a_database_that_is_locked_for_a_moment_is_waited_for(
    folder: Path, queues, monkeypatch
) -> None:
    monkeypatch.setattr("runner.study.queue.storage.BUSY_SECONDS", 0.2)
    study = queues.new_study(f"sqlite:///{folder}/optuna.db", 2)
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "locked\n"
    tried = []

    def pause(seconds: float) -> None:
        tried.append(seconds)
        if len(tried) == 2:
            holder.communicate("let go\n", timeout=60)

    monkeypatch.setattr("runner.study.queue.storage.time.sleep", pause)
    own = claim(study)
    assert len(tried) >= 2
    assert own.end({}, [1.0])
    assert queues.states(study) == {"COMPLETE": 1, "WAITING": 1}


def test_sqlite_writes_ahead_so_that_readers_wait_for_nobody(folder: Path, queues) -> None:
    queues.new_study(f"sqlite:///{folder}/optuna.db", 2)
    with contextlib.closing(sqlite3.connect("optuna.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("sqlite:///locked.db", "database is locked"),
        ("sqlite:///text.db", "file is not a database"),
        ("sqlite:///absent/optuna.db", "study.storage must lie in a folder that exists"),
        ("journal:absent/optuna.journal", "study.storage must lie in a folder that exists"),
        ("journal:text.db", "a journal file that can be read and written"),
        ("postgresql+psycopg://me@127.0.0.1:9/runs", "answers within 2 s, got"),
        ("postgresql+nothing://me@127.0.0.1/runs", "got postgresql"),
        ("optuna.db", "sqlite:///FILE, journal:FILE or a database address"),
    ],
)
def test_a_storage_that_takes_no_studies_is_one_line(
    address: str, line: str, folder: Path, monkeypatch
) -> None:
    monkeypatch.setattr("runner.study.queue.storage.ANSWER_SECONDS", 1)
    Path("text.db").write_text("some notes\nthat are no database\n" * 100)
    with contextlib.closing(sqlite3.connect("locked.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Mistake, match=r"^study\.storage must .*") as mistake:
            open_storage(address)
    assert line in str(mistake.value)
    assert "\n" not in str(mistake.value)
    assert mistake.value.where == "study.storage"


@pytest.mark.parametrize("address", ["sqlite:///optuna.db", "journal:optuna.db"])
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (Path.mkdir, "it is a folder"),
        (os.mkfifo, "it is no regular file"),
        (lambda file: file.symlink_to("nowhere"), "it is a link that leads nowhere"),
    ],
)
def test_what_is_no_file_is_neither_opened_nor_waited_for(
    folder: Path, address: str, make: Callable[[Path], object], why: str
) -> None:
    make(file := Path("optuna.db"))
    before = file.lstat().st_ino
    with pytest.raises(Mistake, match=rf"^study\.storage must be .*, got '{address}': {why}$"):
        open_storage(address)
    assert file.lstat().st_ino == before
    assert [path.name for path in folder.iterdir()] == ["optuna.db"]


def changed(what: str) -> str:
    return f"UPDATE study_user_attributes SET value_json = '{what}' WHERE key = 'definition'"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER TABLE trials RENAME COLUMN state TO other", "no such column: trials.state"),
        (changed("{"), "Expecting property name"),
        (changed('"{}"'), "study 'mine' whose definition cannot be read"),
        (
            "UPDATE study_user_attributes SET value_json = '3' WHERE key = 'summary'",
            "study 'mine' with summary 3;",
        ),
        (
            "UPDATE trial_user_attributes SET value_json = '3' WHERE key = 'outcome'",
            "trial 0 of 'mine' with outcome 3;",
        ),
    ],
)
def test_a_study_that_another_program_has_changed_is_one_line(
    command, undrawn, statement: str, said: str
) -> None:
    line = (
        "-m hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd "
        "threads=1 train.steps=2 lr=0.1,0.2 study.name=mine study.trials=2 study.confirm_seeds=0 "
        "tracking=off"
    )
    assert command(line).status == 0
    with contextlib.closing(sqlite3.connect("optuna.db")) as connection:
        connection.execute(statement)
        connection.commit()
    done = command(line)
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert said in done.err
    assert not said or done.err.startswith("error: study.storage ")


class Away(InMemoryStorage):
    """A storage that fails so many times."""

    def __init__(self, failures: int, error: type[Exception] = StorageInternalError) -> None:
        super().__init__()
        self.failures, self.error = failures, error

    def get_n_trials(self, *given, **named) -> int:
        self.failures -= 1
        if self.failures >= 0:
            raise self.error("the database is away")
        return super().get_n_trials(*given, **named)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses."""
    monkeypatch.setattr(storages, "_PAUSE_SECONDS", 0.0)


def trials(storage: InMemoryStorage) -> int:
    study = optuna.create_study(storage=storages.patient(storage))
    return storages.patient(storage).get_n_trials(storage.get_study_id_from_name(study.study_name))


def test_an_access_is_tried_until_it_succeeds() -> None:
    storage = Away(5)
    assert trials(storage) == 0
    assert storage.failures == -1


def test_a_storage_that_stays_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storages, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(StorageInternalError, match="the database is away"):
        trials(Away(10**9))


def test_any_other_error_is_not_tried_again() -> None:
    storage = Away(2, KeyError)
    with pytest.raises(KeyError, match="the database is away"):
        trials(storage)
    assert storage.failures == 1


RACE = """\
import sys
from runner.study.queue.storage import open_storage
print("ready", flush=True)
sys.stdin.readline()
open_storage(sys.argv[1])
"""


@pytest.mark.stress
def test_starts_in_different_folders_make_the_tables_of_one_database(
    new_postgres, tmp_path: Path
) -> None:
    for _ in range(3):
        command = [sys.executable, "-W", "ignore", "-c", RACE, new_postgres()]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        places = [tmp_path / name for name in "abcd"]
        for place in places:
            place.mkdir(exist_ok=True)
        starts = [subprocess.Popen(command, cwd=one, text=True, **pipes) for one in places]
        for one in starts:
            assert one.stdout.readline() == "ready\n"
        for one in starts:
            one.stdin.write("\n")
            one.stdin.flush()
        assert [one.communicate(timeout=60)[1] for one in starts] == [""] * 4


def test_the_torn_record_of_a_journal_costs_nothing_else(folder: Path, queues) -> None:
    address, file = f"journal:{folder}/journal", folder / "journal"
    study = queues.new_study(address, 2)
    whole = file.read_bytes()
    study.set_user_attr("last", 1)
    added = file.read_bytes()[len(whole) :]
    for length in (1, 5, len(added) - 1):
        file.write_bytes(whole + added[:length])
        again = optuna.load_study(study_name="test", storage=open_storage(address))
        assert "last" not in again.user_attrs
        again.set_user_attr("last", 2)
        assert file.read_bytes().startswith(whole + b'{"op_code":')
        again = optuna.load_study(study_name="test", storage=open_storage(address))
        assert again.user_attrs["last"] == 2
    file.write_bytes(whole[:7])
    assert optuna.get_all_study_names(open_storage(address)) == []
    assert file.read_bytes() == b""


def test_another_file_is_left_as_it_is(folder: Path) -> None:
    for text in ("some text", '{"op_code":1}\nand more', '{"other": 1}\n{"op'):
        Path("notes").write_text(text)
        with contextlib.suppress(Mistake):
            open_storage("journal:notes")
        assert Path("notes").read_text() == text
