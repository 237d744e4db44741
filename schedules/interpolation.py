"""Rates that go through given points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules._shapes import half_cosine
from schedules.durations import Duration
from schedules.errors import ArgumentError
from schedules.piecewise import Piecewise, boundaries_passed
from schedules.schedule import Rates, Steps


@dataclass(frozen=True, kw_only=True)
class PiecewiseInterpolation(Piecewise):
    """Through the points (b[i], v[i]): rate(t) = v[i] + (v[i+1] - v[i]) * s(x).

    b are the `boundaries`, v the `values` or lr * `factors`, b[i] <= t < b[i+1], and
    x = (t - b[i]) / (b[i+1] - b[i]). With shape "linear" s(x) = x, with "cosine"
    s(x) = (1 - cos(pi * x)) / 2. Before the first point its value holds. Each value is exact at its
    point, and no rate lies outside its two neighbours. With `values` it serves for a momentum too.

    Arguments:
        boundaries: durations of at least 0 steps, strictly increasing, at least 2 of them.
        lr: peak that the factors multiply, at least 0; not beside `values`.
        factors: as many as boundaries, each in [0, 1]; (0.1, 1, 0) when neither they nor values
            are given.
        values: rates, as many as boundaries, each at least 0; instead of `lr` and `factors`.
        shape: "linear" or "cosine".
        after: after the last point its value holds; "error" refuses later steps. The formula gives
            no rates beyond it.

    Raises:
        ValueError, TypeError: an argument is out of its range, of the wrong length or missing.

    >>> triangle = PiecewiseInterpolation(boundaries=(0, 5, 15), values=(0.1, 0.5, 0.1))
    >>> triangle(0), triangle(5), triangle(10), triangle(99)
    (0.1, 0.5, 0.3, 0.1)

    Source: `piecewise_interpolate_schedule` of optax, with absolute points.
    """

    boundaries: Sequence[Duration] = ("0%", "30%", "100%")
    shape: str = "linear"
    after: str = "hold"

    durations: ClassVar = {"boundaries": 0}
    policies: ClassVar = ("hold", "error")
    default_factors: ClassVar = (0.1, 1.0, 0.0)
    needed: ClassVar = ("as many as boundaries", 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.boundaries) < 2:
            raise ArgumentError("boundaries", "must be at least 2 points", repr(self.boundaries))
        _checks.one_of("shape", self.shape, ("linear", "cosine"))

    def formula(self, t: Steps) -> Rates:
        points = np.array(self.boundaries, dtype=np.int64)
        values = self._listed()
        t = np.maximum(t, points[0])
        i = boundaries_passed(self.boundaries, t) - 1
        # The last point begins a flat piece of its own, so that its value is exact.
        share = (t - points[i]) / np.append(np.diff(points), 1)[i]
        if self.shape == "cosine":
            share = 1 - half_cosine(share)
        next_values = np.append(values[1:], values[-1])
        rates: Rates = (next_values - values)[i]
        rates *= share
        rates += values[i]
        np.maximum(rates, np.minimum(values, next_values)[i], out=rates)
        np.minimum(rates, np.maximum(values, next_values)[i], out=rates)
        return rates

    def _end_step(self) -> int:
        return int(self.boundaries[-1])
