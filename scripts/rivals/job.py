"""What the programs that bench_rivals.py compares share: what to train, and what to tell of it.

It needs numpy alone, as Keras may run in an environment of its own.
"""

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TRAINING_IMAGES = 54_000
MAX_NORM = 1.0


@dataclass(frozen=True)
class Job:
    """A training: `schedule` is constant, or cosine over all steps down to 0.

    root: folder whose MNIST/raw holds the unpacked images. every: updates between two looks at the
    test images. until: share of right ones with which a program may end early. lr: the first rate.
    """

    root: str
    model: str
    batch: int
    steps: int
    every: int
    schedule: str
    until: float
    lr: float = 1e-3
    precision: str = "float32"
    seed: int = 0


def given() -> Job:
    """Return the job on a program's command line."""
    return Job(**json.loads(sys.argv[1]))


@dataclass
class Diary:
    """When updates ended, and what part of the test images was right after some of them."""

    job: Job
    updates: list[float] = field(default_factory=list)
    evaluations: list[tuple[float, float]] = field(default_factory=list)

    def updated(self) -> None:
        """Note the end of an update."""
        self.updates.append(time.time())

    def evaluated(self, accuracy: float) -> bool:
        """Note an evaluation; return whether the program may end."""
        self.evaluations.append((time.time(), accuracy))
        return accuracy >= self.job.until

    def tell(self) -> None:
        """Print it for bench_rivals.py."""
        first, last = self.updates[0], self.updates[-1]
        found = {"first": first, "last": last, "updates": len(self.updates)}
        print(json.dumps({**found, "evaluations": self.evaluations}))


def images(root: str, part: str) -> tuple[Any, Any]:
    """Return the images (n, 28, 28) and labels (n,) of the part `train` or `t10k`, as bytes."""
    import numpy as np

    raw = Path(root) / "MNIST" / "raw"
    pixels = np.fromfile(raw / f"{part}-images-idx3-ubyte", np.uint8, offset=16)
    return pixels.reshape(-1, 28, 28), np.fromfile(
        raw / f"{part}-labels-idx1-ubyte", np.uint8, offset=8
    )
