"""Rates worked out by hand, family by family; the articles' numbers among them."""

from math import cos, pi, sqrt

import numpy as np
import pytest

from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    Horizon,
    PiecewiseConstant,
    Polynomial,
    Warmup,
)

H100 = Horizon(total_steps=100, steps_per_epoch=10)
LINE = Polynomial(lr=1.0)
HALF = sqrt(0.5)

TABLE = {
    "constant": (Constant(lr=0.2), {0: 0.2, 1: 0.2, 10**9: 0.2}),
    "a stair each 16 updates": (
        Exponential(lr=0.01, decay_rate=0.96, decay_steps=16, staircase=True),
        {0: 0.01, 15: 0.01, 16: 0.0096, 31: 0.0096, 32: 0.009216, 47: 0.009216, 48: 0.00884736},
    ),
    "smooth exponential": (
        Exponential(lr=0.01, decay_rate=0.25, decay_steps=16),
        {0: 0.01, 8: 0.005, 16: 0.0025, 24: 0.00125, 32: 0.000625},
    ),
    "exponential per epoch with a floor": (
        Exponential(lr=1e-3, decay_rate=0.9, decay_steps="1ep", staircase=True, floor=1e-6),
        {0: 1e-3, 9: 1e-3, 10: 9e-4, 20: 8.1e-4, 30: 7.29e-4, 660: 1e-6, 10**6: 1e-6},
    ),
    "0.1 * 0.99 ** t": (
        Exponential(lr=0.1, decay_rate=0.99, decay_steps=1),
        {0: 0.1, 1: 0.099, 2: 0.09801, 3: 0.0970299},
    ),
    "a rate that never decays": (Exponential(lr=0.1, decay_rate=1, decay_steps=3), {7: 0.1}),
    "linear to 0": (LINE, {0: 1.0, 25: 0.75, 99: 0.01, 100: 0.0, 101: 0.0}),
    "square to an end": (
        Polynomial(lr=0.1, end=0.02, power=2.0, decay_steps=10),
        {0: 0.1, 5: 0.04, 8: 0.0232, 10: 0.02, 11: 0.02},
    ),
    "square root": (Polynomial(lr=0.1, power=0.5, decay_steps=4), {0: 0.1, 3: 0.05, 4: 0.0}),
    "polynomial in cycles": (
        Polynomial(lr=0.1, end=0.02, decay_steps=10, cycle=True),
        # Up to the second multiple of 10 the formula has T = 20, then 30: 0.08 * 9/20 + 0.02.
        {0: 0.1, 5: 0.06, 9: 0.028, 10: 0.02, 11: 0.056, 20: 0.02, 21: 0.044, 30: 0.02},
    ),
    "piecewise by TensorFlow's rule": (
        PiecewiseConstant(boundaries=[5, 10, 15], values=[0.1, 0.05, 0.01, 0.001], closed="right"),
        {0: 0.1, 4: 0.1, 5: 0.1, 6: 0.05, 10: 0.05, 11: 0.01, 15: 0.01, 16: 0.001, 99: 0.001},
    ),
    "piecewise by PyTorch's rule": (
        PiecewiseConstant(boundaries=[5, 10, 15], values=[0.1, 0.05, 0.01, 0.001]),
        {0: 0.1, 4: 0.1, 5: 0.05, 9: 0.05, 10: 0.01, 14: 0.01, 15: 0.001, 16: 0.001},
    ),
    "the long piecewise": (
        PiecewiseConstant(boundaries=[2000, 6000], values=[0.1, 0.05, 0.01], closed="right"),
        {2000: 0.1, 2001: 0.05, 6000: 0.05, 6001: 0.01},
    ),
    "default factors": (
        PiecewiseConstant(lr=0.2),
        {29: 0.2, 30: 0.1, 59: 0.1, 60: 0.02, 89: 0.02, 90: 0.002, 200: 0.002},
    ),
    "factors of one's own": (
        PiecewiseConstant(lr=0.2, boundaries=["1ep", "50%"], factors=[0.5, 1, 0]),
        {9: 0.1, 10: 0.2, 49: 0.2, 50: 0.0},
    ),
    "no boundary": (PiecewiseConstant(boundaries=[], values=[0.3]), {0: 0.3, 9: 0.3}),
    "cosine": (
        Cosine(lr=0.1, decay_steps=12),
        {0: 0.1, 3: 0.05 * (1 + HALF), 4: 0.075, 6: 0.05, 8: 0.025, 12: 0.0, 13: 0.0},
    ),
    "cosine to a floor": (
        Cosine(lr=0.1, floor=0.02),
        {0: 0.1, 25: 0.06 + 0.04 * HALF, 50: 0.06, 75: 0.06 - 0.04 * HALF, 100: 0.02, 10**9: 0.02},
    ),
    "equal cycles": (
        CosineRestarts(lr=0.1, floor=0.02),
        {0: 0.1, 24: 0.06 + 0.04 * cos(24 * pi / 25), 25: 0.1, 50: 0.1, 10**9: 0.1},
    ),
    "growing cycles, lower peaks": (
        CosineRestarts(lr=0.8, cycle_steps=10, cycle_multiplier=2, peak_multiplier=0.5),
        {0: 0.8, 5: 0.4, 10: 0.4, 20: 0.2, 30: 0.2, 50: 0.1, 70: 0.1, 110: 0.05, 150: 0.05},
    ),
    "cycles that grow by a half: 10, 15, 23 (22.5), 34 (33.75)": (
        CosineRestarts(lr=0.1, cycle_steps=10, cycle_multiplier=1.5),
        {
            9: 0.05 + 0.05 * cos(9 * pi / 10),
            10: 0.1,
            24: 0.05 + 0.05 * cos(14 * pi / 15),
            25: 0.1,
            47: 0.05 + 0.05 * cos(22 * pi / 23),
            48: 0.1,
            65: 0.05,
            82: 0.1,
        },
    ),
    "peaks never under the floor": (
        CosineRestarts(lr=0.4, floor=0.1, cycle_steps=2, peak_multiplier=0.5),
        {0: 0.4, 1: 0.25, 2: 0.2, 3: 0.15, 4: 0.1, 5: 0.1, 6: 0.1, 10**9: 0.1},
    ),
    "a ramp in each cycle": (
        CosineRestarts(lr=0.5, cycle_steps=10, warmup_fraction=0.2, warmup_start=0.1),
        {0: 0.1, 1: 0.3, 2: 0.5, 6: 0.25, 10: 0.1, 11: 0.3, 12: 0.5, 16: 0.25},
    ),
    "a ramp starts no higher than its peak": (
        CosineRestarts(
            lr=0.8, cycle_steps=4, peak_multiplier=0.5, warmup_fraction=0.5, warmup_start=0.3
        ),
        {0: 0.3, 1: 0.55, 2: 0.8, 3: 0.4, 4: 0.3, 5: 0.35, 6: 0.4, 8: 0.2, 9: 0.2, 10: 0.2},
    ),
    "five cycles by shares: 5, 10, 15, 20 and 50 steps": (
        CosineRestarts(lr=0.1, boundaries=["5%", "15%", "30%", "50%"]),
        {0: 0.1, 5: 0.1, 10: 0.05, 15: 0.1, 30: 0.1, 40: 0.05, 50: 0.1, 75: 0.05, 100: 0, 999: 0},
    ),
    "linear warm-up, then linear decay": (
        Warmup(schedule=LINE, fraction=0.2),
        {0: 0.0, 5: 0.25, 10: 0.5, 19: 0.95, 20: 1.0, 40: 0.75, 60: 0.5, 99: 0.0125, 100: 0.0},
    ),
    "BERT's warm-up over the decay": (
        Warmup(schedule=LINE, fraction=0.2, placement="overlay"),
        {0: 0.0, 5: 0.25, 19: 0.95, 20: 0.8, 60: 0.4, 100: 0.0},
    ),
    "warm-up, hold and cosine": (
        Warmup(schedule=Cosine(lr=1.0, floor=0.2), steps="2ep", start=0.2, hold_steps="40%"),
        {0: 0.2, 10: 0.6, 20: 1.0, 40: 1.0, 60: 1.0, 80: 0.6, 100: 0.2, 101: 0.2},
    ),
    "no ramp": (Warmup(schedule=LINE, steps=0), {0: 1.0, 50: 0.5, 100: 0.0}),
    "a ramp of no length, with a hold": (
        Warmup(schedule=LINE, fraction=0.0, hold_steps=20),
        {0: 1.0, 20: 1.0, 60: 0.5},
    ),
    "warm-up of a warm-up's peak": (
        Warmup(schedule=Warmup(schedule=LINE, steps=0), steps=10),
        {5: 0.5, 10: 1.0, 55: 0.5},
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_rates_by_hand(name):
    schedule, expected = TABLE[name]
    bound = schedule.bind(H100)
    for t, rate in expected.items():
        assert bound(t) == pytest.approx(rate, rel=1e-12, abs=1e-17), f"t = {t}"
    assert bound(np.array(list(expected))).tolist() == [bound(t) for t in expected]


def test_the_parabola_s_rate_after_forty_updates():
    schedule = Exponential(lr=0.1, decay_rate=0.99, decay_steps=1)
    assert schedule(40) == pytest.approx(0.066897, abs=5e-7)


@pytest.mark.parametrize("decay_steps", [41, 49, 55, 82, 97, 98, 103])
def test_stairs_stand_at_exact_multiples(decay_steps):
    schedule = Exponential(lr=1.0, decay_rate=0.5, decay_steps=decay_steps, staircase=True)
    t = np.arange(decay_steps * 40)
    assert np.array_equal(schedule(t), 0.5 ** (t // decay_steps).astype(float))


@pytest.mark.parametrize("multiplier", [2, 3, 5])
def test_restarts_are_found_without_a_logarithm(multiplier):
    schedule = CosineRestarts(lr=1.0, cycle_steps=7, cycle_multiplier=multiplier)
    start, length = 0, 7
    while start + length < 2**53:
        assert schedule(start) == 1.0
        start, length = start + length, length * multiplier
        assert schedule(start - 1) < 1.0


def test_cycles_grow_by_the_decimal_text_of_the_multiplier():
    # 100 * 1.005 is 100.5, which rounds up; in binary floating point it is a little less.
    schedule = CosineRestarts(lr=1.0, cycle_steps=100, cycle_multiplier=1.005)
    assert schedule(100) == 1.0
    assert schedule(200) < 1.0
    assert schedule(201) == 1.0


def test_far_restarts_are_exact():
    schedule = CosineRestarts(lr=1.0, cycle_steps=7)
    far = 7 * (10**9 // 7)
    assert schedule(np.array([far - 7, far, far + 7])).tolist() == [1.0, 1.0, 1.0]


def test_a_warm_up_does_not_fall():
    schedule = Warmup(schedule=Constant(lr=0.3), steps=97, start=0.1)
    assert (np.diff(schedule(np.arange(200))) >= 0).all()
