"""Kills a run with -9 at random moments, lets the same command go on, and says what is there.

random_kills.py MOMENTS EMPTY_STORE [SEED]: a line of JSON for each moment, drawn evenly from the
whole time of a run: while it loads, trains, saves and logs; every other one from what follows its
first state. By hand: MOMENTS 20.
"""

import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

WORDS = [
    *("model=mlp", "dataset=mnist_5k", "train.steps=900", "train.eval_every=100"),
    *("train.keep=best", "threads=1", "states.every=40"),
]


def started(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "runner", *WORDS]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=subprocess.STDOUT, text=True)


def whole(folder: Path) -> dict[str, Any]:
    """Run to the end; say how long it took, and what it printed."""
    began = time.monotonic()
    process = started(folder)
    out, _ = process.communicate()
    assert process.returncode == 0, out
    return {"seconds": time.monotonic() - began, "out": out}


def recorded(folder: Path) -> dict[str, Any]:
    """What MLflow has of the folder's runs: statuses, doubles; of the last losses and weights."""
    with sqlite3.connect(folder / "mlflow.db") as store:
        runs = store.execute("SELECT run_uuid, status FROM runs ORDER BY end_time").fetchall()
        points = store.execute("SELECT run_uuid, key, step, value FROM metrics").fetchall()
    last = runs[-1][0]
    keys = [(run, key, step) for run, key, step, _ in points]
    losses = sorted((s, v) for run, key, s, v in points if (run, key) == (last, "train/loss"))
    weights = folder / "mlartifacts" / last / "artifacts" / "weights.safetensors"
    text = json.dumps(losses).encode()
    return {
        "statuses": [status for _, status in runs],
        "twice": len(keys) - len(set(keys)),
        "steps": len(losses),
        "losses": hashlib.sha256(text).hexdigest(),
        "weights": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }


def main(moments: str, empty_store: str, seed: str = "0") -> None:
    draw, base = random.Random(int(seed)), Path.cwd()

    def folder(name: str) -> Path:
        (base / name).mkdir()
        shutil.copy(empty_store, base / name / "mlflow.db")
        return base / name

    plain = folder("whole")
    seconds = whole(plain)["seconds"]
    print(json.dumps({"seconds": seconds, **recorded(plain)}), flush=True)
    for i in range(int(moments)):
        place, moment = folder(f"killed-{i}"), draw.uniform(0, seconds)
        process = started(place)
        if i % 2:
            while not list(place.glob(".runner/states/*/*.safetensors")) and process.poll() is None:
                time.sleep(0.001)
            moment = draw.uniform(0, 0.5)
        time.sleep(moment)
        process.kill()
        process.communicate()
        again = whole(place)
        reused = [line for line in again["out"].splitlines() if line.startswith("reused")]
        print(json.dumps({"moment": moment, "reused": reused, **recorded(place)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
