"""How many processes a machine has room for."""

from collections.abc import Collection

import psutil

from runner import warm
from runner.build import cgroups
from runner.training import devices

A_PROCESS_BYTES = 2**30  # of the memory that a process may take, about


def processes(asked: Collection[str], threads: int) -> int:
    """Return how many processes the machine has room for: one an accelerator, or as many as the
    cores and the memory take. One where each process loads PyTorch for itself.

    asked: the device of each run, as it is configured. threads: of a process.
    """
    if not warm.FORKS:
        return 1
    if any(devices.resolve(one).type != "cpu" for one in asked):
        return max(1, devices.count()) if set(asked) == {"auto"} else 1
    memory = min([int(psutil.virtual_memory().total), *cgroups.limits()])
    return max(1, min(devices.DEFAULT_THREADS // threads, memory // A_PROCESS_BYTES))
