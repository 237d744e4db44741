"""Four workers train one grid on one store within a quota; one is killed at every third use.

crowd.py KILLS MAX_BYTES: prints two lines of JSON: what the grid finds alone and without states,
and what the four find after the kills, with the most bytes that were ever in the store.
"""

import contextlib
import importlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORKERS = 4
USES = 3  # states saved or read between two kills: the pace of the machine does not matter
WORDS = [
    *("-m", "model=mlp", "dataset=mnist_5k", "train.steps=160", "threads=1", "tracking=off"),
    *("schedule=piecewise", "schedule.factors=[1,0.1]", "schedule.boundaries=[40%],[60%],[80%]"),
    "lr=1e-3,3e-3",
]
RANKED = re.compile(r"^ +\d+  (schedule\S+ lr=\S+ .*?) +[\d.]+  FINISHED$", re.MULTILINE)


def start(folder: Path, words: Sequence[str]) -> int:
    """Start the runner in a process that has loaded everything already. Returns its id."""
    folder.mkdir(exist_ok=True)
    if pid := os.fork():
        return pid
    os.chdir(folder)
    out = os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    from runner.__main__ import main

    status = main(list(words))
    Path("modules").write_text(json.dumps(sorted(sys.modules)))
    sys.stdout.flush()
    os._exit(status)


def end(pid: int, folder: Path) -> dict[str, Any]:
    """Wait for a process; return what it has printed."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    out = (folder / "out").read_text()
    trained = re.search(r"^trained ([\d,]+) of", out, re.MULTILINE)
    return {
        "status": status,
        "table": sorted(RANKED.findall(out)),
        "trained": int(trained[1].replace(",", "")) if trained else None,
        "out": out,
    }


def load(names: Sequence[str]) -> None:
    """Import what a run imports, so that a fork trains at once."""
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def uses(store: Path) -> dict[tuple[str, int], int]:
    """The bytes of each state in a store, by its name and when it was last saved or read."""
    found = {}
    for file in store.glob("*/*.safetensors"):
        with contextlib.suppress(FileNotFoundError):
            stat = file.stat()
            found[file.name, stat.st_mtime_ns] = stat.st_size
    return found


def is_running(pid: int) -> bool:
    """Whether a child runs; one that has ended stays to be waited for."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def crowd(kills: int, store: Path, words: Sequence[str]) -> dict[str, Any]:
    """Run the workers; after the last kill they go on to their ends."""
    folders = [Path(f"worker-{k}") for k in range(WORKERS)]
    workers = [start(folder, words) for folder in folders]
    most, killed, seen = 0, 0, set[tuple[str, int]]()
    while any(is_running(worker) for worker in workers):
        time.sleep(0.005)
        states = uses(store)
        most = max(most, sum(states.values()))
        seen |= states.keys()
        running = [k for k, worker in enumerate(workers) if is_running(worker)]
        if killed == kills or len(seen) < (killed + 1) * USES or not running:
            continue
        k = min(running, key=lambda k: (k - killed) % WORKERS)
        os.kill(workers[k], signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(workers[k], 0)[1])
        workers[k] = start(folders[k], words)
    ends = [end(worker, folder) for worker, folder in zip(workers, folders, strict=True)]
    return {"most": most, "killed": killed, "workers": ends}


def main(kills: str, max_bytes: str) -> None:
    alone = Path("alone")
    found = end(start(alone, [*WORDS, "states=off"]), alone)
    print(json.dumps(found), flush=True)
    load(json.loads((alone / "modules").read_text()))
    store = Path("store").absolute()
    words = [*WORDS, f"states.folder={store}", f"states.max_bytes={max_bytes}", "states.every=10"]
    print(json.dumps(crowd(int(kills), store, words)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
