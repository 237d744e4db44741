"""A table of Optuna's that was dropped is said, and not made again, empty."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages._rdb.models import BaseModel
from sqlalchemy import create_engine, inspect, text

from runner.errors import Mistake
from runner.study.queue.storage import open_storage

TABLES = (*BaseModel.metadata.tables, "alembic_version")
LINE = (
    "-m hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd "
    "threads=1 train.steps=2 lr=0.1,0.2 study.name=mine study.trials=2 study.confirm_seeds=0 "
    "tracking=off"
)


def content(file: str) -> str:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return "\n".join(connection.iterdump())


def test_a_start_refuses_a_study_that_lacks_a_table(
    command: Callable[[str], Any], undrawn: None, folder: Path
) -> None:
    assert command(LINE).status == 0
    whole = content("optuna.db")
    for name in TABLES:
        address = f"sqlite:///{name}.db"
        with contextlib.closing(sqlite3.connect(f"{name}.db")) as connection:
            connection.executescript(f"{whole} DROP TABLE {name};")
        before = content(f"{name}.db")
        if name == "trials":
            done = command(f"{LINE} study.storage={address}")
            assert (done.status, done.out) == (2, "")
            assert done.err == f"error: {refusal(address, name)}\n"
        with pytest.raises(Mistake) as mistake:
            open_storage(address)
        assert str(mistake.value) == refusal(address, name)
        assert content(f"{name}.db") == before


def refusal(address: str, name: str) -> str:
    return (
        f"study.storage must be a database with all of Optuna's tables, got {address}: it lacks "
        f"the table {name}; restore a copy or choose another storage"
    )


def test_what_a_killed_start_has_made_of_the_tables_is_completed(folder: Path) -> None:
    for number in (0, 1, 7, 12):
        address = f"sqlite:///{number}.db"
        engine = create_engine(address)
        for table in BaseModel.metadata.sorted_tables[:number]:
            table.create(engine)
        engine.dispose()
        assert optuna.get_all_study_names(open_storage(address)) == []
        assert set(inspect(engine).get_table_names()) == set(TABLES)
        engine.dispose()


@pytest.mark.parametrize("name", ["trials", "study_user_attributes"])
def test_a_server_is_looked_at_alike(
    new_postgres: Callable[[], str], queues: Any, folder: Path, name: str
) -> None:
    address = new_postgres()
    queues.new_study(address, 2)
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {name} CASCADE"))
    with pytest.raises(Mistake, match=rf"^study\.storage must .* it lacks the table {name};"):
        open_storage(address)
    assert set(inspect(engine).get_table_names()) == {*TABLES} - {name}
    engine.dispose()
