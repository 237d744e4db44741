"""What a run leaves behind: every update's numbers and every evaluation, as plain arrays."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Point = tuple[str, float, int, int]  # key, value, time in ms, step


@dataclass(frozen=True)
class Chunk:
    """Consecutive updates, counted from `start`; all arrays have their number as length.

    lr: rates that the updates used. loss: before the update. grad_norm: before clipping.
    clipped: whether clipping changed the gradient. time_ms: since 1970. others: what else was
    scheduled, such as the momentum, by name.
    """

    start: int
    lr: np.ndarray
    loss: np.ndarray
    grad_norm: np.ndarray
    clipped: np.ndarray
    time_ms: np.ndarray
    others: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lr)

    def __getitem__(self, part: slice) -> "Chunk":
        arrays = (self.lr, self.loss, self.grad_norm, self.clipped, self.time_ms)
        others = {name: array[part] for name, array in self.others.items()}
        lr, loss, grad_norm, clipped, time_ms = (array[part] for array in arrays)
        return Chunk(self.start, lr, loss, grad_norm, clipped, time_ms, others)

    def points(self) -> Iterator[Point]:
        """Return the updates as metric points, step by step."""
        columns = (self.lr, self.loss, self.grad_norm, self.clipped, self.time_ms)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        others = {name: array.tolist() for name, array in self.others.items()}
        for step, (lr, loss, norm, clipped, ms) in enumerate(rows, start=self.start):
            yield "lr", lr, ms, step
            for name, values in others.items():
                yield name, values[step - self.start], ms, step
            yield "train/loss", loss, ms, step
            yield "grad_norm", norm, ms, step
            yield "clipped", float(clipped), ms, step


@dataclass(frozen=True)
class Evaluation:
    """Metrics of the model after `step` updates, such as {"val/loss": 0.3}."""

    step: int
    metrics: dict[str, float]
    time_ms: int

    def points(self) -> Iterator[Point]:
        """Return the metrics as metric points."""
        for key, value in self.metrics.items():
            yield key, value, self.time_ms, self.step


@dataclass
class Records:
    """Everything that a run has recorded so far."""

    chunks: list[Chunk] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)

    def add(self, event: Chunk | Evaluation) -> None:
        """Append what happened next."""
        if isinstance(event, Chunk):
            self.chunks.append(event)
        else:
            self.evaluations.append(event)

    def series(self, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the steps and values of an evaluated metric."""
        found = [(e.step, e.metrics[key]) for e in self.evaluations if key in e.metrics]
        steps, values = zip(*found, strict=True) if found else ((), ())
        return np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all as arrays: `step`, `lr`, `train/loss`, `grad_norm`, `clipped`, `time_ms` and
        what else was scheduled of each update, and for each evaluated metric KEY its `KEY` and
        `KEY@step`."""
        names = {"lr": "lr", "train/loss": "loss", "grad_norm": "grad_norm", "clipped": "clipped"}
        names["time_ms"] = "time_ms"
        arrays = {
            key: np.concatenate([getattr(chunk, name) for chunk in self.chunks] or [np.empty(0)])
            for key, name in names.items()
        }
        arrays = {"step": np.arange(len(arrays["lr"]))} | arrays | self.others()
        for key in dict.fromkeys(k for e in self.evaluations for k in e.metrics):
            arrays[f"{key}@step"], arrays[key] = self.series(key)
        return arrays

    def others(self) -> dict[str, np.ndarray]:
        """Return what was scheduled beside the rate, by name, the value of each update."""
        names = self.chunks[0].others if self.chunks else ()
        return {name: np.concatenate([c.others[name] for c in self.chunks]) for name in names}

    def save(self, file: Path) -> None:
        """Write the arrays as compressed npz."""
        np.savez_compressed(file, **self.arrays())  # type: ignore[arg-type]
