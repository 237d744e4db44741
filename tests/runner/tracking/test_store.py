"""MLflow stores: opened by many, quiet, and asked for experiments and artifacts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Mistake
from runner.tracking import Header
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
from runner.tracking import Header
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
