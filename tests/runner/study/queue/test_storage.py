"""Storages: what is refused, what waits for a moment, and what is asked again."""

import contextlib
import sqlite3
import subprocess
import sys
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
