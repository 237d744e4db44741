"""Wanted: states at which known trials part; they must be saved, and must not be evicted."""

import os
import re
import secrets
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from runner.states.lease_file import LeaseFile, look, mark
from runner.states.leases import Lease
from runner.trial.name import StateName

_SHA256 = re.compile("[0-9a-f]{64}")


class Announcement:
    """Says, until it is closed, that states are wanted."""

    def __init__(self, lease: Lease, names: Collection[StateName]) -> None:
        self._lease = lease
        self._names = set(names)
        self._lock = threading.Lock()

    def done(self, name: StateName) -> None:
        """Forget a state that nobody needs any more."""
        with self._lock:
            if name in self._names:
                self._names.remove(name)
                self._lease.rewrite(_content(self._names))

    def close(self) -> None:
        """Forget them all."""
        self._lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Wanted:
    """What living processes have announced about the states of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "wanted"
        self._known: dict[str, tuple[LeaseFile, frozenset[StateName]]] = {}

    def announce(self, names: Collection[StateName]) -> Announcement:
        """Announce states until the announcement is closed or this process ends.

        >>> import tempfile
        >>> name = StateName("ab" * 32, 500, "cd" * 32)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     wanted = Wanted(Path(folder))
        ...     with wanted.announce([name]) as announcement:
        ...         print(wanted.all() == {name})
        ...     print(wanted.all())
        True
        set()
        """
        lease = Lease(self._folder / f"{secrets.token_hex(16)}.json", _content(names))
        lease.acquire()
        return Announcement(lease, names)

    def of(self, recipe: str) -> list[StateName]:
        """Return the wanted states of a recipe, sorted."""
        return sorted(name for name in self.all() if name.recipe == recipe)

    def all(self) -> set[StateName]:
        """Return all wanted states. Announcements of the dead are removed."""
        try:
            with os.scandir(self._folder) as entries:
                looked = {entry.name: self._look(entry) for entry in entries}
            self._known = {file: found for file, found in looked.items() if found is not None}
        except FileNotFoundError:
            self._known = {}
        except OSError:
            pass  # a server that is away forgets nothing
        return set().union(*(names for _, names in self._known.values()))

    def _look(self, entry: os.DirEntry[str]) -> tuple[LeaseFile, frozenset[StateName]] | None:
        before = self._known.get(entry.name)
        with suppress(OSError):
            now = mark(entry.stat(follow_symlinks=False))
            if before is not None and before[0].mark == now and not _is_dead(before[0]):
                return before
            found = look(Path(entry.path))
            if found is not None and not _is_dead(found):
                return found, frozenset(_names(found.content))
            if found is not None and ".json" in entry.name:
                found.file.unlink()
        return None


def _is_dead(found: LeaseFile) -> bool:
    """Return whether an announcement may be removed: not where nothing can be learnt."""
    try:
        return found.is_dead()
    except OSError:
        return False


def _content(names: Iterable[StateName]) -> Mapping[str, Any]:
    content: dict[str, list[tuple[int, str]]] = {}
    for name in sorted(names):
        content.setdefault(name.recipe, []).append((name.step, name.trace))
    return content


def _names(content: Mapping[str, Any]) -> Iterator[StateName]:
    """Yield the states of an announcement, without what is none."""
    for recipe, states in content.items():
        if _SHA256.fullmatch(recipe) and isinstance(states, list):
            for state in states:
                match state:
                    case [int(step), str(trace)] if step >= 0 and _SHA256.fullmatch(trace):
                        yield StateName(recipe, step, trace)
