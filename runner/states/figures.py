"""What evaluations of states have given, apart from the states, which they outlive."""

import json
import os
import secrets
import zlib
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner import private
from runner.states import disk, scan
from runner.states.disk import Damaged
from runner.trial.name import StateName

Key = tuple[int, str, str]  # step, trace, what was evaluated


class Figures:
    """Metrics of states by name and by what was evaluated, in a folder that others use too. Each
    writer has a file of its own, a line an evaluation.

    folder: the store's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer = secrets.token_hex(8)
        self._noted: deque[tuple[StateName, str, dict[str, float], int]] = deque()

    def add(self, name: StateName, key: str, metrics: Mapping[str, float], time_ms: int) -> None:
        """Keep what an evaluation has given; where that cannot be, it is made again.

        Arguments:
            key: what was evaluated.
            metrics: the figures by name, nan and infinities among them.
            time_ms: when, in milliseconds since 1970.
        """
        self.note(name, key, metrics, time_ms)
        self.write()

    def note(self, name: StateName, key: str, metrics: Mapping[str, float], time_ms: int) -> None:
        """Take the same down, to be written with the next state, which alone needs it."""
        self._noted.append((name, key, dict(metrics), time_ms))

    def write(self) -> None:
        """Write what was noted, in whatever thread."""
        lines: dict[str, bytes] = {}
        try:
            while self._noted:
                name, key, metrics, time_ms = self._noted.popleft()
                figures = {
                    "step": name.step,
                    "trace": name.trace,
                    "key": key,
                    "metrics": {metric: float(value) for metric, value in metrics.items()},
                    "time_ms": time_ms,
                }
                lines[name.recipe] = lines.get(name.recipe, b"") + _line(figures)
            for recipe, text in lines.items():
                self._append(recipe, text)
        except Exception:
            self._writer = secrets.token_hex(8)  # nothing may follow half a line

    def read(self, recipe: str) -> dict[Key, tuple[dict[str, float], int]]:
        """Return metrics and time_ms of all evaluations of a recipe's states. Of several for the
        same, that of the first file by name; lines that are damaged are left out."""
        found: dict[Key, tuple[dict[str, float], int]] = {}
        for file in sorted(self._folder(recipe).glob("*.jsonl")):
            try:
                with disk.opened(file) as (stream, _):
                    lines = stream.read().split(b"\n")
            except (OSError, Damaged):
                continue
            for key, value in filter(None, map(_read, lines)):
                found.setdefault(key, value)
        return found

    def _append(self, recipe: str, lines: bytes) -> None:
        file = private.folder(self._folder(recipe)) / f"{self._writer}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        descriptor = os.open(file, flags, 0o600)
        try:
            if os.write(descriptor, lines) < len(lines):
                raise OSError("disk full")
        finally:
            os.close(descriptor)

    def _folder(self, recipe: str) -> Path:
        return self.folder / recipe / scan.FIGURES


def _line(figures: Mapping[str, Any]) -> bytes:
    return b'{"crc32": "%08x", "figures": %b}\n' % (_crc(figures), _text(figures))


def _read(line: bytes) -> tuple[Key, tuple[dict[str, float], int]] | None:
    """Return what a line holds, None for a damaged one."""
    try:
        whole = json.loads(line)
        figures = whole["figures"]
        if whole["crc32"] != f"{_crc(figures):08x}":
            return None
        key = StateName("0" * 64, figures["step"], figures["trace"])
        metrics = {str(metric): float(value) for metric, value in figures["metrics"].items()}
        return (key.step, key.trace, str(figures["key"])), (metrics, int(figures["time_ms"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _crc(figures: Any) -> int:
    return zlib.crc32(_text(figures))


def _text(figures: Any) -> bytes:
    return json.dumps(figures).encode()
