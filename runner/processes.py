"""Processes: which one a process id means, and whether it is still there."""

import os
import socket
from contextlib import suppress
from pathlib import Path

import psutil

_SAME_SECONDS = 1.0  # two processes of one id do not begin within
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def place() -> str:
    """Return the machine since its last start (and which container) that process ids count on."""
    with suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid")
        return f"{socket.gethostname()} {_BOOT.read_text().strip()} {namespace}"
    return socket.gethostname()


def began(pid: int) -> float | None:
    """Return when a process began, in seconds since the machine did; None where it has ended.

    It tells a process from a later one of the same id. Not the time of day, which may be set.
    """
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return float(process.create_time() - psutil.boot_time())
    return None


def has_ended(pid: int, then: float) -> bool:
    """Return whether the process of this place that began then is gone.

    >>> then = began(os.getpid())
    >>> has_ended(os.getpid(), then), has_ended(os.getpid(), then - 60)
    (False, True)
    """
    now = began(pid)
    return now is None or abs(now - then) >= _SAME_SECONDS
