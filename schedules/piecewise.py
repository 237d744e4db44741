"""Piecewise constant learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schedules import _checks
from schedules.durations import Duration, check_increasing
from schedules.schedule import Rates, Schedule, Steps

_DEFAULT_FACTORS = (1.0, 0.5, 0.1, 0.01)


@dataclass(frozen=True, kw_only=True)
class PiecewiseConstant(Schedule):
    """One rate between each two boundaries: rate(t) = values[i], or lr * factors[i].

    i is the number of boundaries b with b <= t, or with `closed="right"` of those with b < t.
    After the last boundary the last value stays.

    Arguments:
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
    lr: float | None = None
    factors: Sequence[float] | None = None
    values: Sequence[float] | None = None
    closed: str = "left"

    durations: ClassVar = {"boundaries": 1}

    def __post_init__(self) -> None:
        boundaries = _checks.sequence("boundaries", self.boundaries)
        check_increasing(boundaries, "boundaries")
        self._keep(boundaries=tuple(b if isinstance(b, str) else int(b) for b in boundaries))
        super().__post_init__()
        self._keep(closed=_checks.one_of("closed", self.closed, ("left", "right")))
        if self.values is not None:
            self._check_values(self.values)
        else:
            self._check_factors()

    def _check_values(self, values: Sequence[float]) -> None:
        for name in ("lr", "factors"):
            if (given := getattr(self, name)) is not None:
                raise ValueError(f"values must not be given beside {name}, got {name} {given!r}")
        values = _checks.sequence("values", values)
        self._check_length("values", values)
        self._keep(
            values=tuple(_checks.at_least(f"values[{i}]", v, 0) for i, v in enumerate(values))
        )

    def _check_factors(self) -> None:
        if self.lr is None:
            raise ValueError("lr must be given, or values instead, got neither")
        self._keep(lr=_checks.at_least("lr", self.lr, 0))
        needed = len(self.boundaries) + 1
        if self.factors is None and needed != len(_DEFAULT_FACTORS):
            raise ValueError(
                f"factors must be given, {needed} of them for boundaries {self.boundaries!r}: "
                f"the default {_DEFAULT_FACTORS!r} has {len(_DEFAULT_FACTORS)}"
            )
        factors = _checks.sequence(
            "factors", _DEFAULT_FACTORS if self.factors is None else self.factors
        )
        self._check_length("factors", factors)
        self._keep(
            factors=tuple(_checks.within(f"factors[{i}]", f, 0, 1) for i, f in enumerate(factors))
        )

    def _check_length(self, name: str, given: Sequence[float]) -> None:
        if len(given) != len(self.boundaries) + 1:
            raise ValueError(
                f"{name} must be one more than boundaries, "
                f"got {len(given)} {name} and {len(self.boundaries)} boundaries"
            )

    def formula(self, t: Steps) -> Rates:
        if self.values is not None:
            values = np.array(self.values)
        else:
            values = np.float64(self.lr) * np.array(self.factors)
        boundaries = np.array(self.boundaries, dtype=np.int64)
        piece = np.searchsorted(boundaries, t, side="right" if self.closed == "left" else "left")
        return values[piece]
