"""Files that are there whole or not at all, whenever a process or a machine stops."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from runner import processes

_HIDDEN = re.compile(r"\..+\.(?P<place>[^.]*)-(?P<pid>[0-9]+)-[0-9a-f]{8}\.tmp")


class Damaged(Exception):
    """What is wrong with a file that is not as it was written."""


def write(file: Path, data: bytes, reserved: Callable[[], None] = lambda: None) -> None:
    """Write a file, its owner's alone, that outlives a loss of power.

    Arguments:
        reserved: is called once a hidden file of the size of the data is there, before the data
            are written; what it raises ends the writing.

    Raises OSError; the file is then as it was, and the hidden one is gone where that can be done.
    """
    writer = f"{_place()}-{os.getpid()}-{secrets.token_hex(4)}"
    hidden = file.with_name(f".{file.name}.{writer}.tmp")
    descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        try:
            os.ftruncate(descriptor, len(data))
            reserved()
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(hidden, file)
        _sync(file.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(hidden)
        raise


def is_hidden(name: str) -> bool:
    """Return whether a file's name is that of one that is being written, or was when a process
    ended.

    >>> is_hidden(".recipe.json.node7-4711-0a1b2c3d.tmp"), is_hidden(".recipe.json.tmp")
    (True, False)
    """
    return _HIDDEN.fullmatch(name) is not None


def is_given_up(entry: os.DirEntry[str]) -> bool:
    """Return whether the process that wrote a hidden file is known to be gone: one of this place
    and this user, since others' may be hidden."""
    found = _HIDDEN.fullmatch(entry.name)
    if found is None or found["place"] != _place():
        return False
    own = entry.stat(follow_symlinks=False).st_uid == os.getuid()
    return own and processes.began(int(found["pid"])) is None


@contextlib.contextmanager
def opened(file: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file to be read, with its size in bytes.

    Raises OSError, Damaged for a link, a folder and the like.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe has no end
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Damaged("it is a link") from error
        raise
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise Damaged("it is no file")
    with open(descriptor, "rb") as stream:
        yield stream, found.st_size


def _place() -> str:
    return hashlib.sha256(processes.place().encode()).hexdigest()[:16]


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
