"""What stored states save, and what keeping them costs.

python scripts/bench_states.py grid --model keras_cnn       36 times two boundaries
python scripts/bench_states.py cool_downs --model keras_cnn 10 decays off one trunk
python scripts/bench_states.py study --model keras_cnn      twice, under two names
python scripts/bench_states.py keeping --model keras_cnn    a run of its own that reuses nothing
"""

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import bench_common as bench
import numpy as np

SHARES = [f"{10 * i}%" for i in range(1, 10)]
GRIDS = {
    "grid": [
        "schedule=piecewise",
        "schedule.factors=[1,0.1,0.01]",
        "schedule.boundaries=" + ",".join(f"[{a},{b}]" for a, b in combinations(SHARES, 2)),
    ],
    "cool_downs": [
        "schedule=wsd",
        "schedule.decay_steps=" + ",".join(f"{share}%" for share in range(50, 0, -5)),
    ],
}
WATCHED = """
import atexit, json, sys, time
from runner.__main__ import main
from runner.states.loop.keeper import StateKeeper
from runner.states.loop.stock import StateStock

spent = {}


def timed(owner, name, clock):
    inner = getattr(owner, name)

    def call(*args, **named):
        began = clock()
        try:
            return inner(*args, **named)
        finally:
            spent[name] = spent.get(name, 0) + clock() - began

    setattr(owner, name, call)


for name in ("hear", "end", "close"):
    timed(StateKeeper, name, time.perf_counter)
timed(StateStock, "begin", time.perf_counter)
timed(StateKeeper, "_write", time.thread_time)
atexit.register(lambda: print("spent " + json.dumps(spent), flush=True))
sys.exit(main(sys.argv[1:]))
"""
SPENT = re.compile(r"^spent (.*)$", re.MULTILINE)
TRAINED = re.compile(r"trained ([\d,]+|none) of ([\d,]+) steps")


def command(folder: str, *words: str) -> dict[str, Any]:
    """Run a command in a folder; return its seconds, those of its processors, what was trained, the
    ranking without times, and the seconds from the first update that is recorded there to the
    last."""
    began, cpu, before = time.perf_counter(), processors(), set(Path(folder).rglob("records.npz"))
    line = [sys.executable, "-c", WATCHED, *words]
    done = subprocess.run(line, check=True, capture_output=True, text=True, cwd=folder)
    seconds = time.perf_counter() - began
    found: dict[str, Any] = {"seconds": seconds, "processor_seconds": processors() - cpu}
    if counted := TRAINED.search(done.stdout):
        found["trained"], found["steps"] = (
            int(one.replace(",", "").replace("none", "0")) for one in counted.groups()
        )
    found["spent"] = json.loads(SPENT.search(done.stdout)[1])  # type: ignore[index]
    times, figures = [], []
    for file in sorted(set(Path(folder).rglob("records.npz")) - before):
        with np.load(file) as records:
            times += [int(records["time_ms"][0]), int(records["time_ms"][-1])]
            last = {key: records[key][-1].item() for key in records if key.startswith(("val", "t"))}
            name = records["train/lr"].tobytes().hex()
            kept = {k: v for k, v in last.items() if "@" not in k and k != "time_ms"}
            figures.append(json.dumps([name, kept], sort_keys=True))
    found["updates_seconds"] = (max(times) - min(times)) / 1000
    found["figures"] = json.dumps(sorted(figures))
    return found


def processors() -> float:
    """Return the seconds of processors that ended commands have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def grid(kind: str, model: str, epochs: int, repeats: int) -> dict[str, Any]:
    """Measure a grid with stored states, the same again, and without them."""
    words = ["-m", "sweep.workers=1", f"model={model}", f"train.epochs={epochs}", *GRIDS[kind]]
    rows = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            rows.append(
                {
                    "disk": command(one, *words),
                    "again": command(one, *words),
                    "off": command(other, *words, "states=off"),
                }
            )
        same = {rows[-1][name].pop("figures") for name in ("disk", "again", "off")}
        rows[-1]["same_figures"] = len(same) == 1
        print(rows[-1], file=sys.stderr)

    def seconds(name: str, what: str = "seconds") -> list[float]:
        return [row[name][what] for row in rows]

    updates = "updates_seconds"
    return {
        "off_over_disk": bench.ratios(seconds("off"), seconds("disk")),
        "off_over_disk_updates": bench.ratios(seconds("off", updates), seconds("disk", updates)),
        "again_over_disk": bench.ratios(seconds("again"), seconds("disk")),
        "rows": rows,
    }


def study(model: str, epochs: int) -> dict[str, Any]:
    """Measure a study, and the same again under another name."""
    words = ["study=schedule", f"model={model}", f"train.epochs={epochs}", "study.trials=16"]
    with tempfile.TemporaryDirectory() as folder:
        first = command(folder, *words, "study.name=one")
        again = command(folder, *words, "study.name=other")
    return {
        "same_figures": first.pop("figures") == again.pop("figures"),
        "again_over_first": round(again["seconds"] / first["seconds"], 3),
        "rows": {"first": first, "again": again},
    }


def keeping(model: str, steps: int, repeats: int) -> dict[str, Any]:
    """Measure a run that reuses nothing with stored states and without."""
    words = [f"model={model}", f"train.steps={steps}"]

    def run(*more: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            found = command(folder, *words, *more)
        del found["figures"]
        print(more, found, file=sys.stderr)
        return found

    rows = bench.alternate(repeats, disk=run, off=lambda: run("states=off"))
    shares = [sum(row["spent"].values()) / row["updates_seconds"] for row in rows["disk"]]
    result: dict[str, Any] = {"steps": steps, "spent": [row["spent"] for row in rows["disk"]]}
    result["spent_of_updates"] = [round(share, 4) for share in shares]
    for what in ("seconds", "processor_seconds", "updates_seconds"):
        above, below = (np.array([row[what] for row in rows[name]]) for name in ("disk", "off"))
        more = above - below
        result[f"disk_over_off_{what}"] = bench.ratios(list(above), list(below))
        result[f"more_{what}"] = {
            "mean": round(more.mean(), 3),
            "error": round(more.std(ddof=1) / len(more) ** 0.5, 3),
        }
    return result


def main() -> None:
    """Measure what is asked for."""
    parser = bench.arguments(__doc__)
    parser.add_argument("what", choices=[*GRIDS, "study", "keeping"])
    parser.add_argument("--model", default="keras_cnn")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=800, help="of the run that keeps states")
    args = parser.parse_args()
    if args.what == "keeping":
        found = keeping(args.model, args.steps, args.repeats)
    elif args.what == "study":
        found = study(args.model, args.epochs)
    else:
        found = grid(args.what, args.model, args.epochs, args.repeats)
    of = f"_{args.steps}" if args.what == "keeping" else ""
    bench.report(f"states_{args.what}_{args.model}{of}", found, args.save)


if __name__ == "__main__":
    main()
