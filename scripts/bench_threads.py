"""Threads: the default, passive and spinning threads and one thread, alone and beside a busy core.

python scripts/bench_threads.py --model mlp --repeats 5 --save
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bench_common as bench

STEPS = {"mlp": 1500, "keras_cnn": 60}
WAIT = "OMP_WAIT_POLICY"
BUSY = "while True: pass"


def seconds(model: str, wait: str | None, *more: str) -> float:
    """Return how long a whole command takes. wait: the policy, None for the runner's own."""
    others = {key: value for key, value in os.environ.items() if key != WAIT}
    steps = STEPS[model]
    command = [sys.executable, "-m", "runner", f"model={model}", "tracking=off", *more]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            [*command, f"train.steps={steps}", f"train.eval_every={steps}"],
            check=True,
            capture_output=True,
            cwd=folder,
            env=others | ({WAIT: wait} if wait else {}),
        )
        return time.perf_counter() - start


@contextmanager
def beside(busy: bool) -> Iterator[None]:
    """Keep one core busy meanwhile."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY])] if busy else []
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def compared(model: str, busy: bool, repeats: int) -> dict[str, Any]:
    """Return the seconds of each setting, taken in turn, and the default's over the best one's."""
    every = f"threads={os.cpu_count()}"
    with beside(busy):
        found = bench.alternate(
            repeats,
            default=lambda: seconds(model, None),
            passive=lambda: seconds(model, "PASSIVE", every),
            spinning=lambda: seconds(model, "ACTIVE", every),
            one_thread=lambda: seconds(model, None, "threads=1"),
        )
    medians = {name: round(statistics.median(values), 2) for name, values in found.items()}
    best = min(medians.values())
    return medians | {"default_over_best": round(medians["default"] / best, 3), "n": repeats}


def main() -> None:
    """Measure alone and beside one busy process."""
    parser = bench.arguments(__doc__)
    parser.add_argument("--model", choices=STEPS, default="mlp")
    args = parser.parse_args()
    result = {
        name: compared(args.model, busy, args.repeats)
        for name, busy in (("quiet", False), ("beside_a_busy_core", True))
    }
    bench.report(f"threads_{args.model}", {"model": args.model, **result}, args.save)


if __name__ == "__main__":
    main()
