"""Piecewise constant learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from schedules import _checks
from schedules.durations import Duration
from schedules.errors import ArgumentError
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Piecewise(Schedule):
    """Base of what lists its rates: `values`, or `factors` of `lr`, beside `boundaries`.

    Raises:
        ValueError, TypeError: an argument is out of its range, of the wrong length or missing.
    """

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
            self._check_values(self.values)
        else:
            self._check_factors()

    def _check_values(self, values: Sequence[float]) -> None:
        for name in ("lr", "factors"):
            if (given := getattr(self, name)) is not None:
                raise ArgumentError(
                    "values", f"must not be given beside {name}", f"{name} {given!r}"
                )
        values = _checks.sequence("values", values)
        self._check_length("values", values)
        self._keep(
            values=tuple(_checks.at_least(f"values[{i}]", v, 0) for i, v in enumerate(values))
        )

    def _check_factors(self) -> None:
        if self.lr is None:
            raise ArgumentError("lr", "must be given, or values instead", "neither")
        self._keep(lr=_checks.at_least("lr", self.lr, 0))
        default = self.default_factors
        needed = len(self.boundaries) + self.needed[1]
        if self.factors is None and needed != len(default):
            raise ArgumentError(
                "factors",
                f"must be given, {needed} of them for boundaries {self.boundaries!r}: "
                f"the default {default!r} has {len(default)}",
            )
        factors = _checks.sequence("factors", default if self.factors is None else self.factors)
        self._check_length("factors", factors)
        self._keep(
            factors=tuple(_checks.within(f"factors[{i}]", f, 0, 1) for i, f in enumerate(factors))
        )

    def _check_length(self, name: str, given: Sequence[float]) -> None:
        words, more = self.needed
        if len(given) != len(self.boundaries) + more:
            raise ArgumentError(
                name,
                f"must be {words}",
                f"{len(given)} {name} and {len(self.boundaries)} boundaries",
            )

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

    Raises:
        ValueError, TypeError: an argument is out of its range, of the wrong length or missing.

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


def boundaries_passed(
    boundaries: Sequence[Duration], t: Steps, closed: str = "left"
) -> NDArray[np.intp]:
    """How many boundaries are at or before each step; with `closed="right"` only before it."""
    return np.searchsorted(
        np.array(boundaries, dtype=np.int64), t, side="right" if closed == "left" else "left"
    )
