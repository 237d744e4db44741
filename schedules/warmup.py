"""Warm-up: a ramp before, or over the beginning of, any schedule."""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from schedules import _checks
from schedules.durations import Duration, Horizon, half_up, parse, steps_of
from schedules.errors import ArgumentError
from schedules.parts import Wrapper
from schedules.schedule import Memory, Rates, Steps

_SHAPES = ("linear", "cosine", "exponential", "sqrt", "constant")
_PLACEMENTS = ("shift", "overlay")
USUAL_FRACTION = 0.1  # of the run, when neither steps nor fraction is given


@dataclass(frozen=True, kw_only=True)
class Warmup(Wrapper):
    """A ramp of w steps to the first rate of `schedule`, which is the peak of one that decays.

    With `start` or `start_factor` update 0 uses that rate, and the first rate is reached at t = w:
    x = t / w. With neither, the ramp counts from the first update on, so that none is wasted at
    rate 0, and the first rate is reached at t = w - 1: start = 0 and x = (t + 1) / w. While t < w,
    with `first` the schedule's first rate:

        linear       rate(t) = start + (first - start) * x
        cosine       rate(t) = start + (first - start) * (1 - cos(pi * x)) / 2
        sqrt         rate(t) = start + (first - start) * sqrt(x)
        exponential  rate(t) = start ** (1 - x) * first ** x
        constant     rate(t) = start

    A schedule that rises by itself, such as `OneCycle`, needs no ramp: this one leads no higher
    than to where it begins.

    Length 0 means no ramp. Placement "shift": the schedule follows the ramp and the hold, counts
    from there, and its durations are shares of what remains of the run: rate(t) =
    schedule(t - w - hold_steps). Placement "overlay": the schedule counts from 0 and its durations
    are shares of the whole run; the ramp covers its beginning: rate(t) = schedule(t) for t >= w.

    Over a schedule that listens, "shift" ignores the evaluations made up to the end of the ramp and
    the hold, the one at their very end too, for it judges what the ramp did; "overlay" counts all.
    The ramp leads to the rate before the first evaluation.

    Arguments:
        schedule: any schedule.
        steps: duration w of the ramp; 0 is no ramp. Either this or `fraction`.
        fraction: the same as a share of the run, in [0, 1), to the nearest step, halves up; 0.1
            when neither is given.
        start: rate at step 0, in [0, first rate]; 0 wastes the first update, as BERT does.
        start_factor: the same as a share of the first rate, in [0, 1]; not beside `start`.
        shape: "linear", "cosine", "sqrt", or "exponential" (from a start above 0) and "constant",
            which need `start` or `start_factor`.
        placement: "shift" or "overlay".
        hold_steps: duration of the first rate between ramp and schedule, with "shift" only.

    Raises:
        ValueError: also when bound, where the ramp and the hold are not shorter than the run.

    >>> from schedules import Polynomial
    >>> horizon = Horizon(total_steps=100, steps_per_epoch=10)
    >>> shift = Warmup(schedule=Polynomial(lr=1.0), fraction=0.1).bind(horizon)
    >>> shift(0), shift(4), shift(9), shift(10), shift(55)
    (0.1, 0.5, 1.0, 1.0, 0.5)
    >>> bert = Warmup(schedule=Polynomial(lr=1.0), steps=10, start=0.0, placement="overlay")
    >>> bert = bert.bind(horizon)
    >>> bert(0), bert(5), bert(10)
    (0.0, 0.5, 0.9)

    Source: Goyal et al., 2017 (arXiv:1706.02677) for "shift"; BERT's optimizer for "overlay".
    """

    steps: Duration | None = None
    fraction: float | None = None
    start: float | None = None
    start_factor: float | None = None
    shape: str = "linear"
    placement: str = "shift"
    hold_steps: Duration = 0

    durations: ClassVar = {"steps": 0, "hold_steps": 0}
    checks: ClassVar = {
        "shape": partial(_checks.one_of, options=_SHAPES),
        "placement": partial(_checks.one_of, options=_PLACEMENTS),
    }

    def __post_init__(self) -> None:
        if self.steps is None and self.fraction is None:
            self._keep(fraction=USUAL_FRACTION)
        self._check_not_both("steps", "fraction")
        if self.fraction is not None:
            self._keep(fraction=_checks.within("fraction", self.fraction, 0, 1, "[)"))
        super().__post_init__()
        self._check_start()
        if self.placement == "overlay" and parse(self.hold_steps, "hold_steps")[0] > 0:
            raise ArgumentError(
                "hold_steps", "must be 0 with placement 'overlay'", repr(self.hold_steps)
            )

    def _check_not_both(self, name: str, other: str) -> None:
        value, beside = getattr(self, name), getattr(self, other)
        if value is not None and beside is not None:
            must = f"must be null beside {other} (or {other} null)"
            raise ArgumentError(name, must, f"{name} {value!r} and {other} {beside!r}")

    def _check_start(self) -> None:
        self._check_not_both("start", "start_factor")
        given = "start_factor" if self.start_factor is not None else "start"
        lowest = _checks.above if self.shape == "exponential" else _checks.at_least
        if (value := getattr(self, given)) is not None:
            self._keep(**{given: lowest(given, value, 0)})
        elif self.shape in ("exponential", "constant"):
            raise ArgumentError(
                "start or start_factor", f"must be given with shape {self.shape!r}", "neither"
            )
        if self.start_factor is not None:
            _checks.within("start_factor", self.start_factor, 0, 1)
        if self.start is not None and self.schedule.bound:
            _checks.up_to("start", self.start, "first rate", self._first())

    def _bind(self, horizon: Horizon) -> Self:
        total = horizon.total_steps
        name = "steps" if self.fraction is None else "fraction"
        given = getattr(self, name)
        if self.fraction is None:
            ramp = steps_of(given, horizon, name)
        else:
            ramp = half_up(Fraction(repr(given)) * total)
        hold = steps_of(self.hold_steps, horizon, "hold_steps")
        if ramp and ramp >= total:
            came_to = "" if isinstance(given, int) else f" = {ramp} steps"
            raise ArgumentError(
                name, f"must be shorter than the run of {total} steps", f"{given!r}{came_to}"
            )
        if hold and ramp + hold >= total:
            raise ArgumentError(
                "hold_steps",
                f"must end before the run of {total} steps",
                f"{self.hold_steps!r} = {hold} steps after a ramp of {ramp}",
            )
        rest = horizon if self.placement == "overlay" else horizon.of(total - ramp - hold)
        schedule = self._bind_part(rest)
        return replace(self, schedule=schedule, steps=ramp, fraction=None, hold_steps=hold)

    def observe(self, memory: Memory, step: int, value: float) -> Memory:
        _checks.whole("step", step, 0)
        self._check_bound()
        offset = self._offset
        if offset > 0 and step <= offset:
            return memory
        return self.schedule.observe(memory, step - offset, value)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        ramp = int(self.steps or 0)
        offset = self._offset
        rates = self._part_rates(memory, np.maximum(t - offset, 0), offset > 0)
        if max(ramp, offset) == 0:
            return rates
        first = self._first()
        rates = np.where(t < offset, first, rates)
        rising = t < ramp
        rates[rising] = self._ramp(t[rising], ramp, first)
        return rates

    def _ramp(self, t: Steps, length: int, first: float) -> Rates:
        """The rates of steps `t` of the ramp, each less than `length`."""
        start = self.start
        if self.start_factor is not None:
            start = self.start_factor * first
        if start is None:
            start, t = 0.0, t + 1
        x = t / length
        if self.shape == "constant":
            return np.full(t.shape, start)
        if self.shape == "exponential":
            with np.errstate(over="ignore"):  # by rounding, next to the largest float
                return np.clip(start ** (1 - x) * first**x, start, first)
        if self.shape == "cosine":
            x = (1 - np.cos(np.pi * x)) / 2
        elif self.shape == "sqrt":
            x = np.sqrt(x)
        return start + (first - start) * x

    @property
    def _offset(self) -> int:
        """The steps before the schedule begins to count."""
        if self.placement == "overlay":
            return 0
        return int(self.steps or 0) + int(self.hold_steps)

    def _first(self) -> float:
        """The schedule's first rate."""
        step = np.zeros(1, dtype=np.int64)
        return float(self._part_rates(self.schedule.begin(), step, own_steps=True)[0])

    def _unbound(self) -> tuple[str, Any] | None:
        if self.fraction is not None:
            return "fraction", self.fraction
        return super()._unbound()
