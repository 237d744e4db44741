"""Cosine decay with restarts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from schedules import _checks
from schedules.cosine import half_cosine
from schedules.durations import Duration, check_increasing, parse
from schedules.horizon import MAX_STEPS
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
    before (to the nearest whole step, halves up) and without an end; or cut by `boundaries`, and
    after `total_steps` the rate stays at `floor`.

    Arguments:
        lr: peak of the first cycle, at least 0.
        floor: rate at the end of a cycle, in [0, lr].
        cycle_steps: duration of the first cycle, at least 1 step; "25%" without boundaries.
        cycle_multiplier: 1, or in [1.001, 1000000]; it need not be whole.
        peak_multiplier: factor from one peak to the next, in (0, 1].
        warmup_fraction: share of each cycle that is a linear ramp, in [0, 1).
        warmup_start: rate at the start of a ramp, in [0, lr]; it may be under the floor.
        boundaries: durations at which a new cycle begins, at least 1 step, strictly increasing;
            n of them make n + 1 cycles. Instead of cycle_steps and cycle_multiplier.
        total_steps: duration at which the last cycle ends; "100%" with boundaries, else none.

    Raises:
        ValueError, TypeError: an argument is out of its range, or belongs to the other form.

    >>> schedule = CosineRestarts(lr=0.1, cycle_steps=10, cycle_multiplier=2, peak_multiplier=0.5)
    >>> [round(schedule(t), 9) for t in (0, 5, 10, 20, 30)]
    [0.1, 0.05, 0.05, 0.025, 0.025]

    Source: Loshchilov and Hutter, SGDR, 2017 (arXiv:1608.03983).
    """

    lr: float
    floor: float = 0.0
    cycle_steps: Duration | None = None
    cycle_multiplier: float = 1
    peak_multiplier: float = 1.0
    warmup_fraction: float = 0.0
    warmup_start: float = 0.0
    boundaries: Sequence[Duration] | None = None
    total_steps: Duration | None = None

    durations: ClassVar = {"cycle_steps": 1, "boundaries": 1, "total_steps": 1}

    def __post_init__(self) -> None:
        self._keep(
            lr=_checks.at_least("lr", self.lr, 0),
            cycle_multiplier=_checked_multiplier(self.cycle_multiplier),
            peak_multiplier=_checks.within("peak_multiplier", self.peak_multiplier, 0, 1, "(]"),
            warmup_fraction=_checks.within("warmup_fraction", self.warmup_fraction, 0, 1, "[)"),
        )
        self._keep(
            floor=_checks.up_to("floor", self.floor, "lr", self.lr),
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
        if self.total_steps is not None:
            raise ValueError(
                f"total_steps must be null without boundaries, got {self.total_steps!r}"
            )
        if self.cycle_steps is None:
            self._keep(cycle_steps="25%")

    def _check_boundaries(self, given: Sequence[Duration]) -> None:
        if self.cycle_steps is not None:
            raise ValueError(
                f"cycle_steps must be null beside boundaries, got {self.cycle_steps!r}"
            )
        if self.cycle_multiplier != 1:
            raise ValueError(
                f"cycle_multiplier must be 1 beside boundaries, got {self.cycle_multiplier!r}"
            )
        boundaries = _checks.sequence("boundaries", given)
        check_increasing(boundaries, "boundaries")
        self._keep(boundaries=tuple(b if isinstance(b, str) else int(b) for b in boundaries))
        if self.total_steps is None:
            self._keep(total_steps="100%")
        end, end_unit = parse(self.total_steps, "total_steps", 1)
        for i, boundary in enumerate(boundaries):
            amount, unit = parse(boundary, "boundaries")
            if unit == end_unit and amount >= end:
                raise ValueError(
                    f"boundaries[{i}] must lie before total_steps, "
                    f"got {boundary!r} with total_steps {self.total_steps!r}"
                )

    def _check_shortest_cycle(self) -> None:
        if self.boundaries is None:
            shortest = int(self.cycle_steps or 0)
        else:
            shortest = min(length for _, length in self._pieces())
        if (ramp := _ramp(self.warmup_fraction, shortest)) >= shortest:
            raise ValueError(
                "warmup_fraction must leave at least 1 step of each cycle, "
                f"got {self.warmup_fraction!r} = {ramp} of {shortest}"
            )

    def formula(self, t: Steps) -> Rates:
        cycle, position, length, ramp = self._locate(t)
        peak: Any = self.lr
        if self.peak_multiplier != 1:
            peak = np.maximum(self.lr * self.peak_multiplier**cycle, self.floor)
        fall = half_cosine((position - ramp) / (length - ramp))
        rates: Rates = self.floor + (peak - self.floor) * fall
        if self.warmup_fraction:
            start = np.minimum(self.warmup_start, peak)
            rise = start + (peak - start) * (position / np.maximum(ramp, 1))
            rates = np.where(position < ramp, rise, rates)
        return rates

    def _locate(self, t: Steps) -> tuple[Any, Any, Any, Any]:
        """Of each step: its cycle, its position there, that cycle's length and its ramp's."""
        if self.boundaries is None and self.cycle_multiplier == 1:
            length = int(self.cycle_steps or 0)
            cycle = t // length
            return cycle, t - cycle * length, length, _ramp(self.warmup_fraction, length)
        starts, lengths, ramps = _table(self)
        if self.boundaries is not None:
            t = np.minimum(t, starts[-1] + int(lengths[-1]))
        cycle = np.searchsorted(starts, t, side="right") - 1
        return cycle, t - starts[cycle], lengths[cycle], ramps[cycle]

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Start and length of each cycle, as far as steps are counted."""
        if self.boundaries is not None:
            edges = [0, *map(int, self.boundaries), int(self.total_steps or 0)]
            yield from ((a, b - a) for a, b in pairwise(edges))
            return
        # 100 digits keep the product exact for as long as it can end in a half.
        context, start = Context(prec=100), 0
        length, factor = Decimal(self.cycle_steps or 0), Decimal(repr(self.cycle_multiplier))
        while start <= MAX_STEPS:
            whole = int((length + Decimal("0.5")).to_integral_value(ROUND_FLOOR))
            yield start, whole
            start += whole
            length = context.multiply(length, factor)


@lru_cache(maxsize=64)
def _table(schedule: CosineRestarts) -> tuple[Steps, Rates, Rates]:
    starts, lengths = zip(*schedule._pieces(), strict=True)
    ramps = [_ramp(schedule.warmup_fraction, length) for length in lengths]
    # Lengths past 2**53 exist only in the last entry, which no step reaches the end of.
    return np.array(starts), np.array(lengths, dtype=float), np.array(ramps, dtype=float)


@lru_cache(maxsize=64)
def _ratio(fraction: float) -> tuple[int, int]:
    return Fraction(repr(fraction)).as_integer_ratio()


def _ramp(fraction: float, length: int) -> int:
    part, whole = _ratio(fraction)
    return (2 * part * length + whole) // (2 * whole)  # to the nearest, halves up


def _checked_multiplier(value: Any) -> float:
    multiplier = _checks.number("cycle_multiplier", value)
    if multiplier != 1 and not 1.001 <= multiplier <= 1e6:
        raise ValueError(f"cycle_multiplier must be 1 or lie in [1.001, 1000000], got {value!r}")
    return int(multiplier) if multiplier.is_integer() else multiplier
