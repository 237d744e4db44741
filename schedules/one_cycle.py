"""One rise and one long fall."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules._shapes import between, half_cosine
from schedules.durations import Duration
from schedules.errors import ArgumentError
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class OneCycle(Schedule):
    """A rise to the peak and a fall far below the start, with w `rise_steps` and T `total_steps`.

    The rate goes through these points, straight or along half a cosine from one to the next:

        2 phases  lr * start_factor at 0, lr at w, lr * end_factor at T
        3 phases  lr * start_factor at 0, lr at w, lr * start_factor at 2 * w, lr * end_factor at T

    Arguments:
        lr: peak, the rate at step w, at least 0.
        total_steps: duration T, at least 2 steps.
        rise_steps: duration w, at least 1 step, less than T; with 3 phases less than half of it.
        phases: 2 or 3.
        shape: "cosine" or "linear".
        start_factor: rate at step 0 as a share of lr, in [0, 1].
        end_factor: rate at T as a share of lr, in [0, 1].
        after: after T the rate holds; "error" refuses later steps.

    Raises:
        ValueError: also when every duration is in steps and w does not fit into T.

    >>> schedule = OneCycle(lr=1.0, total_steps=100, rise_steps=30, shape="linear", end_factor=0.0)
    >>> schedule(0), schedule(15), schedule(30), schedule(65), schedule(100)
    (0.04, 0.52, 1.0, 0.5, 0.0)

    Source: Smith and Topin, 2018 (arXiv:1708.07120).
    """

    lr: float
    total_steps: Duration = "100%"
    rise_steps: Duration = "30%"
    phases: int = 2
    shape: str = "cosine"
    start_factor: float = 0.04
    end_factor: float = 4e-6
    after: str = "hold"

    durations: ClassVar = {"total_steps": 2, "rise_steps": 1}
    ends_at: ClassVar = "total_steps"
    policies: ClassVar = ("hold", "error")
    checks: ClassVar = {
        "lr": _checks.rate,
        "phases": partial(_checks.whole, low=2),
        "shape": partial(_checks.one_of, options=("cosine", "linear")),
        "start_factor": partial(_checks.within, low=0, high=1),
        "end_factor": partial(_checks.within, low=0, high=1),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.phases > 3:
            raise ArgumentError("phases", "must be 2 or 3", str(self.phases))
        if self.bound and int(self.rise_steps) * (self.phases - 1) >= int(self.total_steps):
            share = "half of total_steps with 3 phases" if self.phases == 3 else "total_steps"
            raise ArgumentError(
                "rise_steps",
                f"must be less than {share}",
                f"{self.rise_steps} with total_steps {self.total_steps}",
            )

    def formula(self, t: Steps) -> Rates:
        rates = np.empty(t.shape)
        for (start, low), (end, high) in pairwise(self._points()):
            inside = (t >= start) & (t <= end)
            progress: Rates = (t[inside] - start) / (end - start)
            if self.shape == "cosine":
                progress = half_cosine(progress)
                low, high = high, low
            rates[inside] = between(low, high, progress)
        return rates

    def _points(self) -> list[tuple[int, float]]:
        rise = int(self.rise_steps)
        first = self.lr * self.start_factor
        points = [(0, first), (rise, self.lr)]
        if self.phases == 3:
            points.append((2 * rise, first))
        return [*points, (int(self.total_steps), self.lr * self.end_factor)]
