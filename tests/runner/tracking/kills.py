"""Kills a run, or a late delivery, at its n-th event, starts the next one and says what is there.

kills.py KIND DIES EMPTY_STORE N...: a line of JSON for each N, until N is beyond the last event.
KIND is `run` or `delivery`, with another run as the next one, `again`, `thrice` (the next two are
killed, too) or `command` (python -m runner), with the same run. DIES is `trainer`, `helper` or
`both`.
"""

import importlib
import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

from killing import KILLED, Events, fork_helpers, forked, quietly

from runner import deliver
from runner.__main__ import main as main_of
from runner.tracking import Header, outbox
from runner.tracking.courier import Courier
from runner.tracking.mlflow import MLflow, rows
from runner.tracking.mlflow.store import load
from runner.tracking.remote import Remote
from schedules import plot

MS = 1_700_000_000_000
HERE = Path.cwd()


WORDS = (
    "model=quadratic dataset=none schedule=cosine lr=0.1 optimizer=sgd train.steps=8 threads=1 "
    "train.eval_every=3 tracking=mlflow"
)


def record(name: str, identity: str = "", later_ms: int = 0) -> None:
    """A run as a whole, without a model."""
    files = HERE / f"files-{name}"
    files.mkdir(exist_ok=True)
    (files / "config.yaml").write_text("lr: 0.1")
    (files / "records.npz").write_bytes(b"records")
    one = Courier(Remote(MLflow(None)), warn=lambda line: None).start()
    one.open(Header("runs", name, {"lr": 0.1}, {"device": "cpu"}, identity=identity))
    ms = MS + later_ms
    one.points([("lr", 0.1 * t, ms + t, t) for t in range(5)])
    one.flush(wait_seconds=60)
    one.points([("lr", 0.1 * t, ms + t, t) for t in range(5, 8)])
    one.artifacts(files)
    one.tags({"kept_step": "8"})
    one.close("FINISHED")


def left_waiting() -> None:
    """A run whose process is killed when all is written and nothing sent."""

    def away(*given: Any, **named: Any) -> None:
        raise ConnectionError("away")

    rows._write = away
    fork_helpers()  # who know of it
    record("waits")


def live(number: int) -> None:
    """One of the lives of a run."""
    record("one", "same", 1000 * number)


def drawn(traces: Any, file: Path, **more: Any) -> None:
    """A picture that costs no time."""
    open(file, "wb").close()


def command(words: str = WORDS) -> None:
    """A run of the command line."""
    assert main_of(words.split()) == 0


def ended() -> set[str]:
    """The runs that have come to their end, so that the next one is another."""
    with sqlite3.connect("mlflow.db") as store:
        found = store.execute("SELECT run_uuid FROM runs WHERE status != 'RUNNING'").fetchall()
    waits = [(box.run_id, message) for box in outbox.waiting() for _, message in box.written()]
    return {run for (run,) in found} | {run for run, message in waits if "status" in message}


def recorded() -> dict[str, Any]:
    """What the store has of each run, by its id."""
    with sqlite3.connect("mlflow.db") as store:
        runs = store.execute("SELECT run_uuid, status FROM runs").fetchall()
        points = "SELECT key, step, value FROM metrics WHERE run_uuid = ? ORDER BY key, step"
        tags = "SELECT key, value FROM tags WHERE run_uuid = ?"
        return {
            run: {
                "status": status,
                "points": store.execute(points, (run,)).fetchall(),
                "tags": dict(store.execute(tags, (run,)).fetchall()),
                "files": sorted(os.listdir(HERE / "mlartifacts" / run / "artifacts")),
            }
            for run, status in runs
        }


def lives(kind: str, dies: str, number: int) -> dict[str, Any]:
    """Kill a run, go on with it, and say what is there, and what is there of one without a kill."""
    killed = 0
    for life in range(3 if kind == "thrice" else 1):

        def job(life: int = life) -> None:
            Events(number, dies).watch()
            command() if kind == "command" else live(life)

        status = quietly(job)
        assert status in (0, KILLED), status
        killed += status == KILLED or Path("last").exists()
    expected = len(ended()) + 1
    assert quietly(command if kind == "command" else lambda: live(9)) == 0
    left = sorted(str(path) for path in Path(".runner/outbox").glob("**/*"))
    runs = recorded()
    words = f"{WORDS} tracking.experiment=whole"
    assert quietly(lambda: command(words) if kind == "command" else record("whole")) == 0
    (whole,) = [one for run, one in recorded().items() if run not in runs]
    last = Path("last").read_text() if Path("last").exists() else "the end"
    found = {"event": number, "last": last, "killed": killed, "expected": expected}
    return found | {"runs": list(runs.values()), "whole": whole, "left": left}


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


def main(kind: str, dies: str, empty_store: str, *numbers: str) -> None:
    load()
    importlib.import_module("mlflow.store.tracking.sqlalchemy_store")
    if kind == "command":
        for name in ("runner.build.setup", "runner.artifacts", "torch._dynamo"):
            importlib.import_module(name)
        plot.draw = drawn
    fork_helpers()
    base = HERE
    for number in map(int, numbers):
        folder = base / f"{kind}-{number}"
        folder.mkdir()
        shutil.copy(empty_store, folder / "mlflow.db")
        os.chdir(folder)
        globals()["HERE"] = folder
        if kind not in ("run", "delivery"):
            print(json.dumps(told := lives(kind, dies, number)), flush=True)
            if not told["killed"]:
                return
            continue
        if kind == "delivery":
            assert forked(left_waiting) == 0

        def job(number: int = number) -> None:
            Events(number, dies).watch()
            record("killed") if kind == "run" else deliver.main([])

        status = quietly(job)
        assert status in (0, KILLED), status
        assert forked(lambda: record("next")) == 0
        print(json.dumps(found(number)), flush=True)
        if not Path("last").exists():
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
