"""What lies in a folder of states, and how much room it takes.

`FOLDER/RECIPE/STEP-TRACE.safetensors`, `recipe.json` and `figures` beside it, and what was damaged
in `FOLDER/set-aside`. What is named differently, links and the like are somebody else's.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.states import disk
from runner.trial.name import HASH, StateName

ASIDE = "set-aside"
DESCRIPTION = "recipe.json"
FIGURES = "figures"
_OF_PROCESSES = ("claims", "wanted")  # folders of what they say while they live
_LEFT_SECONDS = 3_600  # after which no process is still writing a file


@dataclass(frozen=True)
class Kept:
    """A file that takes room.

    used: when it was last saved or loaded, in seconds since 1970. name: the state's, None of what
    was set aside or is still being written. hidden: whether it is being written. given_up: whether
    the process that wrote it is gone.
    """

    file: Path
    bytes: int
    used: float
    name: StateName | None
    hidden: bool = False
    given_up: bool = False

    @property
    def is_left(self) -> bool:
        """Whether a process has left it half-written, and is gone or did so long ago."""
        return self.given_up or (self.hidden and time.time() - self.used > _LEFT_SECONDS)

    @property
    def is_aside(self) -> bool:
        """Whether it was set aside."""
        return self.file.parent.name == ASIDE


def folders(root: Path) -> list[Path]:
    """Return all recipes' folders, and that of what was set aside; none where there is no root."""
    return [root / entry.name for entry in _entries(root) if _is_ours(entry)]


def files(root: Path) -> list[Kept]:
    """Return all files that take room."""
    return [kept for folder in folders(root) for kept in files_of(folder)]


def files_of(folder: Path) -> list[Kept]:
    """Return a folder's files; those that a process has left half-written are removed."""
    found = []
    for kept in look(folder):
        if kept.is_left:
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                os.unlink(kept.file)
        else:
            found.append(kept)
    return found


def look(folder: Path) -> list[Kept]:
    """Return a folder's files, and change nothing."""
    found = []
    for entry in _entries(folder):
        name, hidden = _name(folder, entry), disk.is_hidden(entry.name)
        if not (name or hidden or folder.name == ASIDE) or not entry.is_file(follow_symlinks=False):
            continue
        with contextlib.suppress(FileNotFoundError):
            about = entry.stat(follow_symlinks=False)
            given_up = hidden and disk.is_given_up(entry)
            size, used = about.st_size, about.st_mtime
            found.append(Kept(Path(entry.path), size, used, name, hidden, given_up))
    return found


def strangers(root: Path) -> list[Path]:
    """Return what lies in a store and is nothing of ours."""
    ours = {folder: {DESCRIPTION, FIGURES} for folder in folders(root) if folder.name != ASIDE}
    ours[root] = {*(folder.name for folder in folders(root)), *_OF_PROCESSES}
    found = []
    for folder, names in ours.items():
        known = names | {kept.file.name for kept in look(folder)}
        found += [folder / entry.name for entry in _entries(folder) if entry.name not in known]
    return sorted(found)


def names(root: Path, recipe: str) -> list[StateName]:
    """Return the names of a recipe's states in ascending order."""
    folder = root / recipe
    if folder.is_symlink():
        return []
    entries = (entry for entry in _entries(folder) if entry.is_file(follow_symlinks=False))
    return sorted(filter(None, (_name(folder, entry) for entry in entries)))


def _name(folder: Path, entry: os.DirEntry[str]) -> StateName | None:
    return None if folder.name == ASIDE else StateName.of_file(folder.name, entry.name)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    known = entry.name == ASIDE or HASH.fullmatch(entry.name)
    return bool(known) and entry.is_dir(follow_symlinks=False)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Iterate over a folder, as far as it can be read."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from entries
