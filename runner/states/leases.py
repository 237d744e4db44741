"""Leases: files that say that their owners still live, on one machine or on several.

Only what every file system does is used: a file is created once, renamed whole, and has a time.
"""

import atexit
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from runner import private
from runner.states import lease_file
from runner.states.lease_file import Owner, dump, look


class Lease:
    """A file that says that somebody still works, kept fresh by a thread. content: plain JSON.

    It only saves work: where no file can be written it is granted without one.
    """

    def __init__(self, file: Path, content: Mapping[str, Any]) -> None:
        self.file = file.absolute()
        self._content = content
        self._owner: Owner | None = None
        self._lock = threading.Lock()

    def acquire(self) -> bool:
        """Take the lease, if need be from a dead owner; return False where a living one has it."""
        try:
            return self._acquire()
        except (OSError, RuntimeError):  # RuntimeError: no more threads
            return True

    def release(self) -> None:
        """Remove the file if it is still this lease's."""
        if not _heart.drop(self):
            return
        with self._lock, suppress(OSError):
            if self._is_own():
                self.file.unlink()

    def rewrite(self, content: Mapping[str, Any]) -> None:
        """Say something else, whole or not at all."""
        self._content = content
        if not _heart.has(self):
            return
        with self._lock, suppress(OSError):
            hidden = self.file.with_name(f".{self.file.name}")
            self._write(hidden)
            hidden.rename(self.file)

    def beat(self) -> None:
        """Say that the owner lives; what somebody removed is created again."""
        with self._lock, suppress(OSError):
            if not _heart.has(self):
                return
            if look(self.file) is None:
                self._write(self.file)
            elif self._is_own():
                os.utime(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def _acquire(self) -> bool:
        return self._create() or self._take_over()

    def _create(self) -> bool:
        self._owner, self._lock = Owner.this(), threading.Lock()
        private.folder(self.file.parent.parent)
        self.file.parent.mkdir(exist_ok=True)
        try:
            self._write(self.file)
        except FileExistsError:
            return False
        _heart.add(self)
        return True

    def _take_over(self) -> bool:
        """Remove a dead owner's file and create it anew. Only who holds a lease on that may remove,
        and looks again first: what was dead may have been taken over meanwhile."""
        found = look(self.file)
        if found is None:
            return self._create()
        if not found.is_dead():
            return False
        taking = Lease(self.file.with_name(f"{self.file.name}.taking"), {})
        if not taking._acquire():
            return False
        with taking:
            found = look(self.file)
            if found is not None:
                if not found.is_dead():
                    return False
                self.file.unlink(missing_ok=True)
            return self._create()

    def _is_own(self) -> bool:
        found = look(self.file)
        return found is not None and found.owner == self._owner

    def _write(self, file: Path) -> None:
        assert self._owner is not None
        text = dump(self._owner, self._content)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with open(descriptor, "w") as stream:
                stream.write(text)
        except OSError:
            file.unlink()
            raise


def is_alive(file: Path) -> bool:
    """Return whether a lease's owner lives; one of whom nothing can be learnt does."""
    try:
        found = look(file)
        return found is not None and not found.is_dead()
    except OSError:
        return True


def read(file: Path) -> Mapping[str, Any] | None:
    """Return what a lease says, None where it is gone, torn or no lease."""
    with suppress(OSError):
        found = look(file)
        if found is not None and found.owner is not None:
            return found.content
    return None


class _Heart:
    """Beats for the leases that this process holds, from one thread while there are any."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Hold nothing, as a process that was just forked."""
        self._held: set[Lease] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, lease: Lease) -> None:
        with self._lock:
            self._held.add(lease)
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="leases", daemon=True)
                thread.start()
                self._thread = thread

    def drop(self, lease: Lease) -> bool:
        """Forget a lease; return whether it was held."""
        with self._lock:
            was_held = lease in self._held
            self._held.discard(lease)
        return was_held

    def has(self, lease: Lease) -> bool:
        return lease in self._held

    def release(self) -> None:
        for lease in list(self._held):
            lease.release()

    def _work(self) -> None:
        while True:
            time.sleep(lease_file.HEARTBEAT_SECONDS)
            with self._lock:
                held = list(self._held)
                if not held:
                    self._thread = None
                    return
            for lease in held:
                lease.beat()


_heart = _Heart()
atexit.register(_heart.release)
os.register_at_fork(after_in_child=_heart.forget)
