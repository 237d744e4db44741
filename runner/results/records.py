"""What a run leaves behind: every update's numbers and every evaluation, as plain arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from runner.results.events import CLIPPED, GRAD_NORM, LOSS, LR, Chunk, Evaluation, Event

MANY = 50  # updates that should have changed a loss
CLOSE = 0.99  # of what guessing costs: not better


@dataclass
class Records:
    """Everything that a run has recorded so far; a listener."""

    chunks: list[Chunk] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        """Append what happened next."""
        if isinstance(event, Chunk):
            self.chunks.append(event)
        else:
            self.evaluations.append(event)

    def column(self, key: str) -> np.ndarray:
        """Return what was recorded of each update under a key, NaN where nothing was."""
        parts = [chunk.columns.get(key) for chunk in self.chunks]
        filled = [
            np.full(len(chunk), np.nan) if part is None else np.ma.filled(part, np.nan)
            for chunk, part in zip(self.chunks, parts, strict=True)
        ]
        return np.concatenate(filled or [np.empty(0)])

    def whole(self) -> Chunk:
        """Return all updates as one chunk."""
        keys = dict.fromkeys(key for chunk in self.chunks for key in chunk.columns)
        columns = {key: _joined([_column(one, key) for one in self.chunks]) for key in keys}
        return Chunk(0, columns, np.concatenate([chunk.time_ms for chunk in self.chunks]))

    def standstill(self, epoch: int, guess: float) -> str:
        """Return a note where a run, unless it is short, made the training loss no better, or left
        it where guessing is.

        epoch: updates whose mean is the loss at the end. guess: the loss of who only guesses.
        """
        losses = self.column(LOSS)
        if len(losses) < max(MANY, epoch) or np.isnan(losses).any():
            return ""
        first, last = float(losses[0]), float(losses[-epoch:].mean())
        if last < min(first, CLOSE * guess):
            return ""
        return f"training has made nothing better: loss {first:.4g} at first, {last:.4g} at last"

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all as arrays: `step`, `time_ms` and the columns of the updates, and for each
        evaluated metric KEY its `KEY` and `KEY@step`."""
        usual = (LR, LOSS, GRAD_NORM, CLIPPED)
        keys = dict.fromkeys(key for chunk in self.chunks for key in chunk.columns) or usual
        times = np.concatenate([chunk.time_ms for chunk in self.chunks] or [np.empty(0)])
        arrays = {"step": np.arange(len(times)), "time_ms": times}
        arrays |= {key: self.column(key) for key in keys}
        for key in dict.fromkeys(k for e in self.evaluations for k in e.metrics):
            found = [(e.step, e.metrics[key]) for e in self.evaluations if key in e.metrics]
            steps, values = zip(*found, strict=True)
            arrays[f"{key}@step"] = np.array(steps, dtype=np.int64)
            arrays[key] = np.array(values, dtype=np.float64)
        return arrays

    def save(self, file: Path) -> None:
        """Write the arrays as compressed npz."""
        np.savez_compressed(file, **self.arrays())  # type: ignore[arg-type]


def _column(chunk: Chunk, key: str) -> np.ndarray:
    """Return what was recorded under a key, masked where nothing was."""
    column = chunk.columns.get(key)
    return np.ma.array(np.zeros(len(chunk)), mask=True) if column is None else column


def _joined(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Return columns behind each other, with a mask only where something is masked."""
    values = np.concatenate([np.ma.getdata(one) for one in columns])
    mask = np.concatenate([np.ma.getmaskarray(one) for one in columns])
    return np.ma.array(values, mask=mask) if mask.any() else values
