"""Ramps: where each begins and leads to, and what holds of every shape."""

from math import cos, pi, sqrt

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schedules import (
    Constant,
    Cosine,
    Horizon,
    PiecewiseConstant,
    Polynomial,
    ReduceOnPlateau,
    Warmup,
)

SHAPES = ["linear", "cosine", "sqrt", "exponential", "constant"]
FREE = ["linear", "cosine", "sqrt"]  # need no start
LINE = Polynomial(lr=0.1, decay_steps=50)


def trace(schedule, steps):
    return schedule(np.arange(steps))


@pytest.mark.parametrize("shape", FREE)
@pytest.mark.parametrize("ramp", [1, 2, 3, 7, 100])
def test_without_a_start_no_update_is_wasted_and_the_last_of_the_ramp_has_the_peak(shape, ramp):
    rates = trace(Warmup(schedule=LINE, steps=ramp, shape=shape), ramp + 2)
    assert rates[0] > 0
    assert rates[ramp - 1] == 0.1
    assert rates[ramp] == 0.1
    assert rates[ramp + 1] == LINE(1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("given", "first"), [({"start": 0.03}, 0.03), ({"start_factor": 0.25}, 0.025)]
)
def test_with_a_start_update_0_has_it_and_the_first_after_the_ramp_the_peak(shape, given, first):
    rates = trace(Warmup(schedule=LINE, steps=20, shape=shape, **given), 21)
    assert rates[0] == first
    assert rates[19] < 0.1
    assert rates[20] == 0.1


def test_the_five_shapes_half_way_up():
    half = {
        shape: Warmup(schedule=LINE, steps=20, shape=shape, start=0.025)(10) for shape in SHAPES
    }
    assert half == pytest.approx(
        {
            "linear": 0.0625,
            "cosine": 0.0625,
            "sqrt": 0.025 + 0.075 * sqrt(0.5),
            "exponential": 0.05,  # the geometric mean
            "constant": 0.025,
        },
        rel=1e-12,
    )


@settings(deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    peak=st.floats(0, 1.7976931348623157e308),
    factor=st.floats(0, 0.999) | st.sampled_from([1.0, 5e-324, 1e-300]),
    ramp=st.integers(1, 2000) | st.integers(2**50, 2**53),
)
@example(shape="exponential", peak=0.1, factor=1.0, ramp=97)
@example(shape="exponential", peak=1.7976931348623157e308, factor=1.0, ramp=97)
@example(shape="exponential", peak=1.0, factor=5e-324, ramp=97)
@example(shape="linear", peak=0.3, factor=0.1, ramp=2**53)
def test_every_shape_rises_from_its_start_to_the_peak_and_never_above(shape, peak, factor, ramp):
    start = peak * factor
    if shape == "exponential" and start == 0:
        start = peak
        if peak == 0:
            return
    warmup = Warmup(schedule=Constant(lr=peak), steps=ramp, shape=shape, start=start)
    t = np.unique(np.linspace(0, ramp, min(ramp + 1, 2001)).astype(np.int64))
    rates = warmup(t)
    assert np.isfinite(rates).all()
    assert rates[0] == start
    assert rates[-1] == peak
    assert (np.diff(rates) >= 0).all()
    assert rates.max() <= peak


@settings(deadline=None)
@given(shape=st.sampled_from(FREE), peak=st.floats(0, 1e308), ramp=st.integers(1, 2000))
def test_every_shape_rises_also_without_a_start(shape, peak, ramp):
    rates = trace(Warmup(schedule=Constant(lr=peak), steps=ramp, shape=shape), ramp + 1)
    assert (np.diff(rates) >= 0).all()
    assert rates[-2:].tolist() == [peak, peak]


def test_an_exponential_ramp_from_the_smallest_float():
    rates = trace(
        Warmup(schedule=Constant(lr=1.0), steps=1074, shape="exponential", start=5e-324), 1075
    )
    assert rates[0] == 5e-324
    assert rates[1074 - 10] == pytest.approx(2.0**-10, rel=1e-12)


@pytest.mark.parametrize("shape", FREE)
def test_without_a_start_the_ramp_depends_on_the_horizon_by_less_than_a_step_of_it(shape):
    warmup = Warmup(schedule=Constant(lr=0.1), fraction=0.1, shape=shape)
    short, long = warmup.bind(Horizon(1000, 100)), warmup.bind(Horizon(20_000, 2000))
    t = np.arange(100)
    assert (long(20 * t) < short(t))[:-1].all()
    assert (long(20 * t[1:]) > short(t[:-1])).all()


def test_a_start_factor_is_a_share_of_the_schedule_s_first_rate():
    piecewise = PiecewiseConstant(boundaries=[50], values=[0.4, 0.8])
    warmup = Warmup(schedule=piecewise, steps=10, start_factor=0.5)
    assert warmup(0) == 0.2
    assert warmup(5) == pytest.approx(0.3, rel=1e-12)
    assert warmup(10) == 0.4


def test_an_overlay_leads_to_the_first_rate_and_leaves_for_the_schedule():
    warmup = Warmup(schedule=LINE, steps=10, placement="overlay", shape="cosine")
    assert warmup(4) == pytest.approx(0.1 * (1 - cos(pi / 2)) / 2, rel=1e-12)
    assert warmup(9) == 0.1
    assert warmup(10) == LINE(10)


def test_the_default_is_a_linear_ramp_of_a_tenth():
    warmup = Warmup(schedule=Cosine(lr=0.1))
    assert warmup == Warmup(schedule=Cosine(lr=0.1), fraction=0.1, shape="linear")
    bound = warmup.bind(Horizon(1000, 10))
    assert bound.steps == bound(np.arange(1000)).argmax() + 1 == 100


def test_over_a_schedule_that_listens_it_leads_to_the_first_rate():
    warmup = Warmup(schedule=ReduceOnPlateau(lr=0.8, patience=1), steps=4, placement="overlay")
    memory = warmup.begin()
    for step in (1, 2):
        memory = warmup.observe(memory, step, 1.0)
    assert warmup.rates(memory, np.arange(6)).tolist() == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 0.4, 0.4], rel=1e-12
    )
