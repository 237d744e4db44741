"""Where studies are kept: what is refused at the start, and what is waited for later."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import Mistake
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

    monkeypatch.setattr("runner.study.queue.retries.time.sleep", pause)
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
