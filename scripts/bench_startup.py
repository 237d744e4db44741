"""Seconds from the command to its help, and to the first update of a run on mnist_5k.

python scripts/bench_startup.py --save
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bench_common as bench


def help_seconds() -> float:
    """Return how long `python -m runner --help` takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "runner", "--help"], check=True, capture_output=True)
    return time.perf_counter() - start


def first_update_seconds(folder: str) -> float:
    """Return the time from the command to the first update that it recorded."""
    import numpy as np

    before = set(Path(folder).rglob("records.npz"))
    start = time.time()
    command = [sys.executable, "-m", "runner", "train.steps=2"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    (file,) = set(Path(folder).rglob("records.npz")) - before
    with np.load(file) as records:
        return float(records["time_ms"][0] / 1000 - start)


def main() -> None:
    """Measure, each time in a fresh folder and then again in the same one."""
    args = bench.arguments(__doc__).parse_args()
    found: dict[str, list[float]] = {"help_s": [], "fresh_folder_s": [], "again_s": []}
    help_seconds()  # once uncounted: the first start compiles
    for _ in range(args.repeats):
        found["help_s"].append(help_seconds())
        with tempfile.TemporaryDirectory() as folder:
            found["fresh_folder_s"].append(first_update_seconds(folder))
            found["again_s"].append(first_update_seconds(folder))
    result: dict[str, Any] = {
        name: {
            "median": round(statistics.median(values), 2),
            "max": round(max(values), 2),
            "n": len(values),
        }
        for name, values in found.items()
    }
    bench.report("startup", result, args.save)


if __name__ == "__main__":
    main()
