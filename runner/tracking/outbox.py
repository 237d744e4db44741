"""Records on disk, on their way to a tracker: one folder a run, one entry a message.

Every record is written here first and forgotten once it is delivered, so that nothing is lost when
a server stops or a process is killed. A message is plain data with one of the keys `points`,
`params`, `tags`, `artifacts` (a folder) and `status` (with `end_ms`), and idempotent: to deliver it
twice changes nothing. A run without a status among its messages has not ended, or was killed.

The folder is there before the run, under a name that the run carries too: of a process that is
killed in between, the next one finds what it has made. In the end the folder is renamed, after
which nobody delivers it, and removed. What somebody else has written here is not followed.
"""

import contextlib
import itertools
import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from runner import private
from runner.addresses import OUTBOX
from runner.passwords import redact
from runner.tracking.schema import NAME, Damaged, Head, Message, read_head, read_message

ROOT = OUTBOX
ASIDE = ROOT.parent / "set-aside"  # what is damaged
MERGED = 10_000  # points, few enough for the memory
GONE = ".gone"  # ends the name of a delivered run's folder
_TEXTS = (".txt", ".yaml", ".json")  # artifacts in which a password may stand


class Outbox:
    """The messages of one run for one tracker. Whoever holds its lock delivers them: the run's own
    process, and after that has ended any other.

    head: whose records they are. name: the folder's, which the run carries as a tag.
    """

    def __init__(self, head: Head, name: str = "") -> None:
        self.head = head
        self.name = name or uuid.uuid4().hex
        self.folder = ROOT.absolute() / self.name
        self.damaged: list[str] = []  # what was set aside
        self.refused: dict[str, None] = {}  # what the tracker does not take, a line each
        self._file = self.folder / "run.json"
        self._lock = FileLock(self.folder / ".lock", thread_local=False, mode=0o600)
        self._numbers = itertools.count()

    @property
    def run_id(self) -> str:
        """The tracker's name for the run, once it is there."""
        return self.head.run_id or ""

    def create(self) -> None:
        """Make the folder, held by this process."""
        while True:
            private.folder(self.folder)
            try:
                self._lock.acquire()
                private.write(self._file, self.head.text())
                return
            except FileNotFoundError:  # tidied before it was held
                self._lock.release()

    def opened(self, run_id: str) -> None:
        """Keep the name that the tracker has given to the run."""
        self.head = replace(self.head, run_id=run_id)
        private.write(self._file, self.head.text())

    def resume(self) -> None:
        """Let new messages stand behind those that wait; what was cut off in writing is removed."""
        self.forget(list(self.folder.glob(".[0-9]*")))
        last = max((int(entry.name) for entry in self._entries()), default=-1)
        self._numbers = itertools.count(last + 1)

    def append(self, message: Message) -> None:
        """Write a message behind the others; a folder that it names is copied."""
        entry = self.folder / f"{next(self._numbers):08d}"
        if "artifacts" in message:
            hidden = self.folder / f".{entry.name}"
            shutil.copytree(message["artifacts"], hidden, copy_function=_copy)
            hidden.rename(entry)
        else:
            private.write(entry, json.dumps(_redacted(message)))

    def messages(self) -> Iterator[tuple[list[Path], Message]]:
        """Return the messages in order, each with its entries; neighbouring points are joined.

        What is damaged is set aside.
        """
        entries: list[Path] = []
        points: list[Any] = []
        for entry in self._entries():
            try:
                whole = read_message(entry)
            except Damaged as error:
                self.damaged.append(set_aside(entry, str(error)))
                continue
            if points and ("points" not in whole or len(points) >= MERGED):
                yield entries, {"points": points}
                entries, points = [], []
            if "points" in whole:
                entries.append(entry)
                points += whole["points"]
            else:
                yield [entry], whole
        if points:
            yield entries, {"points": points}

    def written(self) -> Iterator[tuple[Path, Message]]:
        """Return the messages in order as they were written, each with its entry.

        Raises Damaged.
        """
        for entry in self._entries():
            if not entry.name.isdigit():
                raise Damaged(f"{entry.name} must be a number")
            yield entry, read_message(entry)

    def refuse(self, entries: list[Path], part: Message, why: str) -> None:
        """Set aside the part of a message that the tracker does not take; its entries are still to
        be forgotten."""
        [(kind, values), *_] = part.items()
        aside = private.folder(self.folder.parent.parent / ASIDE.name)
        if kind == "artifacts":
            place, what = aside / f"{self.name}-{entries[0].name}", "the artifacts"
            shutil.copytree(values, place, dirs_exist_ok=True)
        else:
            first = next(iter(values))
            what = first[0] if kind == "points" else f"the {kind.removesuffix('s')} {first}"
            digest = uuid.uuid5(uuid.NAMESPACE_OID, what).hex[:8]
            place = aside / f"{self.name}-{entries[0].name}-{digest}"
            private.write(place, json.dumps(part))
        self.refused[f"{what} is refused ({why}); it is set aside in {ASIDE}"] = None

    def last_ms(self) -> int:
        """Return when the run was last heard of, in ms since 1970."""
        entries = self._entries() or [self._file]
        return int(max(entry.lstat().st_mtime for entry in entries) * 1000)

    @staticmethod
    def forget(entries: list[Path]) -> None:
        """Remove what is delivered."""
        for entry in entries:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def acquire(self, wait_seconds: float = 0.0) -> bool:
        """Take over the run of a process that has ended; return False where there is none.

        wait_seconds: for who only looks at it. Raises Damaged.
        """
        if not self._file.is_file():
            return False
        try:
            self._lock.acquire(timeout=wait_seconds)
            self.head = read_head(self._file)
        except (Timeout, FileNotFoundError):
            self._lock.release()
            return False
        except BaseException:
            self._lock.release()
            raise
        return True

    def release(self) -> None:
        """Leave the messages to others."""
        self._lock.release()

    def remove(self) -> None:
        """Forget the run: all is delivered, or there is none."""
        with contextlib.suppress(FileNotFoundError):
            discard(self.folder)
        self._lock.release()

    def leave(self) -> str:
        """Set all that waits aside, as another start has claimed the run; return a line that says
        so."""
        self.folder.rename(private.folder(self.folder.parent.parent / ASIDE.name) / self.name)
        self._lock.release()
        return f"another start goes on with run {self.run_id}; what waits is set aside in {ASIDE}"

    def remove_root(self) -> None:
        """Remove what is empty above a run that is forgotten."""
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()
            self.folder.parent.parent.rmdir()

    def _entries(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*"))


def discard(folder: Path) -> None:
    """Remove a run's folder, at once for whoever looks."""
    gone = folder.with_suffix(GONE)
    try:
        folder.rename(gone)
    except FileNotFoundError:
        raise
    except OSError:  # who was killed amid this has left it
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
    for _ in range(3):  # who looks whether it is held may leave a lock in it
        shutil.rmtree(gone, ignore_errors=True)


def waiting() -> list[Outbox]:
    """Return the outboxes of all runs, those that still train among them."""
    found = []
    for file in sorted(ROOT.glob("*/run.json")):
        folder = file.parent
        if NAME.fullmatch(folder.name) and not folder.is_symlink():
            with contextlib.suppress(OSError, Damaged):  # delivered in this moment; see leftovers
                found.append(Outbox(read_head(file), folder.name))
    return found


def set_aside(path: Path, why: str) -> str:
    """Move what is damaged out of the outbox; return a line that says so."""
    in_run = NAME.fullmatch(path.parent.name) is not None
    root = path.parent.parent if in_run else path.parent
    name = f"{path.parent.name}-{path.name}" if in_run else path.name
    path.rename(private.folder(root.parent / ASIDE.name) / name)
    return f"{path} is damaged ({why}); it is set aside in {ASIDE}"


def _copy(source: str, target: str) -> str:
    """Copy a file, without the passwords in it if it is text."""
    if source.endswith(_TEXTS):
        Path(target).write_text(redact(Path(source).read_text()))
        return target
    return str(shutil.copyfile(source, target))


def _redacted(message: Message) -> Message:
    """Return a message without the passwords in its texts."""
    [(key, values), *rest] = message.items()
    if not isinstance(values, dict):
        return message
    return {key: {name: redact(text) for name, text in values.items()}, **dict(rest)}
