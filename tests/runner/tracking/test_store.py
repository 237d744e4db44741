"""MLflow stores: opened by many, quiet, and asked for experiments and artifacts."""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Mistake
from runner.tracking import Header, outbox
from runner.tracking.courier import Courier
from runner.tracking.mlflow import MLflow, fetch
from runner.tracking.mlflow.store import load

HEADER = Header("runs", "a", {}, {})


def test_a_deleted_experiment_is_a_mistake(store: Any) -> None:
    MLflow(None).prepare("old")
    store.client.delete_experiment(store.client.get_experiment_by_name("old").experiment_id)
    with pytest.raises(Mistake, match="must not be a deleted experiment, got 'old'; choose ano"):
        MLflow(None).prepare("old")
    with pytest.raises(Mistake, match="must not be a deleted experiment, got 'old'; choose ano"):
        Courier(MLflow(None)).start().open(Header("old", "a", {}, {}))


def test_a_store_that_is_no_database_is_a_mistake(folder: Path) -> None:
    Path("mlflow.db").write_text("this is no database" * 100)
    with pytest.raises(Mistake, match=r"takes runs, got sqlite:///mlflow.db: .* not a d"):
        MLflow(None).prepare("runs")


def folder_there(file: Path) -> None:
    file.mkdir()


def dangling_link(file: Path) -> None:
    file.symlink_to("nowhere")


def another_programs(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE accounts (id)")


def odd_name(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE accounts (id)")
    file.write_bytes(file.read_bytes().replace(b"accounts", b"acc\xff\xffnts"))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (folder_there, "it is a folder"),
        (dangling_link, "it is a link that leads nowhere"),
        (os.mkfifo, "it is no regular file"),
        (another_programs, "another program's database"),
        (lambda file: file.write_text("text" * 100), "file is not a database"),
        (odd_name, "(Could not decode|'utf-8' codec can't decode)"),
    ],
)
def test_what_is_no_store_is_one_line_and_stays_as_it_is(
    folder: Path, command: Any, make: Callable[[Path], None], why: str
) -> None:
    make(file := Path("mlflow.db"))
    before = file.read_bytes() if file.is_file() else file.lstat().st_mode
    done = command("model=quadratic dataset=none schedule=constant optimizer=sgd train.steps=3")
    must = rf"error: tracking\.uri must be a store that takes runs, got sqlite:///mlflow\.db: {why}"
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert re.match(must, done.err)
    assert [path.name for path in folder.iterdir()] == ["mlflow.db"]
    assert before == (file.read_bytes() if file.is_file() else file.lstat().st_mode)


@pytest.mark.parametrize("table", ["params", "latest_metrics", "datasets"])
def test_a_store_that_lacks_a_table_is_a_mistake(store: Any, command: Any, table: str) -> None:
    with contextlib.closing(sqlite3.connect("mlflow.db")) as connection:
        connection.execute(f"DROP TABLE {table}")
    done = command("model=quadratic dataset=none schedule=constant optimizer=sgd train.steps=3")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert f"it lacks the table {table};" in done.err
    assert not outbox.ROOT.exists()


def test_what_is_refused_leaves_no_lock_behind(folder: Path, empty_store: Path) -> None:
    shutil.copy(empty_store, "mlflow.db")
    with contextlib.closing(sqlite3.connect("mlflow.db")) as connection:
        connection.execute("DROP TABLE datasets")
    with pytest.raises(Mistake, match="it lacks the table datasets"):
        MLflow(None).prepare("runs")
    assert [path.name for path in folder.iterdir()] == ["mlflow.db"]


MAKES = """
import os, sys
from sqlalchemy import Engine, event
from runner.tracking.mlflow import MLflow
left = int(sys.argv[1])
@event.listens_for(Engine, "before_cursor_execute")
def count(connection, cursor, statement, *rest):
    global left
    left -= not statement.startswith(("SELECT", "PRAGMA"))
    if left < 0:
        os._exit(9)
MLflow(None).prepare("runs")
"""


@pytest.mark.parametrize("statements", [1, pytest.param(60, marks=pytest.mark.stress)])
def test_a_start_that_is_killed_while_it_makes_the_store_hinders_no_other(
    folder: Path, statements: int
) -> None:
    assert subprocess.run([sys.executable, "-c", MAKES, str(statements)]).returncode == 9
    assert not Path("mlflow.db").exists()
    MLflow(None).prepare("runs")
    assert [path.name for path in Path(".runner").iterdir()] == ["mlflow.lock"]
    MLflow(None).check()


WRITES = """
import os, sqlite3
store = sqlite3.connect("mlflow.db")
store.execute("PRAGMA cache_size = 1")
rows = [[i] * 3 for i in range(9999)]
store.executemany("INSERT INTO inputs VALUES (?, 'a', ?, 'b', ?, 0)", rows)
os._exit(9)
"""


def test_what_a_process_has_not_written_to_its_end_is_taken_back(store: Any, command: Any) -> None:
    assert subprocess.run([sys.executable, "-c", WRITES]).returncode == 9
    assert Path("mlflow.db-journal").exists()
    done = command("model=quadratic dataset=none schedule=constant optimizer=sgd train.steps=3")
    assert (done.status, done.err) == (0, "")
    assert not Path("mlflow.db-journal").exists()


def test_no_folder_is_made_for_a_store(folder: Path) -> None:
    with pytest.raises(Mistake, match=r"got sqlite:///no/mlflow.db: there is no folder .*/no;"):
        MLflow("sqlite:///no/mlflow.db").check()
    assert list(folder.iterdir()) == []


def test_fetch_gives_a_runs_artifact(store: Any, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "weights.safetensors").write_bytes(b"weights")
    one = Courier(MLflow(None)).start()
    run_id = one.open(HEADER).run_id
    one.artifacts(tmp_path / "files")
    one.close("FINISHED")
    assert fetch(None, run_id, "weights.safetensors").read_bytes() == b"weights"
    with pytest.raises(Mistake, match=f"that has nothing.txt, got {run_id}: "):
        fetch(None, run_id, "nothing.txt")
    with pytest.raises(Mistake, match=f"that has weights.safetensors, got {'0' * 32}: "):
        fetch(None, "0" * 32, "weights.safetensors")


def test_fetch_creates_no_database(folder: Path) -> None:
    with pytest.raises(Mistake, match=r"must be a run in sqlite:///mlflow.db that .*no database"):
        fetch(None, "0" * 32, "weights.safetensors")
    assert list(folder.iterdir()) == []


def test_a_change_of_folder_is_a_change_of_database(folder: Path, monkeypatch: Any) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        monkeypatch.chdir(folder / name)
        MLflow(None).prepare(name)
    assert {file.parent.name for file in folder.glob("*/mlflow.db")} == {"one", "two"}


TRACK = """
import os
from runner.tracking.courier import Courier
from runner.tracking.mlflow import MLflow, fetch
from runner.tracking import Header, outbox
tracker = Courier(MLflow(None)).start()
link = tracker.open(Header("runs", "a", {"lr": "0.1"}, {}))
tracker.points([("lr", 0.1, 1700000000000, 0)])
assert tracker.close("FINISHED")
assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
"""


def test_mlflow_is_silent_and_reports_nothing_home(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TRACK], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_telemetry_stays_as_a_person_has_set_it(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    load()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"


@pytest.mark.stress
def test_four_processes_may_open_a_fresh_store_at_once(folder: Path) -> None:
    four = [subprocess.Popen([sys.executable, "-c", TRACK]) for _ in range(4)]
    assert [process.wait() for process in four] == [0] * 4


def test_a_warning_that_is_an_error_is_said_to_be_mlflows(folder: Path) -> None:
    mistake = MLflow(None).refusal(DeprecationWarning("a loader is deprecated"))
    assert str(mistake) == (
        "MLflow does not work where warnings are errors: DeprecationWarning: a loader is "
        "deprecated; leave out -W error"
    )
