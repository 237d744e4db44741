"""What stands in a lease's file, and whether its owner still lives."""

import functools
import json
import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from runner import processes

HEARTBEAT_SECONDS = 5.0
_BEATS = 6  # without one an owner is dead
_MOST_BYTES = 2**26


@dataclass(frozen=True)
class Owner:
    """A process that holds a lease. token: random, new for each lease.

    >>> str(Owner("node7 3f2a pid:[4026531836]", 0, 123, 10.0, "5e"))
    'process 123 on node7'
    """

    place: str
    user: int
    pid: int
    began: float
    token: str

    @classmethod
    def this(cls) -> Self:
        """Return this process as the owner of a new lease."""
        pid = os.getpid()
        began = processes.began(pid)
        assert began is not None
        return cls(processes.place(), os.getuid(), pid, began, secrets.token_hex(16))

    def has_ended(self) -> bool:
        """Return whether the process is known to be gone: one of this place and this user, since
        others' may be hidden."""
        seen = self.place == processes.place() and self.user == os.getuid()
        return seen and processes.has_ended(self.pid, self.began)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.place.partition(' ')[0]}"


@dataclass(frozen=True)
class LeaseFile:
    """A lease's file as it was read. owner: None where it is torn or no lease. mark: what differs
    after each beat."""

    file: Path
    owner: Owner | None
    content: Mapping[str, Any]
    mark: tuple[int, int, int]

    def is_dead(self) -> bool:
        """Return whether the owner has ended or has not beaten for six heartbeats, by the clock of
        the file system: those of machines differ.

        Raises OSError where that clock cannot be read.
        """
        if self.owner is not None and self.owner.has_ended():
            return True
        limit = _BEATS * HEARTBEAT_SECONDS
        lead = _lead(self.file.parent, int(time.monotonic() / HEARTBEAT_SECONDS))
        age = time.monotonic() + lead - self.mark[0] / 1e9
        if age < -limit:  # the clock was set back: silence counts from now
            os.utime(self.file)
        return age > limit


def look(file: Path) -> LeaseFile | None:
    """Read a lease's file; None where there is none. It is opened even for its time: opening makes
    a network file system ask its server.

    Raises OSError where it cannot be read.
    """
    try:
        with open(file, "rb", opener=_opener) as stream:
            text, stat = stream.read(_MOST_BYTES), os.fstat(stream.fileno())
    except FileNotFoundError:
        return None
    return LeaseFile(file, *_parsed(text), mark(stat))


def mark(stat: os.stat_result) -> tuple[int, int, int]:
    """Return what tells versions of a file apart: modification time in ns, inode, bytes."""
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


def dump(owner: Owner, content: Mapping[str, Any]) -> str:
    """Return the text of a lease's file."""
    return json.dumps({"owner": vars(owner), "content": content})


def _parsed(text: bytes) -> tuple[Owner | None, Mapping[str, Any]]:
    with suppress(ValueError, RecursionError):
        match json.loads(text):
            case {
                "owner": {
                    "place": str(place),
                    "user": int(user),
                    "pid": int(pid),
                    "began": float(began),
                    "token": str(token),
                },
                "content": dict(content),
            } if pid > 0:
                return Owner(place, user, pid, began, token), content
    return None, {}


@functools.lru_cache(maxsize=16)
def _lead(folder: Path, beat: int) -> float:
    """Return by how many seconds a file system's clock is ahead of the monotonic one; it is asked
    once in a heartbeat."""
    with tempfile.TemporaryFile(dir=folder) as probe:
        return os.fstat(probe.fileno()).st_mtime - time.monotonic()


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
