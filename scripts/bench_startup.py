"""Whole commands of a run of 20 steps over `import torch`, and what they take of the machine.

Each command starts anew in a folder that was used before, in turn with `python -c "import torch"`.
`first_update` runs from the command to the first update that it recorded, in a fresh folder and in
a used one. A worker is a process as studies and grids begin them. Memory and processor seconds are
those of the training process and of its helper.

    python scripts/bench_startup.py --repeats 5 --save
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bench_common as bench

RUN = ["model=mlp", "dataset=mnist_5k", "train.steps=20", "states=off"]
COMMANDS = {
    "with_mlflow": ["-m", "runner", *RUN],
    "without": ["-m", "runner", *RUN, "tracking=off"],
    "preview": ["-m", "runner.preview", *RUN],
    "help": ["-m", "runner", "--help"],
}


def seconds(words: Sequence[str], folder: str) -> float:
    """Return how long a command of Python takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - start


def first_update(folder: str) -> float:
    """Return the time from the command to the first update that it recorded."""
    import numpy as np

    before = set(Path(folder).rglob("records.npz"))
    start = time.time()
    seconds(COMMANDS["with_mlflow"], folder)
    (file,) = set(Path(folder).rglob("records.npz")) - before
    with np.load(file) as records:
        return float(records["time_ms"][0] / 1000 - start)


def usage(found: resource.struct_rusage) -> dict[str, float]:
    """Return the peak memory and the processor seconds that a process had."""
    used = found.ru_utime + found.ru_stime
    return {"peak_mb": round(found.ru_maxrss / 1024), "processor_s": round(used, 2)}


def run() -> dict[str, Any]:
    """Return what a run took in this process, and in its helper."""
    from runner import helper
    from runner.__main__ import main

    assert main(RUN) == 0
    beside = helper.ask(resource.getrusage, resource.RUSAGE_SELF)
    return {"trainer": usage(resource.getrusage(resource.RUSAGE_SELF)), "helper": usage(beside)}


def torch() -> dict[str, Any]:
    """Return what loading PyTorch takes."""
    __import__("torch")
    return usage(resource.getrusage(resource.RUSAGE_SELF))


def worker() -> dict[str, Any]:
    """Return the seconds of a worker process that has nothing to do, from its begin to its end: of
    the first, and of those after it."""
    from runner import helper, warm

    def one() -> float:
        start = time.perf_counter()
        process = warm.begin(int, environment=dict(os.environ), key="study.workers")
        process.join()
        assert process.exitcode == 0
        return time.perf_counter() - start

    helper.start()
    return {"first_s": round(one(), 2), "further": bench.spread([one() for _ in range(9)])}


def main() -> None:
    """Measure commands in turn, then what they take."""
    args = bench.arguments(__doc__).parse_args()
    if args.child:
        print(json.dumps({"run": run, "torch": torch, "worker": worker}[args.child]()))
        return
    with tempfile.TemporaryDirectory() as folder:
        for words in COMMANDS.values():  # once uncounted: the first start compiles
            seconds(words, folder)
        timed: dict[str, Callable[[], float]] = {
            name: (lambda words=words: seconds(words, folder))  # type: ignore[misc]
            for name, words in COMMANDS.items()
        }
        found = bench.alternate(
            args.repeats,
            torch=lambda: seconds(["-c", "import torch"], folder),
            again=lambda: first_update(folder),
            **timed,
        )
    fresh = []
    for _ in range(args.repeats):
        with tempfile.TemporaryDirectory() as folder:
            fresh.append(first_update(folder))
    result: dict[str, Any] = {
        f"{name}_over_import_torch": bench.ratios(found[name], found["torch"]) for name in COMMANDS
    }
    result |= {name: bench.spread(values) for name, values in found.items()}
    result["first_update_fresh"] = bench.spread(fresh)
    mode = bench.modes(__file__)
    result |= {"run": mode("run")(), "import_torch": mode("torch")(), "worker": mode("worker")()}
    bench.report("startup", result, args.save)


if __name__ == "__main__":
    main()
