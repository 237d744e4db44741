"""What version 0.1.0 left behind, gone on with by this one."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner import deliver
from runner.tracking.mlflow.upgrade import Upgraded, upgrade

STORE = Path(__file__).parents[1] / "stores" / "run_0.1.0"  # a run that was killed in mid-training
RUN = "e17c63a966634d39b963f80541ae68f1"


@pytest.fixture
def earlier(folder: Path, read_back: Any) -> Any:
    """The working folder as it was left, with the database's text made a database again."""
    text = (STORE / "mlflow.sql").read_text().replace("FOLDER", str(folder))
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        connection.executescript(text)
    shutil.copytree(STORE / "outbox", folder / ".runner" / "outbox")
    return read_back(folder)


def test_the_records_of_a_killed_run_are_delivered(earlier: Any, capsys: Any) -> None:
    assert deliver.main([]) == 0
    assert capsys.readouterr().out == f"run {RUN}: delivered\n"
    (run,) = earlier.runs()
    assert run.info.status == "FAILED"
    assert run.data.tags["reason"] == "the run's process was killed"
    assert run.data.tags["fingerprint"] == "abc"
    assert run.data.params == {"lr": "0.1", "schedule": "cosine"}
    assert earlier.history(run, "lr") == {0: 0.1, 1: 0.05}
    assert earlier.history(run, "train/loss") == {0: 2.5, 1: 1.25}
    assert earlier.file(run, "config.yaml").read_text() == "lr: 0.1\n"


def test_what_waited_under_the_keys_of_then_is_upgraded_once_it_is_delivered(
    earlier: Any, capsys: Any
) -> None:
    earlier.client.set_tag(RUN, "command", "python -m runner lr=0.1")
    assert upgrade() == Upgraded(runs=0, points=0, running=0)
    assert deliver.main([]) == 0
    assert upgrade() == Upgraded(runs=1, points=2, running=0)
    (run,) = earlier.runs()
    assert earlier.history(run, "train/lr") == earlier.history(run, "lr") == {0: 0.1, 1: 0.05}


def test_new_runs_join_the_database_and_deliver_what_waits(earlier: Any, command: Any) -> None:
    line = "model=quadratic dataset=none schedule=constant lr=0.1 optimizer=sgd train.steps=3"
    done = command(line)
    assert done.status == 0, done.err
    assert f"delivered the waiting records of run {RUN}" in done.err
    statuses = {run.info.run_name: run.info.status for run in earlier.runs()}
    assert statuses.pop("killed") == "FAILED"
    assert list(statuses.values()) == ["FINISHED"]
