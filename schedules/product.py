"""Schedules multiplied."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from schedules.durations import Horizon
from schedules.errors import ArgumentError
from schedules.parts import Parts
from schedules.schedule import Memory, Rates, Steps


@dataclass(frozen=True, kw_only=True)
class Product(Parts):
    """Schedules multiplied: rate(t) = schedules[0](t) * schedules[1](t) * ...

    One of them gives rates; the others are shapes with lr=1.0. Each counts from 0, its durations
    are shares of the run, and each that listens hears every evaluation.

    Arguments:
        schedules: at least 1, each of any kind; those that listen monitor the same metric.

    Raises:
        ValueError, TypeError: `schedules` is no list of schedules; when called, a product is too
            large for a float.

    >>> from schedules import Constant, Polynomial
    >>> product = Product(schedules=(Polynomial(lr=0.1, decay_steps=10), Constant(lr=0.5)))
    >>> product(0), product(5), product(10)
    (0.05, 0.025, 0.0)

    Source: `ChainedScheduler` and `LambdaLR` of PyTorch.
    """

    def _bind(self, horizon: Horizon) -> Self:
        schedules = tuple(self._bind_part(horizon, name) for name in self._parts())
        return replace(self, schedules=schedules)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        rates = np.ones(t.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            for name, own in zip(self._parts(), self._memories(memory), strict=True):
                rates *= self._part_rates(own, t, name=name)
        if (bad := np.flatnonzero(~np.isfinite(rates))).size:
            step = int(t[bad[0]])
            given = f"none at step {step}"
            raise ArgumentError("schedules", "must have a finite product", given, step=step)
        return rates
