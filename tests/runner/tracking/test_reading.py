"""What is only looked at is opened as it is, or refused in one line and left as it is."""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Mistake
from runner.tracking.mlflow import database, reading

URI = "sqlite:///mlflow.db"


def change(*statements: str) -> Callable[[Path], None]:
    def make(file: Path) -> None:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    return make


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_a_store_is_opened_without_a_trace(folder: Path, store: Any) -> None:
    before = Path("mlflow.db").read_bytes()
    reading.check(URI)
    found = reading.open_store(URI).search_experiments()
    assert [one.name for one in found] == ["Default"]
    assert [one.name for one in folder.iterdir()] == ["mlflow.db"]
    assert Path("mlflow.db").read_bytes() == before


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda file: file.write_text("text" * 100), "file is not a database; choose another"),
        (lambda file: file.write_bytes(b""), "it has no tables of MLflow's"),
        (lambda file: (file.unlink(), file.mkdir()), "it is a folder"),
        (lambda file: (file.unlink(), file.symlink_to("nowhere")), "a link that leads nowhere"),
        (lambda file: (file.unlink(), os.mkfifo(file)), "it is no regular file"),
        (lambda file: (file.unlink(), change("CREATE TABLE a (b)")(file)), "another program's"),
        (
            change("DROP TABLE trace_info", "DROP TABLE spans"),
            "it lacks the table spans, trace_info",
        ),
        (change("UPDATE alembic_version SET version_num = 'old'"), "another MLflow .old, not "),
        (change("DELETE FROM alembic_version"), "it has no tables of MLflow's"),
        (cut, "malformed"),
    ],
)
def test_what_mlflow_would_change_or_cannot_read_is_one_line_and_stays_as_it_is(
    folder: Path, store: Any, make: Callable[[Path], None], why: str
) -> None:
    make(file := Path("mlflow.db"))
    before = file.read_bytes() if file.is_file() else file.lstat().st_mode
    with pytest.raises(Mistake, match=why):
        _open()
    assert [one.name for one in folder.iterdir()] == ["mlflow.db"]
    assert before == (file.read_bytes() if file.is_file() else file.lstat().st_mode)


def test_a_store_that_another_program_writes_to_says_so(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", 0.1)
    with contextlib.closing(sqlite3.connect("mlflow.db")) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Mistake, match=r"another program is writing to it; try again$"):
            _open()
    assert _open()


def test_an_address_means_the_same_in_every_folder(folder: Path) -> None:
    assert reading.absolute(URI) == f"sqlite:///{folder}/mlflow.db"
    assert reading.absolute("postgresql://me@db/runs") == "postgresql://me@db/runs"


@pytest.mark.stress
def test_an_empty_postgresql_is_refused_and_stays_empty(folder: Path, new_postgres: Any) -> None:
    from sqlalchemy import create_engine, inspect

    uri = new_postgres()
    with pytest.raises(Mistake, match="it has no tables of MLflow's"):
        _open(uri)
    engine = create_engine(uri)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def _open(uri: str = URI) -> Any:
    reading.check(uri)
    return reading.open_store(uri)
