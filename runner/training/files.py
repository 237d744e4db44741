"""The files that data name, told by their size and the time of their last change."""

import hashlib
import os
import stat
from pathlib import PurePath

from runner.errors import Unhashable

MOST_FILES = 200_000
_OURS = ("mlflow.db", "optuna.db", "mlartifacts")  # written by the run itself

Mark = tuple[int, int] | bytes | None  # of a file, of a folder, of neither


class Files:
    """Marks of files and folders, which change with them. Files are looked up once.

    Hidden files, and what a run writes, do not count in a folder.
    """

    def __init__(self, most: int = MOST_FILES) -> None:
        self._most = self._left = most
        self._known: dict[str, Mark] = {}

    def named(self, text: str) -> Mark:
        """Return the mark of what a text names; None for dots and slashes, which text is full of.

        >>> Files().named("no such file"), Files().named("/")
        (None, None)
        """
        return self.at(text) if text.strip("./") else None

    def at(self, path: str | PurePath) -> Mark:
        """Return the mark of a path. Raises Unhashable where there are too many files."""
        text = str(path)
        if text not in self._known:
            self._known[text] = self._marked(text)
        return self._known[text]

    def _marked(self, path: str) -> Mark:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            return None
        if stat.S_ISDIR(found.st_mode):
            return self._listed(path)
        if not stat.S_ISREG(found.st_mode):
            return None
        self._count(path)
        return found.st_size, found.st_mtime_ns

    def _listed(self, folder: str) -> bytes:
        lines = []
        for inner, folders, names in os.walk(folder, followlinks=True):
            folders[:] = [name for name in folders if _counts(name)]
            for name in filter(_counts, names):
                self._count(folder)
                lines.append(_line(folder, os.path.join(inner, name)))
        return hashlib.sha256("\n".join(sorted(lines)).encode(errors="surrogateescape")).digest()

    def _count(self, path: str) -> None:
        self._left -= 1
        if self._left < 0:
            raise Unhashable(f"names more than {self._most:,} files, the last in {path}")


def _counts(name: str) -> bool:
    return not name.startswith((".", *_OURS))


def _line(folder: str, path: str) -> str:
    try:
        found = os.stat(path)
    except OSError:
        return os.path.relpath(path, folder)
    return f"{os.path.relpath(path, folder)} {found.st_size} {found.st_mtime_ns}"
