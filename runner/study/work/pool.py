"""A pool of workers: processes of this machine, of which those that die are replaced."""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from runner import warm
from runner.interrupts import STOP_FILE, Interrupts
from runner.study.work.worker import work_apart

LOOK_SECONDS = 0.1
MOST_REPLACED = 100

Begin = Callable[[Sequence[Any]], BaseProcess]


def run_pool(workers: Sequence[Sequence[Any]], threads: int | None, interrupts: Interrupts) -> None:
    """Let workers work until all have ended well or somebody interrupts.

    workers: of each what `work_apart` is given. threads: of each, None for those that PyTorch
    takes.
    """
    environment = dict(os.environ)
    if threads is not None:  # for what they start
        environment["OMP_NUM_THREADS"] = str(threads)
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        stop = Path(folder) / "stop"
        environment[STOP_FILE] = str(stop)

        def begin(given: Sequence[Any]) -> BaseProcess:
            return warm.begin(work_apart, *given, environment=environment, key="study.workers")

        _look_after(workers, begin, stop, interrupts)


def _look_after(
    workers: Sequence[Sequence[Any]], begin: Begin, stop: Path, interrupts: Interrupts
) -> None:
    """Begin workers, and others for those that die, until all have ended well.

    stop: the file that tells them to stop.
    """
    processes: list[BaseProcess] = []
    replaced = 0
    try:
        processes += map(begin, workers)
        while True:
            if interrupts.requested():
                stop.touch()
            statuses = [process.exitcode for process in processes]
            for i, status in enumerate(statuses):
                died = status not in (None, 0)
                if died and not interrupts.requested() and replaced < MOST_REPLACED:
                    replaced += 1
                    warm.end(processes[i])
                    processes[i], statuses[i] = begin(workers[i]), None
            if None not in statuses:
                return
            time.sleep(LOOK_SECONDS)
    finally:
        for process in processes:
            warm.end(process)  # a person does not wait for it; what it trained is queued again
