"""Cosine decay with restarts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from schedules import _checks
from schedules._cycles import EqualCycles, ListedCycles, cut, growing, share_of
from schedules._shapes import between, half_cosine
from schedules.durations import MAX_STEPS, Duration, listed, parse
from schedules.errors import ArgumentError
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class CosineRestarts(Schedule):
    """Cosine falls one after another, each from its own peak, each with its own ramp if wanted.

    Step t lies in cycle i (from 0), p steps after its start. With L the cycle's length, w the
    nearest whole step to warmup_fraction * L, peak_i = max(lr * peak_multiplier ** i, floor) and
    start_i = min(warmup_start, peak_i):

        p < w:  rate = start_i + (peak_i - start_i) * p / w
        else:   rate = floor + (peak_i - floor) * (1 + cos(pi * (p - w) / (L - w))) / 2

    The cycles are either `cycle_steps` long, each `cycle_multiplier` times as long as the one
    before (to the nearest whole step, halves up), and end after `cycle_limit` of them or never; or
    they are cut by `boundaries` and end at `total_steps`.

    Arguments:
        lr: peak of the first cycle, at least 0.
        floor: rate at the end of a cycle, in [0, lr], or a share of lr ("10%").
        cycle_steps: duration of the first cycle, at least 1 step; "25%" without boundaries.
        cycle_multiplier: 1, or in [1.001, 1000000]; it need not be whole.
        peak_multiplier: factor from one peak to the next, in (0, 1]. (TensorFlow multiplies the
            height above the floor instead.)
        warmup_fraction: share of each cycle that is a linear ramp, in [0, 1).
        warmup_start: rate at the start of a ramp, in [0, lr]; it may be under the floor.
        boundaries: durations at which a new cycle begins, at least 1 step, strictly increasing;
            n of them make n + 1 cycles. Instead of cycle_steps and cycle_multiplier.
        total_steps: duration at which the last cycle ends; "100%" with boundaries, else none.
        cycle_limit: number of cycles, at least 1; None: without an end. Not with boundaries.
        after: after the last cycle the rate holds at the floor; "error" refuses later steps. Cycles
            without an end go on whatever it says.

    Raises:
        ValueError, TypeError: an argument is out of its range, or belongs to the other form.

    >>> schedule = CosineRestarts(lr=0.1, cycle_steps=10, cycle_multiplier=2, peak_multiplier=0.5)
    >>> [round(schedule(t), 9) for t in (0, 5, 10, 20, 30)]
    [0.1, 0.05, 0.05, 0.025, 0.025]

    Source: Loshchilov and Hutter, SGDR, 2017 (arXiv:1608.03983).
    """

    lr: float
    floor: float | str = 0.0
    cycle_steps: Duration | None = None
    cycle_multiplier: float = 1
    peak_multiplier: float = 1.0
    warmup_fraction: float = 0.0
    warmup_start: float = 0.0
    boundaries: Sequence[Duration] | None = None
    total_steps: Duration | None = None
    cycle_limit: int | None = None
    after: str = "hold"

    durations: ClassVar = {"cycle_steps": 1, "boundaries": 1, "total_steps": 1}
    lists: ClassVar = ("boundaries",)
    policies: ClassVar = ("hold", "error")

    def __post_init__(self) -> None:
        self._keep(
            lr=_checks.at_least("lr", self.lr, 0),
            cycle_multiplier=_checked_multiplier(self.cycle_multiplier),
            peak_multiplier=_checks.within("peak_multiplier", self.peak_multiplier, 0, 1, "(]"),
            warmup_fraction=_checks.within("warmup_fraction", self.warmup_fraction, 0, 1, "[)"),
        )
        self._keep(
            floor=_checks.rate_up_to("floor", self.floor, self.lr),
            warmup_start=_checks.up_to("warmup_start", self.warmup_start, "lr", self.lr),
        )
        if self.boundaries is None:
            self._check_cycles()
        else:
            self._check_boundaries(self.boundaries)
        super().__post_init__()
        if self.bound:
            self._check_shortest_cycle()

    def _check_cycles(self) -> None:
        _checks.null("total_steps", self.total_steps, "without boundaries")
        if self.cycle_steps is None:
            self._keep(cycle_steps="25%")
        if self.cycle_limit is not None:
            self._keep(cycle_limit=_checks.whole("cycle_limit", self.cycle_limit, 1))

    def _check_boundaries(self, given: Sequence[Duration]) -> None:
        _checks.null("cycle_steps", self.cycle_steps, "beside boundaries")
        if self.cycle_multiplier != 1:
            raise ArgumentError(
                "cycle_multiplier", "must be 1 beside boundaries", repr(self.cycle_multiplier)
            )
        _checks.null("cycle_limit", self.cycle_limit, "beside boundaries")
        boundaries = listed(given)
        self._keep(boundaries=boundaries)
        if self.total_steps is None:
            self._keep(total_steps="100%")
        end, end_unit = parse(self.total_steps, "total_steps", 1)
        for i, boundary in enumerate(boundaries):
            amount, unit = parse(boundary, "boundaries")
            if unit == end_unit and amount >= end:
                raise ArgumentError(
                    f"boundaries[{i}]",
                    "must lie before total_steps",
                    f"{boundary!r} with total_steps {self.total_steps!r}",
                )

    def _check_shortest_cycle(self) -> None:
        if self.boundaries is None:
            shortest = int(self.cycle_steps or 0)
        else:
            pieces = cut([int(b) for b in self.boundaries], int(self.total_steps or 0))
            shortest = min(length for _, length in pieces)
        if (ramp := share_of(self.warmup_fraction, shortest)) >= shortest:
            raise ArgumentError(
                "warmup_fraction",
                "must leave at least 1 step of each cycle",
                f"{self.warmup_fraction!r} = {ramp} of {shortest}",
            )

    def formula(self, t: Steps) -> Rates:
        cycles = _cycles(self)
        cycle, since_peak = cycles.locate(t)
        rising = since_peak < 0 if self.warmup_fraction else None
        progress = since_peak / cycles.fall(cycle)
        del since_peak  # a long trace's arrays are large
        share = half_cosine(progress)
        del progress
        peak = self._peak(cycle)
        del cycle
        rates = between(float(self.floor), peak, share)
        if rising is not None:
            rates[rising] = self._rise(t[rising])
        return rates

    def _rise(self, t: Steps) -> Rates:
        cycles = _cycles(self)
        cycle, since_peak = cycles.locate(t)
        ramp, peak = cycles.ramp(cycle), self._peak(cycle)
        return between(np.minimum(self.warmup_start, peak), peak, (since_peak + ramp) / ramp)

    def _peak(self, cycle: Steps) -> Any:
        if self.peak_multiplier == 1:
            return self.lr
        peak = self.peak_multiplier**cycle
        peak *= self.lr
        return np.maximum(peak, float(self.floor), out=peak)

    def end_step(self) -> int | None:
        return _cycles(self).end


@lru_cache(maxsize=64)
def _cycles(schedule: CosineRestarts) -> EqualCycles | ListedCycles:
    """Of a bound schedule."""
    fraction, limit = schedule.warmup_fraction, schedule.cycle_limit
    if schedule.boundaries is not None:
        pieces = cut([int(b) for b in schedule.boundaries], int(schedule.total_steps or 0))
        return ListedCycles(list(pieces), fraction, limited=True)
    first = int(schedule.cycle_steps or 0)
    if schedule.cycle_multiplier == 1:
        return EqualCycles(first, fraction, limit)
    some = islice(growing(first, schedule.cycle_multiplier), min(limit or MAX_STEPS, MAX_STEPS))
    return ListedCycles(list(some), fraction, limited=limit is not None)


def _checked_multiplier(value: Any) -> float:
    multiplier = _checks.number("cycle_multiplier", value)
    if multiplier != 1 and not 1.001 <= multiplier <= 1e6:
        raise ArgumentError("cycle_multiplier", "must be 1 or lie in [1.001, 1000000]", repr(value))
    return int(multiplier) if multiplier.is_integer() else multiplier
