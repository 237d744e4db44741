"""Cosine decay."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.durations import Duration
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """Half a cosine: rate(t) = floor + (lr - floor) * (1 + cos(pi * min(t, T) / T)) / 2.

    T is `decay_steps`; after it the rate stays at `floor`.

    Arguments:
        lr: peak, the rate at step 0, at least 0.
        floor: rate at step T, in [0, lr]; a rate, not a share of the peak.
        decay_steps: duration T, at least 1 step.

    Raises:
        ValueError, TypeError: an argument is out of its range or no number.

    >>> Cosine(lr=0.1, decay_steps=100)(50)
    0.05

    Source: Loshchilov and Hutter, SGDR, 2017 (arXiv:1608.03983), without restarts.
    """

    lr: float
    floor: float = 0.0
    decay_steps: Duration = "100%"

    durations: ClassVar = {"decay_steps": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep(lr=_checks.at_least("lr", self.lr, 0))
        self._keep(floor=_checks.up_to("floor", self.floor, "lr", self.lr))

    def formula(self, t: Steps) -> Rates:
        decay_steps = int(self.decay_steps)
        progress = np.minimum(t, decay_steps) / decay_steps
        return self.floor + (self.lr - self.floor) * half_cosine(progress)


def half_cosine(progress: Rates) -> Rates:
    """From 1 at progress 0 to 0 at progress 1."""
    return 0.5 * (1 + np.cos(np.pi * progress))
