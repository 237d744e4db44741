"""A pool of workers as processes of this machine; one that dies is replaced."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from runner.interrupts import STOP_FILE, Interrupts

MOST_REPLACED = 100
LOOK_SECONDS = 0.1


def run_pool(workers: Sequence[Sequence[str]], threads: int | None, interrupts: Interrupts) -> None:
    """Let workers work until all have ended well or somebody interrupts.

    Arguments:
        workers: of each the arguments of `python -m runner.study.work.worker`.
        threads: of each worker, None for those that PyTorch takes.
    """
    stop = Path(".runner") / f"stop-{os.getpid()}"
    stop.parent.mkdir(exist_ok=True)
    environment = {**os.environ, STOP_FILE: str(stop.absolute())}
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)

    def begin(words: Sequence[str]) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "runner.study.work.worker", *words]
        return subprocess.Popen(command, env=environment, start_new_session=True)

    processes = [begin(words) for words in workers]
    replaced = 0
    try:
        while True:
            if interrupts.requested():
                stop.touch()
            statuses = [process.poll() for process in processes]
            for i, status in enumerate(statuses):
                died = status not in (None, 0)
                if died and not interrupts.requested() and replaced < MOST_REPLACED:
                    replaced += 1
                    processes[i], statuses[i] = begin(workers[i]), None
            if None not in statuses:
                return
            time.sleep(LOOK_SECONDS)
    finally:
        for process in processes:
            process.kill()  # a person does not wait for it; what it trained is queued again
            process.wait()
        stop.unlink(missing_ok=True)
