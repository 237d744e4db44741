"""Triangles up and down, one after another."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from schedules import _checks
from schedules._cycles import share_of
from schedules._shapes import between
from schedules.durations import Duration
from schedules.schedule import Rates, Schedule, Steps

_MODES = ("triangular", "triangular2", "exp_range")


@dataclass(frozen=True, kw_only=True)
class Cyclic(Schedule):
    """Cycles that rise from the floor to the peak and fall back, each in straight lines.

    Step t lies in cycle i (from 0), p steps after its start. With L `cycle_steps` and r the nearest
    whole step to rise_fraction * L (halves up, from 1 to L - 1):

        rate(t) = floor + (lr - floor) * height(t) * min(p / r, (L - p) / (L - r))

        triangular   height(t) = 1
        triangular2  height(t) = 0.5 ** i
        exp_range    height(t) = decay_rate ** (t / decay_steps)

    Arguments:
        after, end_steps: as `Schedule` has them.
        lr: peak, at least 0; with "exp_range" no cycle quite reaches it.
        floor: rate between the cycles, in [0, lr], or a share of lr ("10%"); lr / 10 when None.
        cycle_steps: duration L, at least 2 steps.
        rise_fraction: share of a cycle that rises, in (0, 1).
        mode: "triangular", "triangular2" or "exp_range".
        decay_rate: factor of the height per `decay_steps`, in (0, 1]; with "exp_range" only.
        decay_steps: duration of at least 1 step; with "exp_range" only.

    >>> cyclic = Cyclic(lr=0.1, floor=0.0, cycle_steps=20, mode="triangular2")
    >>> cyclic(0), cyclic(5), cyclic(10), cyclic(15), cyclic(20), cyclic(30)
    (0.0, 0.05, 0.1, 0.05, 0.0, 0.05)

    Source: Smith, 2017 (arXiv:1506.01186).
    """

    lr: float
    floor: float | str | None = None
    cycle_steps: Duration = "20%"
    rise_fraction: float = 0.5
    mode: str = "triangular"
    decay_rate: float = 0.1
    decay_steps: Duration = "100%"
    after: str = "continue"
    end_steps: Duration | None = None

    # decay_steps is the last, for only one mode must have it bound.
    durations: ClassVar = {"cycle_steps": 2, "end_steps": 1, "decay_steps": 1}
    checks: ClassVar = {
        "lr": _checks.rate,
        "rise_fraction": partial(_checks.within, low=0, high=1, ends="()"),
        "mode": partial(_checks.one_of, options=_MODES),
        "decay_rate": partial(_checks.within, low=0, high=1, ends="(]"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        floor = self.lr / 10 if self.floor is None else self.floor
        self._keep(floor=_checks.rate_up_to("floor", floor, self.lr))

    def formula(self, t: Steps) -> Rates:
        length = int(self.cycle_steps)
        rise = min(max(share_of(self.rise_fraction, length), 1), length - 1)
        position = t % length
        share: Rates = position / rise
        np.minimum(share, (length - position) / (length - rise), out=share)
        if self.mode == "triangular2":
            share *= 0.5 ** (t // length)
        elif self.mode == "exp_range":
            share *= self.decay_rate ** (t / int(self.decay_steps))
        return between(float(self.floor or 0), self.lr, share)

    def _unbound(self) -> tuple[str, Any] | None:
        unbound = super()._unbound()
        unused = self.mode != "exp_range" and unbound and unbound[0] == "decay_steps"
        return None if unused else unbound
