"""Records on disk, on their way to a tracker: one folder a run, one entry a message.

Every record is written here first and forgotten once it is delivered, so that nothing is lost when
a server stops or a process is killed. A message is plain data with one of the keys `points`,
`params`, `tags`, `artifacts` (a folder) and `status` (with `end_ms`), and idempotent: to deliver it
twice changes nothing. A run without a status among its messages has not ended, or was killed.
"""

import contextlib
import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from runner.addresses import OUTBOX

Message = dict[str, Any]
ROOT = OUTBOX
MLFLOW = "runner.tracking.mlflow.tracker.MLflow"  # what 0.1.0 wrote for, without its name
MERGED = 10_000  # points, few enough for the memory


class Outbox:
    """The messages of one run for one tracker. Whoever holds its lock delivers them: the run's own
    process, and after that has ended any other.

    uri: the tracker's address. tracker: the path of its class.
    """

    def __init__(self, run_id: str, uri: str, tracker: str = MLFLOW) -> None:
        self.run_id = run_id
        self.uri = uri
        self.tracker = tracker
        self.folder = ROOT.absolute() / run_id
        self._head = self.folder / "run.json"
        self._lock = FileLock(self.folder.with_suffix(".lock"), thread_local=False)
        self._numbers = itertools.count()

    def create(self) -> None:
        """Make the folder, held by this process."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        self.folder.mkdir()
        head = {"run_id": self.run_id, "uri": self.uri, "tracker": self.tracker}
        self._write(self._head, json.dumps(head))

    def append(self, message: Message) -> None:
        """Write a message behind the others; a folder that it names is copied."""
        entry = self.folder / f"{next(self._numbers):08d}"
        if "artifacts" in message:
            hidden = self.folder / f".{entry.name}"
            shutil.copytree(message["artifacts"], hidden)
            hidden.rename(entry)
        else:
            self._write(entry, json.dumps(message))

    def messages(self) -> Iterator[tuple[list[Path], Message]]:
        """Return the messages in order, each with its entries; neighbouring points are joined."""
        entries: list[Path] = []
        points: list[Any] = []
        for entry in sorted(self.folder.glob("[0-9]*")):
            whole = {"artifacts": str(entry)} if entry.is_dir() else json.loads(entry.read_text())
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

    def last_ms(self) -> int:
        """Return when the run was last heard of, in ms since 1970."""
        entries = list(self.folder.glob("[0-9]*")) or [self.folder]
        return int(max(entry.stat().st_mtime for entry in entries) * 1000)

    @staticmethod
    def forget(entries: list[Path]) -> None:
        """Remove what is delivered."""
        for entry in entries:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def acquire(self) -> bool:
        """Take over the run of a process that has ended; return False where there is none."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        if self._head.exists():
            return True
        self.remove()  # another process has just delivered it
        return False

    def release(self) -> None:
        """Leave the messages to others."""
        self._lock.release()

    def remove(self) -> None:
        """Forget the run: all is delivered."""
        self._head.unlink(missing_ok=True)  # first: without it nobody delivers the rest
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def _write(self, file: Path, text: str) -> None:
        """Write a file whole or not at all."""
        hidden = file.with_name(f".{file.name}")
        hidden.write_text(text)
        hidden.rename(file)


def waiting() -> list[Outbox]:
    """Return the outboxes of all runs, those that still train among them."""
    found = []
    for head in sorted(ROOT.glob("*/run.json")):
        with contextlib.suppress(FileNotFoundError):  # delivered in this moment
            found.append(Outbox(**json.loads(head.read_text())))
    return found
