"""Kills a study at its n-th event, starts it again and says what is there.

kills.py KIND STORAGE DIES EMPTY_STORE N...: a line of JSON for each N, until N is beyond the last
event. KIND is `create` (from nothing), `work` (from a study that is made), `fused` (the same, its
trials as one program) or `conclude` (all is trained). DIES is `trainer`, `helper` or `both`.
"""

import importlib
import json
import os
import re
import shutil
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import yaml
from killing import KILLED, Events, fork_helpers, quietly

from runner.report import pictures
from runner.study import start as starting
from runner.study.queue import attributes
from runner.study.queue.attributes import SUMMARY
from runner.study.queue.storage import open_storage
from runner.tracking.mlflow.store import load

WORDS = [
    "model=quadratic",
    "dataset=none",
    "optimizer=sgd",
    "schedule=constant",
    "threads=1",
    "train.steps=2",
    "train.eval_every=2",
    "lr=interval(0.01,0.5)",
    "study/sampler=random",
    "study.name=killed",
    "study.baseline=false",
    "study.confirm_seeds=1",
    "study.trials=2",
    "study.heartbeat_seconds=0.5",
]
LAUNCHER = {"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}
FINISHED = ("FINISHED", "active")
AFTER = {"create": "_work", "work": "conclude", "fused": "conclude"}  # where a start of a kind ends
ANSWER = ("best.yaml", "description.md", "trace.csv", "weights.safetensors")
STATES = re.compile(
    r"\.runner/states/\w+/(\d+-\w+\.safetensors|figures/\w+\.jsonl|recipe\.json|\..+\.tmp)"
)  # half a file goes when it is an hour old
BEFORE = {
    "work": "_work",
    "fused": "_work",
    "conclude": "conclude",
}  # where the one before it has ended


def drawn(picture: Any, file: Path) -> None:
    """A picture that costs no time."""
    open(file, "wb").close()


def study() -> None:
    """The study as a whole, with pictures that cost no time."""
    pictures.draw = drawn
    words = [*WORDS, f"study.storage={sys.argv[2]}"]
    status = starting.start(words, None, launcher=LAUNCHER)
    if status:
        os._exit(status)


def until(name: str | None) -> None:
    """The study until one of its parts, or as a whole."""

    def end(*given: Any) -> None:
        os._exit(0)

    if name is not None:
        setattr(starting, name, end)
    study()


def found(event: int) -> dict[str, Any]:
    """What is in the two databases and the folder."""
    storage = open_storage(sys.argv[2])
    search, again = (
        optuna.load_study(study_name=name, storage=storage) for name in ("killed", "killed/confirm")
    )
    done = attributes.done(search)
    with sqlite3.connect("mlflow.db") as store:
        runs = store.execute("SELECT run_uuid, name, status, lifecycle_stage FROM runs").fetchall()
    short = re.compile(r"^(trial \d+) .*")  # without its values
    whole = [name for _, name, status, stage in runs if (status, stage) == FINISHED]
    ended = Counter(short.sub(r"\1", name) for name in whole)
    place = Path(".runner/studies/killed")
    link = search.user_attrs[SUMMARY]["link"]["run_id"]
    kept = Path("mlartifacts") / link / "artifacts"
    best = yaml.safe_load((place / "experiment" / "best.yaml").read_text().partition("\n\n")[2])
    return {
        "event": event,
        "last": Path("last").read_text() if Path("last").exists() else "the end",
        "states": [states(one) for one in (search, again)],
        "running": [name for _, name, status, _ in runs if status == "RUNNING"],
        "ended": dict(ended),
        "labels": [attributes.label(trial) for trial in done],
        "summary": [run for run, name, *end in runs if name == "summary" and tuple(end) == FINISHED]
        == [link],
        "best": best["lr"],
        "files": [sorted(file.name for file in one.glob("*.png")) for one in (place, kept)],
        "left": sorted(str(path) for path in Path(".runner").glob("**/*") if is_left(path)),
        "out": Path("out").read_text(),
    }


def is_left(path: Path) -> bool:
    """Whether a file stays that only a start that works should have."""
    if path.is_dir() or path.suffix in (".lock", ".png") or path.name in ANSWER:
        return False
    return not STATES.fullmatch(str(path))


def states(one: optuna.Study) -> dict[str, int]:
    """How many trials there are of each state; of those that failed only what was not lost."""
    trials = one.get_trials(deepcopy=False)
    return dict(Counter(t.state.name for t in trials if not attributes.is_lost(t)))


def main(kind: str, storage: str, dies: str, empty_store: str, *numbers: str) -> None:
    load()
    for name in (
        "mlflow.store.tracking.sqlalchemy_store",
        "torch._dynamo",
        "runner.artifacts",
        "runner.study.answer.conclude",
        "runner.build.setup",
        "optuna.storages._rdb.storage",
    ):
        importlib.import_module(name)
    fork_helpers()
    if kind == "fused":
        WORDS.append("study.fuse=2")
    work, made = Path("work").absolute(), Path("made").absolute()
    work.mkdir()
    shutil.copy(empty_store, work / "mlflow.db")
    os.chdir(work)
    if kind in BEFORE:
        assert quietly(lambda: until(BEFORE[kind])) == 0, Path("out").read_text()
    os.chdir(made.parent)
    work.rename(made)
    for number in map(int, numbers):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(made, work)
        os.chdir(work)

        def job(number: int = number) -> None:
            Events(number, dies).watch()
            until(AFTER.get(kind))

        status = quietly(job)
        assert status in (0, KILLED), (number, status)
        again = quietly(study)
        assert again == 0, (number, again, Path("last").read_text(), Path("out").read_text())
        print(json.dumps(found(number)), flush=True)
        has_ended = not Path("last").exists()
        os.chdir(work.parent)
        if has_ended:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
