"""Warm-up, a long stay at the peak, and a short decay."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules._shapes import between, half_cosine
from schedules.durations import Duration
from schedules.errors import ArgumentError
from schedules.schedule import Rates, Schedule, Steps

_SHAPES = ("linear", "cosine", "sqrt")


@dataclass(frozen=True, kw_only=True)
class WarmupStableDecay(Schedule):
    """A ramp of w steps, the peak, and a decay over the last d steps of T.

    w is `warmup_steps`, d `decay_steps`, T `total_steps`, and p = (t - (T - d)) / d.

        t < w:       rate(t) = lr * (t + 1) / w
        t <= T - d:  rate(t) = lr
        else:        rate(t) = floor + (lr - floor) * (1 - p)                  linear
                     rate(t) = floor + (lr - floor) * (1 + cos(pi * p)) / 2    cosine
                     rate(t) = floor + (lr - floor) * (1 - sqrt(p))            sqrt

    Arguments:
        lr: peak, at least 0; the ramp counts from the first update on and reaches it at t = w - 1.
        warmup_steps: duration w; 0 is no ramp.
        decay_steps: duration d, at least 1 step; with w at most T.
        total_steps: duration T, at least 1 step.
        shape: "linear", "cosine" or "sqrt", of the decay.
        floor: rate at T, in [0, lr], or a share of lr ("10%"); the ramp may start under it.
        after: after T the rate holds; "error" refuses later steps.

    Raises:
        ValueError: also when every duration is in steps and w and d are longer than T.

    >>> schedule = WarmupStableDecay(lr=0.1, warmup_steps=10, decay_steps=20, total_steps=100)
    >>> schedule(4), schedule(9), schedule(80), schedule(90), schedule(100)
    (0.05, 0.1, 0.1, 0.05, 0.0)

    Source: Hu et al., MiniCPM, 2024 (arXiv:2404.06395); "sqrt": Hägele et al., 2024
    (arXiv:2405.18392).
    """

    lr: float
    warmup_steps: Duration = "5%"
    decay_steps: Duration = "20%"
    total_steps: Duration = "100%"
    shape: str = "linear"
    floor: float | str = 0.0
    after: str = "hold"

    durations: ClassVar = {"warmup_steps": 0, "decay_steps": 1, "total_steps": 1}
    ends_at: ClassVar = "total_steps"
    policies: ClassVar = ("hold", "error")
    checks: ClassVar = {
        "lr": _checks.rate,
        "shape": partial(_checks.one_of, options=_SHAPES),
    }
    share_of_lr: ClassVar = "floor"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bound and int(self.warmup_steps) > self._decay_start():
            raise ArgumentError(
                "warmup_steps and decay_steps",
                "must fit into total_steps",
                f"{self.warmup_steps} and {self.decay_steps} of {self.total_steps}",
            )

    def formula(self, t: Steps) -> Rates:
        progress: Rates = (t - self._decay_start()) / int(self.decay_steps)
        np.maximum(progress, 0, out=progress)
        if self.shape == "cosine":
            share = half_cosine(progress)
        elif self.shape == "sqrt":
            share = 1 - np.sqrt(progress)
        else:
            share = 1 - progress
        rates = between(float(self.floor), self.lr, share)
        ramp = int(self.warmup_steps)
        rising = t < ramp
        rates[rising] = self.lr * ((t[rising] + 1) / max(ramp, 1))
        return rates

    def _decay_start(self) -> int:
        return int(self.total_steps) - int(self.decay_steps)
