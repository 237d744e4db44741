"""What happens in a run, as plain arrays, and who hears of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Point = tuple[str, float, int, int]  # key, value, time in ms, step


def step_key(name: str) -> str:
    """Return the key under which a number of every update is recorded.

    >>> step_key("momentum")
    'train/momentum'
    """
    return f"train/{name}"


LR, LOSS, GRAD_NORM, CLIPPED = map(step_key, ("lr", "loss", "grad_norm", "clipped"))


@dataclass(frozen=True)
class Chunk:
    """Consecutive updates, counted from `start`.

    columns: key -> its value of each update: `train/lr` first, then what else follows a schedule,
    `train/loss` (before the update), `train/grad_norm` (before clipping) and `train/clipped`
    (whether clipping changed the gradient); of a loop of a person's own what it logs, masked where
    it logged nothing. time_ms: of each update, since 1970.
    """

    start: int
    columns: Mapping[str, np.ndarray]
    time_ms: np.ndarray

    def __len__(self) -> int:
        return len(self.time_ms)

    def __getitem__(self, part: slice) -> "Chunk":
        columns = {key: column[part] for key, column in self.columns.items()}
        return Chunk(self.start, columns, self.time_ms[part])

    def points(self) -> Iterator[Point]:
        """Return the updates as metric points, step by step."""
        columns = [column.tolist() for column in self.columns.values()]
        rows = zip(self.time_ms.tolist(), *columns, strict=True)
        for step, (ms, *values) in enumerate(rows, start=self.start):
            for key, value in zip(self.columns, values, strict=True):
                if value is not None:  # masked
                    yield key, float(value), ms, step


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


def is_test(evaluation: Evaluation) -> bool:
    """Return whether an evaluation is of the test data."""
    return any(key.startswith("test/") for key in evaluation.metrics)


Event = Chunk | Evaluation
Hear = Callable[[Event], None]


class Listener(Protocol):
    """Hears every event of a run, in order, in the thread that trains."""

    def hear(self, event: Event) -> None:
        """Take what happened next."""
