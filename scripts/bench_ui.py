"""MLflow's page of a sweep: `mlflow ui` and `python -m runner.ui`, to their first answers.

Seconds from the command until the page and the list of its experiments are answered, and the
memory of all its processes then, shared pages counted once (PSS).

python scripts/bench_ui.py --save
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any

import bench_common as bench
import psutil

WAYS = {
    "mlflow_ui": ["-m", "mlflow", "ui"],
    "runner_ui": ["-m", "runner.ui", "--no-browser"],
}
SETTLE_SECONDS = 2.0


def served(words: list[str], folder: str) -> dict[str, float]:
    """Return what one start takes, from the command to its answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words, "--port", str(port)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not answered(f"http://127.0.0.1:{port}/"):
            assert process.poll() is None, f"{words} ended"
            time.sleep(0.02)
        first_page_s = time.perf_counter() - start
        search = f"http://127.0.0.1:{port}/ajax-api/2.0/mlflow/experiments/search"
        assert answered(search, b'{"max_results": 25}')
        first_answer_s = time.perf_counter() - start
        time.sleep(SETTLE_SECONDS)
        family = [psutil.Process(process.pid)]
        family += family[0].children(recursive=True)
        memory = [one.memory_full_info() for one in family]
        return {
            "first_page_s": first_page_s,
            "first_answer_s": first_answer_s,
            "processes": len(family),
            "memory_mb": sum(getattr(one, "pss", one.uss) for one in memory) / 1e6,
        }
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answered(address: str, body: bytes | None = None) -> bool:
    """Ask a server; return whether it answers."""
    asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(asked, timeout=60).read()
    except OSError:
        return False
    return True


def main() -> None:
    """Start both in turn on the store of one sweep."""
    args = bench.arguments(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sweep = [sys.executable, "-m", "runner", "+experiment=quadratic_rates"]
        subprocess.run(sweep, check=True, capture_output=True, cwd=folder)
        starts = {name: lambda words=words: served(words, folder) for name, words in WAYS.items()}
        for start in starts.values():
            start()  # once uncounted: the first start compiles
        found = bench.alternate(args.repeats, **starts)
    result: dict[str, Any] = {
        name: {key: round(statistics.median(one[key] for one in some), 1) for key in some[0]}
        for name, some in found.items()
    }
    for key in ("first_page_s", "first_answer_s", "memory_mb"):
        above, below = ([one[key] for one in found[name]] for name in ("runner_ui", "mlflow_ui"))
        result[f"{key}_ratio"] = bench.ratios(above, below)
    bench.report("ui", result, args.save)


if __name__ == "__main__":
    main()
