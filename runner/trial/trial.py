"""What a trial is: a recipe, a schedule and a horizon, and the fingerprint of its beginning."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from schedules import Horizon, Schedule


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run except the rate. Plain data, as it would stand in JSON.

    model, dataset, optimizer, clipping: `_target_` and arguments. weights: the SHA-256 of the
    weights it starts from. threads: CPU threads (their number changes the bits), None elsewhere.
    """

    model: Mapping[str, Any]
    dataset: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    clipping: Mapping[str, Any]
    batch_size: int
    seed: int
    precision: str
    device: str
    threads: int | None
    weights: str | None
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Trial:
    """A recipe, a schedule bound to a horizon, and the schedules of other numbers by name."""

    recipe: Recipe
    schedule: Schedule
    horizon: Horizon
    others: Mapping[str, Schedule] = field(default_factory=dict)

    def trace(self) -> np.ndarray | None:
        """Return the rate of every update, float64; None where it depends on evaluations."""
        if self.schedule.listens:
            return None
        return np.asarray(self.schedule(np.arange(self.horizon.total_steps)))


def fingerprint(
    recipe: Recipe, trace: np.ndarray, others: Mapping[str, np.ndarray] | None = None
) -> str:
    """Return the name of the state that training reaches by a recipe and the rates so far.

    others: what else was scheduled, by name, as long as the trace. Two runs with the same
    fingerprint have the same weights, bit for bit on one kind of CPU. The source code of a person's
    own classes is not part of it.
    """
    text = json.dumps(vars(recipe), sort_keys=True, default=dict)
    digest = hashlib.sha256(text.encode())
    digest.update(np.ascontiguousarray(trace, dtype="<f8").tobytes())
    for name, values in sorted((others or {}).items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()
