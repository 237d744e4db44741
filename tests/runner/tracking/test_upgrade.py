"""Stores of earlier versions: histories without a section, copied to today's keys."""

import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Mistake
from runner.tracking.mlflow import upgrade as upgrading
from runner.tracking.mlflow.upgrade import Upgraded, upgrade

MS = 1_700_000_000_000
STEPS = 600
COMMAND = {"command": "python -m runner lr=0.1"}
PARAMS = {"lr": "0.1", "optimizer.momentum_schedule.values": "[0.9, 0.8]"}
OLD = ("clipped", "grad_norm", "lr", "momentum")  # of 600 steps: 2,400 points, 3 requests
LINE = "model=quadratic dataset=none schedule=cosine lr=0.1 optimizer=sgd train.steps=4"


@pytest.fixture
def recorded(store: Any) -> Callable[..., str]:
    """Records a run as an earlier version did, in the experiment of the runs of today."""
    from mlflow.entities import Metric, Param, RunTag

    def record(
        tags: dict[str, str] = COMMAND,
        params: dict[str, str] = PARAMS,
        status: str = "FINISHED",
        experiment: str = "runs",
        keys: tuple[str, ...] = (*OLD, "train/loss", "val/loss", "param/w", "energy"),
        steps: int = STEPS,
    ) -> str:
        client = store.client
        found = client.get_experiment_by_name(experiment)
        place = found.experiment_id if found else client.create_experiment(experiment)
        run_id = client.create_run(place, run_name="earlier").info.run_id
        client.log_batch(
            run_id,
            params=[Param(*one) for one in params.items()],
            tags=[RunTag(*one) for one in tags.items()],
        )
        odd = {0: math.inf, 1: math.nan, 2: -math.inf}
        for i, key in enumerate(keys):
            values = [
                odd.get(t, 0.1 * t + i) if key == "grad_norm" else 0.1 * t + i for t in range(steps)
            ]
            points = [Metric(key, value, MS + 7 * t, t) for t, value in enumerate(values)]
            client.log_batch(run_id, metrics=points)
        if status != "RUNNING":
            client.set_terminated(run_id, status)
        return str(run_id)

    return record


def rows(table: str = "metrics") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("mlflow.db")) as connection:
        return sorted(connection.execute(f"SELECT * FROM {table}"), key=str)


def history(run_id: str, key: str) -> list[tuple[Any, ...]]:
    """A metric's points as they lie in the database, but for the key."""
    asked = "SELECT value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ? AND key = ?"
    with closing(sqlite3.connect("mlflow.db")) as connection:
        return sorted(connection.execute(asked, (run_id, key)), key=lambda point: point[2])


def keys_of(store: Any, run_id: str) -> set[str]:
    return set(store.client.get_run(run_id).data.metrics)


def test_an_old_run_and_a_new_one_have_the_same_keys_point_for_point(
    recorded: Any, command: Any, store: Any
) -> None:
    old = recorded()
    before = rows()
    cycle = "optimizer.momentum=0.9 optimizer/momentum_schedule=one_cycle"
    assert command(f"{LINE} {cycle}").status == 0
    (new,) = (run.info.run_id for run in store.runs() if run.info.run_id != old)
    assert upgrade() == Upgraded(runs=1, points=4 * STEPS, running=0)
    for key in OLD:
        assert len(history(old, f"train/{key}")) == STEPS
        assert history(old, f"train/{key}") == history(old, key)
        assert len(history(new, f"train/{key}")) == 4
    assert set(before) < set(rows())
    assert keys_of(store, new) - {"test/loss"} == keys_of(store, old) - {*OLD, "energy"}


def test_an_upgrade_that_is_repeated_changes_nothing(recorded: Any, store: Any) -> None:
    run_id = recorded()
    upgrade()
    seen = [rows(table) for table in ("metrics", "latest_metrics", "tags", "runs")]
    assert upgrade() == Upgraded(runs=0, points=0, running=0)
    assert [rows(table) for table in ("metrics", "latest_metrics", "tags", "runs")] == seen
    store.client.delete_tag(run_id, upgrading.KEYS)
    assert upgrade() == Upgraded(runs=1, points=4 * STEPS, running=0)
    assert [rows(table) for table in ("metrics", "latest_metrics", "tags", "runs")] == seen


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_an_upgrade_that_was_killed_is_completed(
    batch: int, recorded: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    first, second = recorded(), recorded()
    whole = rows()
    real, sent = MlflowClient.log_batch, []

    def dies(self: Any, run_id: str, **what: Any) -> None:
        sent.append(run_id)
        if len(sent) == batch + 1:
            raise KeyboardInterrupt
        real(self, run_id, **what)

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "log_batch", dies)
        with pytest.raises(KeyboardInterrupt):
            upgrade()
    marked = [run for run in store.runs() if upgrading.KEYS in run.data.tags]
    assert len(marked) == (batch == 3)
    assert len(rows()) == len(whole) + (1000, 2000, 2400)[batch - 1]
    left = 2 - len(marked)
    assert upgrade() == Upgraded(runs=left, points=left * 4 * STEPS, running=0)
    assert len(rows()) == len(whole) + 2 * 4 * STEPS
    for run_id in (first, second):
        assert [history(run_id, f"train/{key}") for key in OLD] == [
            history(run_id, key) for key in OLD
        ]


def test_only_what_follows_a_schedule_is_copied_beside_the_usual(recorded: Any, store: Any) -> None:
    keys = ("lr", "momentum", "max_norm", "weight_decay", "tau", "energy")
    cycled = {"optimizer/momentum_schedule": "one_cycle", "clipping.max_norm_schedule.end": "1"}
    own = {
        "optimizer.tau_schedule": "a schedule",
        "optimizer.energy": "1",
        "energy_schedule.a": "1",
    }
    run_id = recorded(params=cycled | own, keys=keys, steps=2)
    assert upgrade().points == 8
    copied = {"train/lr", "train/momentum", "train/max_norm", "train/tau"}
    assert keys_of(store, run_id) == copied | set(keys)


def test_runs_of_others_and_deleted_ones_are_left_alone(recorded: Any, store: Any) -> None:
    recorded(tags={}, steps=2)
    recorded(tags={"command": "python train.py", "mlflow.user": "me"}, steps=2)
    store.client.delete_run(recorded(steps=2))
    recorded(experiment="gone", steps=2)
    store.client.delete_experiment(store.client.get_experiment_by_name("gone").experiment_id)
    seen = rows(), rows("tags")
    assert upgrade() == Upgraded(runs=0, points=0, running=0)
    assert (rows(), rows("tags")) == seen
    known = recorded(tags={"outbox": "0" * 32}, steps=2)
    assert upgrade() == Upgraded(runs=1, points=8, running=0)
    assert history(known, "train/lr") == history(known, "lr")


def test_a_run_that_goes_on_is_copied_when_it_has_ended(recorded: Any, store: Any) -> None:
    run_id = recorded(status="RUNNING", steps=2)
    recorded(status="KILLED", steps=3)
    assert upgrade() == Upgraded(runs=1, points=12, running=1)
    assert history(run_id, "train/lr") == []
    store.client.log_metric(run_id, "lr", 0.5, MS + 99, 2)
    store.client.set_terminated(run_id, "FAILED")
    assert upgrade() == Upgraded(runs=1, points=9, running=0)
    assert [(value, step) for value, _, step, _ in history(run_id, "train/lr")] == [
        (2.0, 0),
        (2.1, 1),
        (0.5, 2),
    ]


def test_every_page_of_runs_and_experiments_is_looked_through(
    recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrading, "_PAGE", 2)
    ids = [recorded(experiment=f"sweep {i % 4}", keys=("lr",), steps=1) for i in range(7)]
    assert upgrade() == Upgraded(runs=7, points=7, running=0)
    assert all(history(run_id, "train/lr") for run_id in ids)


def test_a_long_upgrade_says_where_it_is(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    recorded(steps=1)
    upgrade(say=lines.append)
    assert lines == []
    recorded()
    monkeypatch.setattr(upgrading, "SAY_SECONDS", -1.0)
    upgrade(say=lines.append)
    assert lines == [f"run 1 of 1, {n} points so far" for n in ("1,000", "2,000", "2,400")]


def test_a_store_that_refuses_is_one_line(
    recorded: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    with pytest.raises(Mistake, match=r"^there is no database .*/none.db$"):
        upgrade("sqlite:///none.db")
    (folder / "text.db").write_text("this is no database" * 100)
    with pytest.raises(Mistake, match=r"^tracking.uri must be a store .*text.db: .* not a d"):
        upgrade("sqlite:///text.db")
    with pytest.raises(Mistake, match=r"must be a server that answers .* http://127.0.0.1:1 "):
        upgrade("http://127.0.0.1:1")
    recorded(steps=1)

    def refuse(*_: Any, **__: Any) -> None:
        raise MlflowException("attempt to write a readonly database\n[SQL: INSERT]")

    monkeypatch.setattr(MlflowClient, "log_batch", refuse)
    with pytest.raises(
        Mistake, match=r"^tracking.uri must .*got sqlite:///mlflow.db: attempt"
    ) as e:
        upgrade()
    assert "\n" not in str(e.value)


def test_an_empty_store_has_nothing_to_upgrade(store: Any) -> None:
    assert upgrade() == Upgraded(runs=0, points=0, running=0)
