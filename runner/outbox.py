"""Records on disk that wait for a tracking server: one folder a run, messages in order.

A message is plain data with one of the keys `points`, `params`, `tags`, `artifacts` (a folder) and
`status`. It is idempotent: to deliver it twice changes nothing.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

Message = dict[str, Any]
ROOT = Path(".runner") / "outbox"


class Outbox:
    """The waiting messages of one run. Exists on disk only once something waits."""

    def __init__(self, run_id: str, uri: str, root: Path = ROOT) -> None:
        self.run_id = run_id
        self.uri = uri
        self.folder = root.absolute() / run_id
        self._lock = FileLock(self.folder.with_suffix(".lock"))

    def append(self, message: Message) -> None:
        """Write a message behind the others; folders that it names are moved here."""
        self.acquire()
        self.folder.mkdir(parents=True, exist_ok=True)
        if "artifacts" in message:
            number = sum(1 for p in self.folder.iterdir() if p.is_dir())
            kept = self.folder / f"artifacts-{number}"
            shutil.copytree(message["artifacts"], kept)
            message = {"artifacts": kept.name}
        head = self.folder / "run.json"
        if not head.exists():
            head.write_text(json.dumps({"run_id": self.run_id, "uri": self.uri}))
        with (self.folder / "messages.jsonl").open("a") as file:
            file.write(json.dumps(message) + "\n")

    def messages(self) -> Iterator[Message]:
        """Return the waiting messages in order; a last line that a crash cut off is left out."""
        file = self.folder / "messages.jsonl"
        if not file.exists():
            return
        for line in file.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                message = json.loads(line)
                if "artifacts" in message:
                    message = {"artifacts": str(self.folder / message["artifacts"])}
                yield message

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the run's lock, so that nobody else delivers it; return whether it was free."""
        if self._lock.is_locked:
            return True
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def remove(self) -> None:
        """Forget the messages: they are delivered."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)
        for empty in (self.folder.parent, self.folder.parent.parent):
            if empty.is_dir() and not any(empty.iterdir()):
                empty.rmdir()


def waiting(root: Path = ROOT) -> list[Outbox]:
    """Return the outboxes of earlier runs that still hold messages."""
    found = []
    for head in sorted(root.glob("*/run.json")):
        known = json.loads(head.read_text())
        found.append(Outbox(known["run_id"], known["uri"], root))
    return found
