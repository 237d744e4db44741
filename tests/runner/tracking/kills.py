"""Kills a run, or a late delivery, at its n-th event, starts the next one and says what is there.

kills.py run|delivery EMPTY_STORE N...: a line of JSON for each N, until N is beyond the last event.
"""

import importlib
import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

from killing import KILLED, Events, forked, quietly

from runner import deliver
from runner.tracking import Header
from runner.tracking.courier import Courier
from runner.tracking.mlflow import MLflow
from runner.tracking.mlflow.store import load

MS = 1_700_000_000_000
HERE = Path.cwd()


def record(name: str) -> None:
    """A run as a whole, without a model."""
    files = HERE / f"files-{name}"
    files.mkdir()
    (files / "config.yaml").write_text("lr: 0.1")
    (files / "records.npz").write_bytes(b"records")
    one = Courier(MLflow(None), warn=lambda line: None).start()
    one.open(Header("runs", name, {"lr": 0.1}, {"device": "cpu"}))
    one.points([("lr", 0.1 * t, MS + t, t) for t in range(5)])
    one.flush(wait_seconds=60)
    one.points([("lr", 0.1 * t, MS + t, t) for t in range(5, 8)])
    one.artifacts(files)
    one.tags({"kept_step": "8"})
    one.close("FINISHED")


def left_waiting() -> None:
    """A run whose process is killed when all is written and nothing sent."""

    def away(*given: Any, **named: Any) -> None:
        raise ConnectionError("away")

    from mlflow import MlflowClient

    MlflowClient.log_batch = away
    record("waits")


def found(event: int) -> dict[str, Any]:
    """What is in the store and the outbox."""
    with sqlite3.connect("mlflow.db") as store:
        runs = store.execute("SELECT run_uuid, name, status FROM runs").fetchall()
        points = store.execute("SELECT run_uuid, key, step FROM metrics").fetchall()
        tags = store.execute("SELECT run_uuid, key FROM tags").fetchall()
        params = [run for (run,) in store.execute("SELECT run_uuid FROM params")]
    lost = []
    for run, name, status in runs:
        steps = sorted(step for other, _, step in points if other == run)
        artifacts = HERE / "mlartifacts" / run / "artifacts"
        has_files = (artifacts / "records.npz").exists()
        if status == "FINISHED" and (steps != list(range(8)) or not has_files):
            lost.append((name, steps))
        if run not in params or (run, "device") not in tags:
            lost.append((name, "params or tags"))
    return {
        "event": event,
        "last": Path("last").read_text() if Path("last").exists() else "the end",
        "statuses": [status for _, _, status in runs],
        "twice": len(points) - len(set(points)) + len(runs) - len({name for _, name, _ in runs}),
        "lost": lost,
        "left": sorted(str(path) for path in Path(".runner/outbox").glob("**/*")),
    }


def main(kind: str, empty_store: str, *numbers: str) -> None:
    load()
    importlib.import_module("mlflow.store.tracking.sqlalchemy_store")
    base = HERE
    for number in map(int, numbers):
        folder = base / f"{kind}-{number}"
        folder.mkdir()
        shutil.copy(empty_store, folder / "mlflow.db")
        os.chdir(folder)
        globals()["HERE"] = folder
        if kind == "delivery":
            assert forked(left_waiting) == 0

        def job(number: int = number) -> None:
            Events(number).watch()
            record("killed") if kind == "run" else deliver.main([])

        status = quietly(job)
        assert status in (0, KILLED), status
        assert forked(lambda: record("next")) == 0
        print(json.dumps(found(number)), flush=True)
        if status == 0:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
