"""Records as rows: the tables are as MLflow itself writes them, and the rest is left to it."""

import contextlib
import math
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, create_engine, select

from runner.tracking.base import Header
from runner.tracking.mlflow import MLflow, rows

MS = 1_700_000_000_000
TABLES = ("metrics", "latest_metrics", "params", "tags")
POINTS = st.lists(
    st.tuples(
        st.sampled_from(["train/lr", "train/loss", "val/loss"]),
        st.floats(),
        st.integers(MS, MS + 2),
        st.integers(0, 3),
    ),
    max_size=12,
)


@pytest.fixture
def client(store: Any) -> Any:
    MLflow(None).open(Header("runs", "first", {}, {}))
    return store.client


@pytest.fixture
def log_batch(monkeypatch: Any) -> list[str]:
    """What MLflow is told in its own way."""
    from mlflow import MlflowClient

    told: list[str] = []
    real = MlflowClient.log_batch

    def noted(self: Any, run_id: str, **what: Any) -> None:
        told.extend(what)
        real(self, run_id, **what)

    monkeypatch.setattr(MlflowClient, "log_batch", noted)
    return told


def new_run() -> str:
    return MLflow(None).open(Header("runs", "a", {}, {})).run_id


def stored(run_id: str, uri: str = "sqlite:///mlflow.db") -> dict[str, list[tuple[object, ...]]]:
    """What the tables say of a run, without its id and the tags that MLflow adds."""
    engine, meta, found = create_engine(uri), MetaData(), {}
    meta.reflect(engine, only=TABLES)
    with engine.connect() as base:
        for table in TABLES:
            of = meta.tables[table]
            shown = select(*(one for one in of.c if one.name != "run_uuid"))
            own = (of.c.run_uuid == run_id) & of.c.key.not_like("mlflow.%") & (of.c.key != "outbox")
            found[table] = sorted(map(tuple, base.execute(shown.where(own))), key=repr)
    engine.dispose()
    return found


def by_mlflow(
    run_id: str, monkeypatch: Any, what: str, values: Any, uri: str | None = None
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(rows, "_is_usual", lambda store: False)
        getattr(MLflow(uri), what)(run_id, values)


def test_the_tables_are_as_mlflow_writes_them(client: Any, monkeypatch: Any) -> None:
    @settings(max_examples=40, deadline=None)
    @given(POINTS, POINTS)
    def check(first: Any, second: Any) -> None:
        ours, theirs = new_run(), new_run()
        for points in (first, second):
            MLflow(None).points(ours, points)
            by_mlflow(theirs, monkeypatch, "points", points)
        assert stored(ours) == stored(theirs)

    check()


@pytest.mark.parametrize(
    ("what", "values"),
    [
        (
            "points",
            [
                ("a", math.nan, MS, 0),
                ("a", math.inf, MS, 3),
                ("a", -math.inf, MS, 1),
                ("b", 5e-324, 0, 0),
                ("b", 2, MS, 10**9),
                ("b", 10**19, MS, 4),
            ],
        ),
        ("params", {"lr": "0.1", "a b": "", "ä": "ö" * 5000}),
        ("tags", {"device": "cpu", "a b": "", "ä": "ö" * 7000}),
    ],
)
def test_what_is_ordinary_is_written_at_once(
    client: Any, log_batch: list[str], monkeypatch: Any, what: str, values: Any
) -> None:
    ours, theirs = new_run(), new_run()
    getattr(MLflow(None), what)(ours, values)
    assert log_batch == []
    by_mlflow(theirs, monkeypatch, what, values)
    assert log_batch == ["metrics" if what == "points" else what]
    assert stored(ours) == stored(theirs)
    assert any(stored(ours).values())


def test_points_that_are_there_are_not_told_again(client: Any, log_batch: list[str]) -> None:
    run_id = new_run()
    first = [("a", float(t), MS, t) for t in range(3)] + [("a", math.nan, MS, 1)] * 2
    MLflow(None).points(run_id, first)
    before = stored(run_id)["metrics"]
    assert len(before) == 4
    MLflow(None).points(run_id, [*first, ("a", 0.5, MS, 2)])
    assert len(stored(run_id)["metrics"]) == 5
    assert set(before) < set(stored(run_id)["metrics"])
    assert log_batch == []


@pytest.mark.stress
def test_postgresql_has_the_same_tables(
    folder: Any, new_postgres: Any, log_batch: list[str], monkeypatch: Any
) -> None:
    uri = new_postgres()
    ours, theirs = (MLflow(uri).open(Header("runs", "a", {}, {})).run_id for _ in range(2))
    points = [("a", float(t), MS, t % 7) for t in range(2500)] + [("b", math.nan, MS, 1)] * 2
    told = [("points", points), ("points", [*points, ("a", math.inf, MS, 9)])]
    told += [("params", {"lr": "0.1"}), ("params", {"lr": "0.1", "b": "ö"})]
    told += [("tags", {"a": "1", "b": "2"}), ("tags", {"b": "3"})]
    for what, values in told:
        getattr(MLflow(uri), what)(ours, values)
        assert log_batch == (["params"] if values == {"lr": "0.1", "b": "ö"} else [])
        by_mlflow(theirs, monkeypatch, what, values, uri)
        log_batch.clear()
    assert stored(ours, uri) == stored(theirs, uri)
    assert len(stored(ours, uri)["metrics"]) == 2502


def test_a_tag_takes_the_place_of_its_own_key_alone(client: Any, log_batch: list[str]) -> None:
    run_id, other = new_run(), new_run()
    for one in (run_id, other):
        MLflow(None).tags(one, {"a": "1", "b": "2"})
    MLflow(None).tags(run_id, {"b": "3", "c": "4"})
    assert stored(run_id)["tags"] == [("a", "1"), ("b", "3"), ("c", "4")]
    assert stored(other)["tags"] == [("a", "1"), ("b", "2")]
    assert log_batch == []


@pytest.mark.parametrize(
    ("write", "values"),
    [
        (rows.points, [("a", 1.0, MS, 0), ("x" * 251, 1.0, MS, 0)]),
        (rows.points, [("a", 1.0, MS, 0), ("b", "1", MS, 0)]),
        (rows.points, [("a", 1.0, MS, 0), ("a", "1", MS, 1)]),
        (rows.points, []),
        (rows.params, {"there": "other", "a": "1"}),
        (rows.params, {"a": "1", "../b": "1"}),
        (rows.params, {}),
        (rows.tags, {"a": "1", "mlflow.runName": "b"}),
        (rows.tags, {"a": "1", "x" * 251: "b"}),
        (rows.tags, {}),
    ],
)
def test_of_the_rest_nothing_is_written(client: Any, write: Any, values: Any) -> None:
    run_id = new_run()
    client.log_param(run_id, "there", "1")
    before = stored(run_id)
    assert not write(client, run_id, values)
    assert stored(run_id) == before


@pytest.mark.parametrize(
    "state", ["deleted", "unknown", "other version", "server", "other database"]
)
def test_a_run_or_a_store_out_of_the_ordinary_is_left_to_mlflow(
    client: Any, monkeypatch: Any, state: str
) -> None:
    from mlflow import MlflowClient

    run_id = new_run()
    if state == "deleted":
        client.delete_run(run_id)
    elif state == "unknown":
        run_id = "0" * 32
    elif state == "other version":
        monkeypatch.setattr("mlflow.version.VERSION", "3.18.0")
    elif state == "other database":
        monkeypatch.setattr(client._tracking_client.store, "db_type", "mysql")
    else:
        client = MlflowClient("http://127.0.0.1:1")
    before = stored(run_id)
    assert not rows.points(client, run_id, [("a", 1.0, MS, 0)])
    assert not rows.params(client, run_id, {"a": "1"})
    assert not rows.tags(client, run_id, {"a": "1"})
    assert not rows.end(client, run_id, "FINISHED", MS)
    assert stored(run_id) == before


@pytest.mark.parametrize("status", ["FINISHED", "DIVERGED", "PRUNED"])
def test_an_end_is_as_mlflow_writes_it(client: Any, monkeypatch: Any, status: str) -> None:
    ours, theirs, other = new_run(), new_run(), new_run()
    MLflow(None).close(ours, status, MS)
    with monkeypatch.context() as patch:
        patch.setattr(rows, "_is_usual", lambda store: False)
        MLflow(None).close(theirs, status, MS)
    with contextlib.closing(sqlite3.connect("mlflow.db")) as base:
        ask = "SELECT status, end_time, lifecycle_stage, deleted_time FROM runs WHERE run_uuid = ?"
        found = [base.execute(ask, (run_id,)).fetchall() for run_id in (ours, theirs)]
    assert found[0] == found[1]
    assert found[0][0][1:] == (MS, "active", None)
    assert client.get_run(other).info.status == "RUNNING"


@pytest.mark.parametrize("opened_here", [True, False])
def test_files_arrive_whoever_has_opened_the_run(
    client: Any, tmp_path: Any, opened_here: bool
) -> None:
    tracker = MLflow(None)
    run_id = tracker.open(Header("runs", "a", {}, {})).run_id
    (tmp_path / "files" / "deep").mkdir(parents=True)
    (tmp_path / "files" / "deep" / "a.txt").write_text("there")
    for _ in range(2):
        (tracker if opened_here else MLflow(None)).artifacts(run_id, tmp_path / "files")
    assert [file.path for file in client.list_artifacts(run_id)] == ["deep"]
    copied = client.download_artifacts(run_id, "deep/a.txt", str(tmp_path))
    assert Path(copied).read_text() == "there"


def test_a_server_needs_no_library_of_databases() -> None:
    script = (
        "import sys; from mlflow import MlflowClient; from runner.tracking.mlflow import rows\n"
        "client = MlflowClient('http://127.0.0.1:1')\n"
        "points, texts = [('a', 1.0, 1, 0)], {'a': '1'}\n"
        "print(rows.points(client, 'a', points), rows.params(client, 'a', texts),\n"
        "      rows.tags(client, 'a', texts), rows.end(client, 'a', 'FINISHED', 1),\n"
        "      'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["False"] * 5, done.stderr


def test_of_two_that_wait_for_each_other_mlflow_tries_again(
    client: Any, monkeypatch: Any, log_batch: list[str]
) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    real, errors = SqlAlchemyStore.sanitize_metric_value, ["DeadlockDetected: deadlock detected"]

    def dies_once(self: Any, value: float) -> Any:
        if errors:
            raise MlflowException(errors.pop(), TEMPORARILY_UNAVAILABLE)
        return real(self, value)

    run_id = new_run()
    monkeypatch.setattr(SqlAlchemyStore, "sanitize_metric_value", dies_once)
    MLflow(None).points(run_id, [("a", 1.0, MS, 0)])
    assert (errors, log_batch) == ([], ["metrics"])
    assert len(stored(run_id)["metrics"]) == 1


def test_a_database_that_is_held_by_another_is_said(client: Any, monkeypatch: Any) -> None:
    from mlflow.exceptions import MlflowException
    from sqlalchemy import text

    run_id = new_run()
    store = client._tracking_client.store
    real = store.ManagedSessionMaker

    @contextlib.contextmanager
    def impatient(**given: Any) -> Iterator[Any]:
        with real(**given) as session:
            session.execute(text("PRAGMA busy_timeout = 10"))
            yield session

    monkeypatch.setattr(store, "ManagedSessionMaker", impatient)
    with contextlib.closing(sqlite3.connect("mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MlflowException, match="locked"):
            rows.points(client, run_id, [("a", 1.0, MS, 0)])
        other.execute("ROLLBACK")
    assert rows.points(client, run_id, [("a", 1.0, MS, 0)])
