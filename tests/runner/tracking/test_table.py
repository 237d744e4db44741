"""What was recorded as a table: which runs a name means, their order, their columns."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.entities import Metric, Param

from runner.errors import Mistake
from runner.tracking.mlflow import table as tables
from runner.tracking.mlflow.table import table, typed

ENDS = """\
def ends(run, name: str = ""):
    for step in run.steps():
        run.lr
        if run.evaluates:
            run.report(val_loss=1.0 if step < 3 else float("inf"))
"""
ADDRESS = "sqlite:///mlflow.db"
Record = Callable[..., str]


@pytest.fixture
def record(store: Any) -> Record:
    """Records a run that took 2.5 s, each later than the one before; returns its name."""
    clock = iter(range(1_700_000_000_000, 1_800_000_000_000, 10_000))

    def create(experiment: str, params: Any = (), metrics: Any = (), **tags: str) -> str:
        found = store.client.get_experiment_by_name(experiment)
        place = found.experiment_id if found else store.client.create_experiment(experiment)
        start = next(clock)
        name = f"run {start // 10_000}"
        run = store.client.create_run(place, start_time=start, tags=tags, run_name=name)
        store.client.log_batch(
            run.info.run_id,
            [Metric(key, value, 0, step) for key, value, step in metrics],
            [Param(key, value) for key, value in dict(params).items()],
        )
        store.client.set_terminated(run.info.run_id, end_time=start + 2500)
        return name

    return create


def names(name: str = "") -> list[str]:
    return list(table(ADDRESS, name)["run"])


def trial(number: int | str, kind: str = "trial", **more: str) -> dict[str, str]:
    return {"study": "quick-00000001", "kind": kind, "setting": f"trial {number}", **more}


def test_a_study_is_its_trials_in_order_and_then_what_confirms_them(record: Record) -> None:
    study = "quick-00000001"
    second = [record(study, {"seed": seed}, **trial(10)) for seed in ("11", "2")]
    first = record(study, {"seed": "2"}, **trial(9))
    record(study, kind="summary", study=study)
    record(study, **trial(9, lost="its worker is gone"))
    baseline = record(study, {"seed": "7"}, study=study, kind="confirm", setting="baseline")
    again = record(study, {"seed": "7"}, **trial(9, "confirm"))
    expected = [first, *reversed(second), baseline, again]
    assert names(study) == names("quick") == names() == expected
    found = table(ADDRESS, "quick")
    assert found["trial"].tolist() == [9, 10, 10, pd.NA, 9]
    assert found["seed"].tolist() == [2, 2, 11, 7, 7]
    assert found["kind"].tolist() == ["trial"] * 3 + ["confirm"] * 2
    assert found["seconds"].tolist() == [2.5] * 5


def test_the_newest_study_of_a_preset_is_meant(record: Record) -> None:
    new = record("quick-00000002", study="quick-00000002", kind="trial", setting="trial 0")
    old = record("quick-00000001", **trial(0))
    record("other", study="quicker-00000001")
    assert names("quick") == [old]
    assert names("quick-00000002") == [new]


def test_a_sweep_may_share_its_experiment(record: Record) -> None:
    one = [record("mine", sweep="it's lr", kind="job") for _ in range(2)]
    other = record("mine", sweep="it_s lr", kind="job")
    alone = record("mine", kind="run")
    assert names("it's lr") == one
    assert names("it_s lr") == [other]
    assert names("mine") == names() == [*one, other, alone]
    elsewhere = record("theirs", sweep="it's lr", kind="job")
    assert names("it's lr") == [*one, elsewhere] == names()


def test_a_run_is_meant_by_its_id(store: Any, record: Record) -> None:
    record("runs")
    name = record("runs")
    run_id = next(run.info.run_id for run in store.runs() if run.info.run_name == name)
    assert table(ADDRESS, run_id)["run_id"].tolist() == [run_id]


def test_runs_come_in_pages(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_PAGE", 2)
    recorded = [record("runs") for _ in range(5)]
    assert names("runs") == recorded


def test_what_differs_stands_in_front_and_what_is_recorded_last_counts(record: Record) -> None:
    same = {"model": "mlp", "train.epochs": "5"}
    shown = [("train/lr", 0.3, 0), ("train/lr", 0.2, 9), ("val/loss", 0.5, 9), ("test/loss", 1, 9)]
    record("runs", {"lr": "0.1", "flag": "True", **same}, shown, status="DIVERGED")
    record("runs", {"lr": "0.001", "width": "8", "run_id": "x", **same})
    found = table(ADDRESS, "runs")
    front = ["status", "seconds", "lr", "flag", "width", "params.run_id"]
    figures = ["val/loss", "test/loss", "train/lr"]
    assert sorted(found.columns[:6]) == sorted(front)
    assert list(found.columns[6:9]) == figures
    assert list(found.columns[9:]) == ["run", "run_id", "model", "train.epochs"]
    assert found["status"].tolist() == ["DIVERGED", "FINISHED"]
    assert found["lr"].tolist() == [0.1, 0.001]
    assert found["width"].isna().tolist() == [True, False]
    assert found["width"].dtype == "Int64"
    assert found.loc[0, figures].tolist() == [0.5, 1.0, 0.2]
    assert found.loc[1, figures].isna().all()


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-20"], "int64"),
        (["1", None], "Int64"),
        (["1", "2.5", "1e-05", "inf", "-inf", "nan"], "float64"),
        (["0.5", None], "float64"),
        (["007"], "str"),
        (["2.10", "2.9"], "str"),
        (["1e-3", ".5"], "str"),
        (["-0", "1"], "str"),
        (["9007199254740993", "0.5"], "str"),
        (["True", "False"], "bool"),
        (["True", None], "boolean"),
        (["True", "1"], "str"),
        (["007", "x"], "str"),
        (["1_000", "2"], "str"),
        (["10%", "[1, 2]", "null", None], "str"),
    ],
)
def test_a_column_has_the_type_of_all_its_texts(texts: list[str | None], kind: str) -> None:
    found = typed(texts)
    assert found.dtype == kind
    assert found.isna().tolist() == [text in (None, "nan") for text in texts]


def test_what_is_not_finite_comes_as_it_was_recorded(
    command: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path.cwd())
    record = "loop=ends.ends train.steps=4 train.eval_every=2 loop.name='\"007\"'"
    Path("ends.py").write_text(ENDS)
    assert command(record).status == 3
    found = table(ADDRESS, "")
    assert found.loc[0, "val/loss"] == math.inf
    assert found.loc[0, "loop.name"] == "007"


def test_an_empty_store_is_an_empty_table(store: Any) -> None:
    assert table(ADDRESS, "").empty


def test_a_name_that_nothing_has_is_refused(record: Record) -> None:
    record("quickstart-00000001", study="quickstart-00000001")
    with pytest.raises(Mistake, match=r"^NAME must be .* got 'quikstart-00000001' \(did you mean"):
        table(ADDRESS, "quikstart-00000001")
    with pytest.raises(Mistake, match=r"must be a store that is there, got sqlite:///other\.db"):
        table("sqlite:///other.db", "quick")
