"""A store of training states: a folder, from which a run goes on."""

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from runner import private
from runner.errors import one_line
from runner.passwords import redact
from runner.states import disk, file, scan
from runner.states.disk import Damaged
from runner.states.file import Unusable
from runner.states.quota import Quota
from runner.states.scan import ASIDE, DESCRIPTION
from runner.trial.name import StateName

_told: set[tuple[Path, str]] = set()  # what this process has said of a store


class Store:
    """Training states by name in a folder, which other processes use too. Training needs none of
    them: what cannot be kept or read is said, and trained again.

    Arguments:
        folder: made when it is needed, its owner's alone.
        max_bytes: most that all states together take; see Quota.
        warn: is told what goes wrong, in one line.
        protected: gives the names of states that are not removed for others.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        warn: Callable[[str], None] = print,
        protected: Callable[[], Collection[StateName]] = tuple,
    ) -> None:
        self.folder = folder
        self._warn = warn
        self._quota = Quota(folder, max_bytes, protected)
        self._descriptions: dict[str, bytes] = {}

    def names(self, recipe: str) -> list[StateName]:
        """Return the names of a recipe's states in ascending order, by their files' names only."""
        return scan.names(self.folder, recipe)

    def load(self, name: StateName) -> Any | None:
        """Return a state's content, None where there is none that can be used. What is damaged is
        set aside; what another version has written is left alone."""
        path = self._path(name)
        try:
            if path.parent.is_symlink():
                return None
            content = file.read(path, name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except Damaged as error:
            self._set_aside(path, error)
            return None
        except (Unusable, OSError) as error:
            self._leave_alone(path, error)
            return None
        _mark_used(path)
        return content

    def save(self, name: StateName, content: Any) -> bool:
        """Keep a state, unless it is there already. Returns whether it is there; why not is said,
        once in a process. Raises nothing that is an Exception."""
        try:
            if not self._is_there(name):
                self._write(name, file.pack(name, content))
            return True
        except Exception as error:  # whatever fails, training goes on
            self._fail(error)
            return False

    def describe(self, recipe: str, rows: Mapping[str, Any]) -> None:
        """Keep what a recipe is, for people, unless it is there already.

        rows: what decides training, by name; what JSON does not hold is kept as text.
        """
        try:
            text = redact(json.dumps(rows, indent=1, default=str))
            self._descriptions[recipe] = text.encode()
            self._folder(recipe)
        except Exception as error:  # as in save
            self._fail(error)

    def rows(self, recipe: str) -> Mapping[str, Any] | None:
        """Return what a recipe is, None where nobody has kept it or it cannot be read."""
        try:
            with disk.opened(self.folder / recipe / DESCRIPTION) as (stream, _):
                rows = json.loads(stream.read())
        except (OSError, Damaged, ValueError, RecursionError):
            return None
        return rows if isinstance(rows, dict) else None

    def _is_there(self, name: StateName) -> bool:
        path = self._path(name)
        if path.parent.is_symlink():
            raise OSError(f"{path.parent} must be a folder, not a link")
        try:
            file.check_size(path)
        except (FileNotFoundError, Damaged):
            return False
        _mark_used(path)
        return True

    def _write(self, name: StateName, data: bytes) -> None:
        for last in (False, True):
            try:
                path = self._folder(name.recipe) / name.file
                disk.write(path, data, lambda: self._quota.make_room(name))
                return
            except FileNotFoundError:  # the folder was removed in between
                if last:
                    raise

    def _folder(self, recipe: str) -> Path:
        """Return a recipe's folder, made and described where it is missing."""
        folder = private.folder(self.folder / recipe)
        description = folder / DESCRIPTION
        if recipe in self._descriptions and not os.path.lexists(description):
            disk.write(description, self._descriptions[recipe])
        return folder

    def _path(self, name: StateName) -> Path:
        return self.folder / name.recipe / name.file

    def _set_aside(self, path: Path, why: Damaged) -> None:
        then = "it is set aside, its steps are trained again"
        try:
            aside = private.folder(self.folder / ASIDE)
            os.rename(path, aside / f"{path.parent.name}-{path.name}.{secrets.token_hex(4)}")
        except FileNotFoundError:  # another process has set it aside
            return
        except OSError as error:
            then = f"it cannot be set aside ({one_line(error)}), its steps are trained again"
        self._say(f"states: {path} is damaged ({why}); {then}")

    def _leave_alone(self, path: Path, error: Exception) -> None:
        what = "is" if isinstance(error, Unusable) else "cannot be read:"
        self._say_once("left", f"states: {path} {what} {one_line(error)}, left alone")

    def _fail(self, error: Exception) -> None:
        why = one_line(error)
        text = f"states: cannot be kept in {self.folder} ({why}); training goes on without"
        self._say_once("kept", text)

    def _say_once(self, what: str, text: str) -> None:
        if (key := (self.folder.absolute(), what)) not in _told:
            _told.add(key)
            self._say(text)

    def _say(self, text: str) -> None:
        with contextlib.suppress(Exception):  # a closed pipe ends what is printed only
            self._warn(text)


def _mark_used(path: Path) -> None:
    with contextlib.suppress(OSError):  # of a store that may only be read
        os.utime(path, follow_symlinks=False)


def forget() -> None:
    """Say again what was said: it may be the next sweep of a notebook."""
    _told.clear()
