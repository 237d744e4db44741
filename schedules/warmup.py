"""Warm-up: a ramp before, or over the beginning of, any schedule."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np

from schedules import _checks
from schedules.durations import Duration, half_up, parse, steps_of
from schedules.horizon import Horizon
from schedules.schedule import Memory, Rates, Schedule, Steps

_SHAPES = ("linear",)
_PLACEMENTS = ("shift", "overlay")
_USUAL_FRACTION = 0.1  # of the run, when neither steps nor fraction is given


@dataclass(frozen=True, kw_only=True)
class Warmup(Schedule):
    """A ramp to the peak of `schedule`: rate(t) = start + (peak - start) * t / w while t < w.

    w is the ramp's length in steps and peak = schedule(0); the peak is reached at t = w. Length 0
    means no ramp.

    Placement "shift": the schedule follows the ramp and the hold, counts from there, and its
    durations are shares of what remains of the run: rate(t) = schedule(t - w - hold_steps).
    Placement "overlay": the schedule counts from 0 and its durations are shares of the whole run;
    the ramp covers its beginning: rate(t) = schedule(t) for t >= w.

    Over a schedule that listens, "shift" ignores the evaluations made before the ramp and the hold
    are over, and "overlay" counts all of them; the ramp leads to the schedule's first rate.

    Arguments:
        schedule: any schedule.
        steps: duration w of the ramp; 0 is no ramp. Either this or `fraction`.
        fraction: the same as a share of the run, in [0, 1), to the nearest step, halves up; 0.1
            when neither is given.
        start: rate at step 0, in [0, peak].
        shape: "linear".
        placement: "shift" or "overlay".
        hold_steps: duration of the peak between ramp and schedule, with "shift" only.

    Raises:
        ValueError, TypeError: an argument is out of its range; when bound, the ramp and the hold
            are not shorter than the run.

    >>> from schedules import Polynomial
    >>> horizon = Horizon(total_steps=100, steps_per_epoch=10)
    >>> shift = Warmup(schedule=Polynomial(lr=1.0), fraction=0.1).bind(horizon)
    >>> shift(0), shift(5), shift(10), shift(55)
    (0.0, 0.5, 1.0, 0.5)
    >>> overlay = Warmup(schedule=Polynomial(lr=1.0), fraction=0.1, placement="overlay")
    >>> overlay.bind(horizon)(10)
    0.9

    Source: Goyal et al., 2017 (arXiv:1706.02677) for "shift"; BERT's optimizer for "overlay".
    """

    schedule: Schedule
    steps: Duration | None = None
    fraction: float | None = None
    start: float = 0.0
    shape: str = "linear"
    placement: str = "shift"
    hold_steps: Duration = 0

    durations: ClassVar = {"steps": 0, "hold_steps": 0}

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, Schedule):
            raise TypeError(f"schedule must be a Schedule, got {self.schedule!r}")
        if self.steps is None and self.fraction is None:
            self._keep(fraction=_USUAL_FRACTION)
        if self.steps is not None and self.fraction is not None:
            raise ValueError(
                "steps must be null beside fraction (or fraction null), "
                f"got steps {self.steps!r} and fraction {self.fraction!r}"
            )
        if self.fraction is not None:
            self._keep(fraction=_checks.within("fraction", self.fraction, 0, 1, "[)"))
        super().__post_init__()
        self._keep(
            start=_checks.at_least("start", self.start, 0),
            shape=_checks.one_of("shape", self.shape, _SHAPES),
            placement=_checks.one_of("placement", self.placement, _PLACEMENTS),
        )
        if self.placement == "overlay" and parse(self.hold_steps, "hold_steps")[0] > 0:
            raise ValueError(
                f"hold_steps must be 0 with placement 'overlay', got {self.hold_steps!r}"
            )
        if self.schedule.bound:
            _checks.up_to("start", self.start, "peak", self._peak())

    def bind(self, horizon: Horizon) -> Self:
        """The same warm-up and schedule in whole steps of the run `horizon`.

        Raises:
            ValueError: the ramp and the hold are not shorter than the run, or a duration of the
                schedule (named `schedule.X`) comes to too few steps.
        """
        total = horizon.total_steps
        ramp = self._ramp_steps(horizon)
        hold = steps_of(self.hold_steps, horizon, "hold_steps")
        if ramp and ramp >= total:
            name, given = (
                ("steps", self.steps) if self.fraction is None else ("fraction", self.fraction)
            )
            came_to = "" if isinstance(given, int) else f" = {ramp} steps"
            raise ValueError(
                f"{name} must be shorter than the run of {total} steps, got {given!r}{came_to}"
            )
        if hold and ramp + hold >= total:
            raise ValueError(
                f"hold_steps must end before the run of {total} steps, "
                f"got {self.hold_steps!r} = {hold} steps after a ramp of {ramp}"
            )
        rest = horizon
        if self.placement == "shift":
            rest = Horizon(total - ramp - hold, horizon.steps_per_epoch)
        try:
            schedule = self.schedule.bind(rest)
        except ValueError as error:
            raise ValueError(f"schedule.{error}") from error
        return replace(self, schedule=schedule, steps=ramp, fraction=None, hold_steps=hold)

    @property
    def listens(self) -> bool:
        return self.schedule.listens

    @property
    def monitor(self) -> str:
        return self.schedule.monitor

    def begin(self) -> Memory:
        return self.schedule.begin()

    def observe(self, memory: Memory, step: int, value: float) -> Memory:
        _checks.whole("step", step, 0)
        self._check_bound()
        offset = self._offset
        return memory if step < offset else self.schedule.observe(memory, step - offset, value)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        ramp = int(self.steps or 0)
        offset = self._offset
        rates = self.schedule._rates(memory, np.maximum(t - offset, 0))
        if max(ramp, offset) == 0:
            return rates
        peak = self._peak()
        rates = np.where(t < offset, peak, rates)
        return np.where(t < ramp, self.start + (peak - self.start) * (t / max(ramp, 1)), rates)

    @property
    def _offset(self) -> int:
        """The steps before the schedule begins to count."""
        if self.placement == "overlay":
            return 0
        return int(self.steps or 0) + int(self.hold_steps)

    def _peak(self) -> float:
        first = np.zeros(1, dtype=np.int64)
        return float(self.schedule.rates(self.schedule.begin(), first)[0])

    def _ramp_steps(self, horizon: Horizon) -> int:
        if self.fraction is not None:
            return half_up(Fraction(repr(self.fraction)) * horizon.total_steps)
        return steps_of(self.steps or 0, horizon, "steps")

    def _unbound(self) -> tuple[str, Any] | None:
        if self.fraction is not None:
            return "fraction", self.fraction
        if (inner := self.schedule._unbound()) is not None:
            return f"schedule.{inner[0]}", inner[1]
        return super()._unbound()
