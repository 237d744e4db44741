"""Rates listed beside boundaries: one between each two, or lines through points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from schedules import _checks
from schedules._shapes import half_cosine
from schedules.durations import Duration
from schedules.errors import ArgumentError
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Piecewise(Schedule):
    """Base of what lists its rates: `values`, or `factors` of `lr`, beside `boundaries`."""

    boundaries: Sequence[Duration]
    lr: float | None = None
    factors: Sequence[float] | None = None
    values: Sequence[float] | None = None

    lists: ClassVar = ("boundaries",)
    default_factors: ClassVar[tuple[float, ...]]
    needed: ClassVar = ("one more than boundaries", 1)  # values, in words and beyond boundaries

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.values is not None:
            for name in ("lr", "factors"):
                if (given := getattr(self, name)) is not None:
                    raise ArgumentError(
                        "values", f"must not be given beside {name}", f"{name} {given!r}"
                    )
            self._keep(values=self._one_each("values", self.values, _checks.rate))
            return
        if self.lr is None:
            raise ArgumentError("lr", "must be given, or values instead", "neither")
        self._keep(lr=_checks.rate("lr", self.lr))
        default = self.default_factors
        needed = len(self.boundaries) + self.needed[1]
        if self.factors is None and needed != len(default):
            raise ArgumentError(
                "factors",
                f"must be given, {needed} of them for boundaries {self.boundaries!r}: "
                f"the default {default!r} has {len(default)}",
            )
        factors = default if self.factors is None else self.factors
        share = partial(_checks.within, low=0, high=1)
        self._keep(factors=self._one_each("factors", factors, share))

    def _one_each(
        self, name: str, given: Sequence[float], check: Callable[[str, float], float]
    ) -> tuple[float, ...]:
        given = _checks.sequence(name, given)
        words, more = self.needed
        if len(given) != len(self.boundaries) + more:
            raise ArgumentError(
                name,
                f"must be {words}",
                f"{len(given)} {name} and {len(self.boundaries)} boundaries",
            )
        return tuple(check(f"{name}[{i}]", value) for i, value in enumerate(given))

    def _listed(self) -> Rates:
        if self.values is not None:
            return np.array(self.values, dtype=np.float64)
        return np.float64(self.lr) * np.array(self.factors, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class PiecewiseConstant(Piecewise):
    """One rate between each two boundaries: rate(t) = values[i], or lr * factors[i].

    i is the number of boundaries b with b <= t, or with `closed="right"` of those with b < t.
    After the last boundary the last value stays.

    Arguments:
        after, end_steps: as `Schedule` has them.
        boundaries: durations of at least 1 step, strictly increasing.
        lr: peak that the factors multiply, at least 0; not beside `values`.
        factors: one more than boundaries, each in [0, 1]; (1, 0.5, 0.1, 0.01) when neither they
            nor values are given.
        values: rates, one more than boundaries, each at least 0; instead of `lr` and `factors`.
        closed: "left": a step equal to a boundary has the new value, as in PyTorch;
            "right": it still has the old one, as in TensorFlow.

    >>> schedule = PiecewiseConstant(boundaries=(5, 10), values=(0.1, 0.05, 0.01))
    >>> schedule(4), schedule(5), schedule(10)
    (0.1, 0.05, 0.01)

    Source: `piecewise_constant` of TensorFlow 1 (closed right), `MultiStepLR` of PyTorch (left).
    """

    boundaries: Sequence[Duration] = ("30%", "60%", "90%")
    closed: str = "left"
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"boundaries": 1, "end_steps": 1}
    default_factors: ClassVar = (1.0, 0.5, 0.1, 0.01)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep(closed=_checks.one_of("closed", self.closed, ("left", "right")))

    def formula(self, t: Steps) -> Rates:
        return self._listed()[boundaries_passed(self.boundaries, t, self.closed)]


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

    def end_step(self) -> int:
        return int(self.boundaries[-1])


def boundaries_passed(
    boundaries: Sequence[Duration], t: Steps, closed: str = "left"
) -> NDArray[np.intp]:
    """How many boundaries are at or before each step; with `closed="right"` only before it."""
    return np.searchsorted(
        np.array(boundaries, dtype=np.int64), t, side="right" if closed == "left" else "left"
    )
