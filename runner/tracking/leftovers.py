"""What killed processes, damaged disks and other people have left in the outbox."""

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from runner import private
from runner.addresses import brief
from runner.tracking.base import Tracker
from runner.tracking.outbox import GONE, ROOT, discard, set_aside
from runner.tracking.schema import NAME, Damaged, Head, read_head

Owner = Callable[[str], Head | None]


def tidy(owner: Owner = lambda name: None) -> list[str]:
    """Finish what a killed process has left half made or half removed, set aside what is damaged,
    and leave alone what is not ours; return a line for each of the latter two.

    owner: tells by the name of a folder whose records are in it, where they do not say so.
    """
    lines = []
    for path in sorted(ROOT.glob("*")):
        is_folder = path.is_dir() and not path.is_symlink()
        if not NAME.fullmatch(path.stem) or not (is_folder or path.suffix == ".lock"):
            if os.path.lexists(path):  # not delivered by another process in this moment
                lines.append(f"{path} is no run's folder of records; it is left alone")
        elif path.suffix == GONE:
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".lock":  # of 0.1.0
            path.unlink(missing_ok=True)
        else:
            try:
                with contextlib.suppress(Timeout):  # of a run that trains
                    lines += _mend(path, owner)
            except OSError as error:
                if os.path.lexists(path):  # not delivered by another process in this moment
                    lines.append(f"{path} cannot be set aside: {error}")
    return lines


def owner_among(trackers: Sequence[Tracker]) -> Owner:
    """Return what finds the owner of records in some trackers, by the tag of the run."""

    def owner(name: str) -> Head | None:
        for tracker in trackers:
            tracker.check()
            tracker.load()
            if found := tracker.find(name):
                return Head(found[0], tracker.address, tracker.path())
        return None

    return owner


def _mend(folder: Path, owner: Owner) -> list[str]:
    lock, head = FileLock(folder / ".lock"), folder / "run.json"
    try:
        lock.acquire(timeout=0)
        read_head(head)
    except FileNotFoundError:
        if {path.name for path in folder.iterdir()} - {".lock", ".run.json"}:
            return _headless(folder, "it has no run.json", owner)
        discard(folder)
    except Damaged as error:
        return _headless(folder, f"run.json: {error}", owner)
    finally:
        lock.release()
    return []


def _headless(folder: Path, why: str, owner: Owner) -> list[str]:
    """Let the records of a run go to it although they do not say whose they are."""
    try:
        found = owner(folder.name)
    except Exception as error:
        return [f"{folder} is damaged ({why}); it waits for its tracker ({brief(error)})"]
    if found is None:
        return [set_aside(folder, why)]
    head = folder / "run.json"
    lines = [set_aside(head, why)] if os.path.lexists(head) else [f"{folder}: {why}"]
    private.write(head, found.text())
    return lines
