"""What files of the outbox may hold: whatever else is in them, somebody else has written or cut."""

import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runner.results.result import Status

Message = dict[str, Any]
NAME = re.compile(r"[0-9a-f]{32}")  # of a run's folder
MLFLOW = "runner.tracking.mlflow.tracker.MLflow"  # what 0.1.0 wrote for, without its name
_HEAD_BYTES, _MESSAGE_BYTES = 2**16, 2**28
_RUN_ID = re.compile(r"[\w-]{1,250}")
_MOST = 2**63  # of a step or a time


class Damaged(Exception):
    """A file that is not as it was written."""


@dataclass(frozen=True)
class Head:
    """What a run's folder says first.

    run_id: None before the tracker has created the run. uri: the tracker's address. tracker: the
    path of its class. experiment: where the run is looked for if its id is not known. identity: the
    same text for two runs that would be the same run, "" for one that is never continued.
    """

    run_id: str | None
    uri: str
    tracker: str = MLFLOW
    experiment: str = ""
    identity: str = ""

    def text(self) -> str:
        """Return what is written of it."""
        return json.dumps(asdict(self))


def read_head(file: Path) -> Head:
    """Return what a head says. Raises Damaged, or FileNotFoundError."""
    found = _read(file, _HEAD_BYTES)
    if not isinstance(found, dict) or not {"run_id", "uri"} <= set(found) <= set(asdict(_ANY)):
        raise Damaged("it must hold run_id and uri, and at most tracker, experiment and identity")
    run_id = found["run_id"]
    rest = [value for key, value in found.items() if key != "run_id"]
    if not all(isinstance(value, str) for value in rest):
        raise Damaged("its values must be text")
    if run_id is not None and not (isinstance(run_id, str) and _RUN_ID.fullmatch(run_id)):
        raise Damaged("run_id must be letters, digits and dashes")
    return Head(**found)


def read_message(entry: Path) -> Message:
    """Return the message of an entry: of a folder its path, of a file what it says.

    Raises Damaged.
    """
    if stat.S_ISDIR(entry.lstat().st_mode):
        for path, folders, files in os.walk(entry):
            for name in (*folders, *files):
                found = (Path(path) / name).lstat()
                if not (stat.S_ISDIR(found.st_mode) or _is_file(found)):
                    raise Damaged(f"{name} must be a file, not a link or the like")
        return {"artifacts": str(entry)}
    said = _read(entry, _MESSAGE_BYTES)
    for keys, fits in _MESSAGES.items():
        if isinstance(said, dict) and set(said) == set(keys):
            if not all(fits(said[key]) for key in keys[:1]) or not _is_ms(said.get("end_ms", 0)):
                break
            return said
    raise Damaged("it must hold points, params, tags or status")


def parts_of(message: Message) -> list[Message]:
    """Return a message as one of each key.

    >>> parts_of({"points": [["a", 1.0, 0, 0], ["b", 2.0, 0, 0], ["a", 3.0, 1, 1]]})
    [{'points': [['a', 1.0, 0, 0], ['a', 3.0, 1, 1]]}, {'points': [['b', 2.0, 0, 0]]}]
    >>> parts_of({"tags": {"a": "x", "b": "y"}})
    [{'tags': {'a': 'x'}}, {'tags': {'b': 'y'}}]
    """
    [(kind, values), *_] = message.items()
    if kind == "points":
        points: dict[str, list[Any]] = {}
        for point in values:
            points.setdefault(point[0], []).append(point)
        return [{kind: found} for found in points.values()]
    if isinstance(values, dict):
        return [{kind: {key: text}} for key, text in values.items()]
    return [message]


def _read(file: Path, most_bytes: int) -> Any:
    """Return what a file of ours says; no link is followed, and no pipe waited for."""
    found = file.lstat()
    if not _is_file(found):
        raise Damaged("it must be a file, not a link or the like")
    if found.st_size > most_bytes:
        raise Damaged(f"it must have at most {most_bytes} bytes")
    try:
        return json.loads(file.read_text())
    except (ValueError, RecursionError) as error:
        raise Damaged(f"it is cut or changed: {str(error)[:100]}") from None


def _is_file(found: os.stat_result) -> bool:
    """Return whether something is a file that has no other name, which could be somebody's."""
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_points(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, list)
        and len(point) == 4
        and isinstance(point[0], str)
        and type(point[1]) in (int, float)
        and _is_ms(point[2])
        and _is_ms(point[3])
        for point in value
    )


def _is_ms(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _is_status(value: Any) -> bool:
    return isinstance(value, str) and value in set(Status)


_ANY = Head(None, "")
_MESSAGES: dict[tuple[str, ...], Callable[[Any], bool]] = {
    ("points",): _is_points,
    ("params",): _is_texts,
    ("tags",): _is_texts,
    ("status", "end_ms"): _is_status,
}
