"""How much room the states may take; those that were not used for longest make room."""

import contextlib
import os
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from runner.states import scan
from runner.states.scan import DESCRIPTION, FIGURES, Kept
from runner.trial.name import StateName

_YOUNG_SECONDS = 60  # in which whoever has saved or chosen a state may come back to it
_saved: set[tuple[Path, StateName]] = set()  # here, by this process
_SETTLED_SECONDS = 2  # after which a file system shows a change of a folder by a newer time


class NoRoom(Exception):
    """Where the states that may be removed do not make enough room."""


class Quota:
    """The room that all states together may take, other processes' among them.

    Arguments:
        root: the folder of all recipes.
        max_bytes: most of the files' sizes together.
        protected: gives the names of states that are not removed.
    """

    def __init__(
        self, root: Path, max_bytes: int, protected: Callable[[], Collection[StateName]]
    ) -> None:
        self.root, self.max_bytes, self.protected = root, max_bytes, protected
        self._sizes: dict[Path, tuple[int, int]] = {}  # when a folder was changed, its bytes

    def make_room(self, name: StateName) -> None:
        """Remove states until all are within the quota, with the hidden file of what is about to
        be saved under a name among them; nothing where that cannot be.

        Raises NoRoom.
        """
        if self._total() > self.max_bytes:
            spared = {*self.protected(), name}
            kept = scan.files(self.root)
            excess = sum(one.bytes for one in kept) - self.max_bytes
            removable = [one for one in kept if self._is_removable(one, spared)]
            if sum(one.bytes for one in removable) < excess:
                raise NoRoom(f"no room in {self.max_bytes:,} bytes")
            remove(least_used(removable, excess))
        _saved.add((self.root.absolute(), name))

    def _is_removable(self, kept: Kept, spared: Collection[StateName]) -> bool:
        if kept.hidden or kept.name in spared:
            return False
        return (self.root.absolute(), kept.name) in _saved or not _young(kept)

    def _total(self) -> int:
        """Return the bytes of all files; only folders that have changed are looked through."""
        return sum(self._bytes(folder) for folder in scan.folders(self.root))

    def _bytes(self, folder: Path) -> int:
        try:
            changed = folder.stat().st_mtime_ns
        except FileNotFoundError:  # another process was faster
            return 0
        known = self._sizes.pop(folder, None)
        if known is None or known[0] != changed:
            kept = scan.files_of(folder)
            known = changed, sum(one.bytes for one in kept)
            settled = time.time_ns() - changed > _SETTLED_SECONDS * 10**9
            if not settled or any(one.hidden for one in kept):  # a hidden file may still grow
                return known[1]
        self._sizes[folder] = known
        return known[1]


def least_used(kept: Sequence[Kept], excess: int) -> list[Kept]:
    """Return the files to remove, those first that were not used for longest.

    excess: bytes that are too many; all files where they are not enough.
    """
    chosen: list[Kept] = []
    for one in sorted(kept, key=lambda one: (one.used, one.file)):
        if excess <= 0:
            break
        chosen.append(one)
        excess -= one.bytes
    return chosen


def remove(kept: Sequence[Kept]) -> list[Path]:
    """Remove files, then their folders where neither states nor figures are left. Returns what was
    removed here; another process may have been faster."""
    removed = []
    for one in kept:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(one.file)
            removed.append(one.file)
    for folder in {one.file.parent for one in kept}:
        with contextlib.suppress(OSError):
            _remove_empty(folder)
    return removed


def prune(root: Path, max_bytes: int, protected: Collection[StateName] = ()) -> list[Path]:
    """Remove the states that were not used for longest until all are within a size, as far as that
    can be. Returns what was removed.

    protected: what is left alone, as is what was saved or loaded within a minute.
    """
    kept = scan.files(root)
    excess = sum(one.bytes for one in kept) - max_bytes
    free = [one for one in kept if not (one.hidden or one.name in protected or _young(one))]
    return remove(least_used(free, excess))


def _young(kept: Kept) -> bool:
    return abs(time.time() - kept.used) < _YOUNG_SECONDS


def _remove_empty(folder: Path) -> None:
    figures = folder / FIGURES
    if figures.is_dir() and not figures.is_symlink():
        figures.rmdir()
    if os.listdir(folder) == [DESCRIPTION]:
        os.unlink(folder / DESCRIPTION)
    folder.rmdir()
