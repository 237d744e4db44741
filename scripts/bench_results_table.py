"""The table of a study of 200 runs: `runner.api.results` and a bare MlflowClient.search_runs.

Seconds of a script that makes the table, from its start to its end, and of another table in the
same process, as in a notebook.

python scripts/bench_results_table.py --repeats 5 --save
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import bench_common as bench
from bench_studies import TRIVIAL

RUNS = 200
AGAIN = 7  # a collection of garbage meets one or two of them


def by_runner() -> int:
    """Return the rows of the newest study."""
    from runner.api import results

    return len(results("optuna"))


def by_mlflow() -> int:
    """Return the runs of the newest experiment, as a list of MLflow's."""
    from mlflow import MlflowClient

    client = MlflowClient("sqlite:///mlflow.db")
    newest = client.search_experiments(order_by=["creation_time DESC"])[0]
    return len(client.search_runs([newest.experiment_id]))


WAYS = {"runner": by_runner, "mlflow": by_mlflow}


def child(way: str) -> dict[str, float]:
    """Return how many runs a way finds, and the median seconds when it is asked again, and the time
    of all that."""
    found = WAYS[way]()
    times = []
    for _ in range(AGAIN):
        start = time.perf_counter()
        WAYS[way]()
        times.append(time.perf_counter() - start)
    return {"runs": found, "again_s": statistics.median(times), "more_s": sum(times)}


def measured(way: str, folder: str) -> dict[str, float]:
    """Return what a script takes; what it asks for again is not counted."""
    start = time.perf_counter()
    found = bench.child(__file__, way, cwd=folder)
    assert found["runs"] >= RUNS, found
    return {"script_s": time.perf_counter() - start - found.pop("more_s"), **found}


def main() -> None:
    """Make the tables in turn, of one store."""
    args = bench.arguments(__doc__).parse_args()
    if args.child:
        print(json.dumps(child(args.child)))
        return
    with tempfile.TemporaryDirectory() as folder:
        words = [*TRIVIAL, f"study.trials={RUNS}"]
        command = [sys.executable, "-m", "runner", *words]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        ways = {way: lambda way=way: measured(way, folder) for way in WAYS}
        for way in ways.values():
            way()  # once uncounted: the first start compiles
        found = bench.alternate(args.repeats, **ways)
    result: dict[str, Any] = {
        name: {key: round(statistics.median(one[key] for one in some), 3) for key in some[0]}
        for name, some in found.items()
    }
    for key in ("script_s", "again_s"):
        above, below = ([one[key] for one in found[name]] for name in ("runner", "mlflow"))
        result[f"{key}_ratio"] = bench.ratios(above, below)
    bench.report("results_table", result, args.save)


if __name__ == "__main__":
    main()
