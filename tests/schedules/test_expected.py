"""Rates worked out by hand, family by family; the articles' numbers among them."""

from dataclasses import replace
from math import cos, exp, pi, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules import (
    Clamp,
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    Expression,
    FromFunction,
    FromTorch,
    Horizon,
    InverseSquareRoot,
    InverseTime,
    Join,
    LinearCosine,
    MultiStep,
    Noam,
    NoisyLinearCosine,
    Offset,
    OneCycle,
    PiecewiseConstant,
    PiecewiseInterpolation,
    Polynomial,
    Product,
    Repeat,
    Scale,
    Step,
    Tanh,
    Warmup,
    WarmupStableDecay,
)

H100 = Horizon(total_steps=100, steps_per_epoch=10)
LINE = Polynomial(lr=1.0)
HALF = sqrt(0.5)

TABLE = {
    "a formula": (
        Expression(expression="0.2 * (1 - t / total_steps) ** 2", after="hold"),
        {0: 0.2, 1: 0.2 * 0.9801, 50: 0.05, 99: 0.2 * 0.0001, 100: 0.0, 101: 0.0, 10**9: 0.0},
    ),
    "a formula over a part of the run": (
        Expression(expression="0.3 / (1 + t // total_steps)", total_steps="1ep"),
        {0: 0.3, 9: 0.3, 10: 0.15, 19: 0.15, 20: 0.1, 10**9: 0.3 / (10**8 + 1)},
    ),
    "a function": (
        FromFunction(function="schedules.from_function.linear", arguments={"lr": 0.2}),
        {0: 0.2, 1: 0.198, 50: 0.1, 99: 0.002, 100: 0.0, 101: 0.0, 10**9: 0.0},
    ),
    "a function up to an end": (
        FromFunction(function="math.sqrt", after="hold", end_steps="4%"),
        {0: 0.0, 1: 1.0, 3: sqrt(3), 4: 2.0, 5: 2.0, 10**9: 2.0},
    ),
    "a scheduler of PyTorch's once an epoch": (
        FromTorch(
            scheduler="torch.optim.lr_scheduler.MultiStepLR",
            lr=0.2,
            arguments={"milestones": ["30%", 5], "gamma": 0.5},
            step_every="1ep",
        ),
        {0: 0.2, 29: 0.2, 30: 0.1, 31: 0.1, 49: 0.1, 50: 0.05, 99: 0.05, 100: 0.05, 10**9: 0.05},
    ),
    "constant": (Constant(lr=0.2), {0: 0.2, 1: 0.2, 10**9: 0.2}),
    "constant for its run only": (Constant(lr=0.2, after="error"), {0: 0.2, 99: 0.2, 100: 0.2}),
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
    "exponential that holds from the end": (
        Exponential(lr=0.8, decay_rate=0.5, decay_steps=10, after="hold"),
        {90: 0.0015625, 99: 0.8 * 0.5**9.9, 100: 0.00078125, 101: 0.00078125, 10**9: 0.00078125},
    ),
    "exponential up to a step of one's own": (
        Exponential(lr=0.8, decay_rate=0.5, decay_steps=10, after="error", end_steps="2ep"),
        {0: 0.8, 10: 0.4, 20: 0.2},
    ),
    "natural exponential": (
        Exponential(lr=0.2, decay_rate=0.5, decay_steps=10, form="natural"),
        {0: 0.2, 5: 0.2 * exp(-0.25), 10: 0.2 * exp(-0.5), 100: 0.2 * exp(-5), 10**9: 0.0},
    ),
    "natural exponential in stairs to a floor": (
        Exponential(
            lr=0.2, decay_rate=0.5, decay_steps=10, form="natural", staircase=True, floor=0.1
        ),
        {0: 0.2, 9: 0.2, 10: 0.2 * exp(-0.5), 11: 0.2 * exp(-0.5), 19: 0.2 * exp(-0.5), 20: 0.1},
    ),
    "a natural exponential of rate 0": (
        Exponential(lr=0.2, decay_rate=0, form="natural"),
        {0: 0.2, 10**9: 0.2},
    ),
    "inverse time": (
        InverseTime(lr=0.6, decay_rate=0.5, decay_steps=10),
        {0: 0.6, 10: 0.4, 20: 0.3, 40: 0.2, 99: 0.6 / 5.95, 100: 0.1, 101: 0.6 / 6.05, 1980: 0.006},
    ),
    "inverse time by its defaults": (
        InverseTime(lr=0.6),
        {0: 0.6, 5: 0.4, 10: 0.3, 50: 0.1, 10**9: 0.6 / 100_000_001},
    ),
    "inverse time in stairs": (
        InverseTime(lr=0.6, decay_rate=0.5, decay_steps=10, staircase=True),
        {0: 0.6, 9: 0.6, 10: 0.4, 11: 0.4, 19: 0.4, 20: 0.3, 99: 0.6 / 5.5, 100: 0.1, 109: 0.1},
    ),
    "inverse time to a floor": (
        InverseTime(lr=0.6, decay_rate=0.5, decay_steps=10, floor=0.2),
        {20: 0.3, 40: 0.2, 41: 0.2, 10**9: 0.2},
    ),
    "inverse time that holds": (
        InverseTime(lr=0.6, decay_rate=0.5, decay_steps=10, after="hold", end_steps="20%"),
        {10: 0.4, 19: 0.6 / 1.95, 20: 0.3, 21: 0.3, 10**9: 0.3},
    ),
    "an inverse time of rate 0": (InverseTime(lr=0.6, decay_rate=0), {0: 0.6, 10**9: 0.6}),
    "inverse square root": (
        InverseSquareRoot(lr=0.6),
        {0: 0.6, 9: 0.6 / sqrt(1.9), 10: 0.6 / sqrt(2), 30: 0.3, 80: 0.2, 990: 0.06, 99_990: 0.006},
    ),
    "inverse square root to a floor": (
        InverseSquareRoot(lr=0.6, decay_steps="1ep", floor=0.2),
        {0: 0.6, 30: 0.3, 79: 0.6 / sqrt(8.9), 80: 0.2, 81: 0.2, 10**9: 0.2},
    ),
    "inverse square root that holds": (
        InverseSquareRoot(lr=0.6, after="hold", end_steps=30),
        {29: 0.6 / sqrt(3.9), 30: 0.3, 31: 0.3, 10**9: 0.3},
    ),
    "inverse square root behind a warm-up, Transformers' inverse_sqrt": (
        Warmup(schedule=InverseSquareRoot(lr=0.6, decay_steps=10), steps=10, start=0.0),
        # The ramp is lr * t / 10, then comes lr * sqrt(10 / t).
        {0: 0.0, 1: 0.06, 5: 0.3, 9: 0.54, 10: 0.6, 11: 0.6 * sqrt(10 / 11), 40: 0.3, 90: 0.2},
    ),
    "Noam": (
        Noam(lr=0.6),
        {0: 0.06, 1: 0.12, 8: 0.54, 9: 0.6, 10: 0.6 * sqrt(10 / 11), 39: 0.3, 89: 0.2, 999: 0.06},
    ),
    "Noam without a ramp": (
        Noam(lr=0.6, warmup_steps=1),
        {0: 0.6, 3: 0.3, 8: 0.2, 10**4 - 1: 0.006},
    ),
    "Noam that holds": (
        Noam(lr=0.6, warmup_steps=10, after="hold", end_steps=39),
        {0: 0.06, 9: 0.6, 38: 0.6 * sqrt(10 / 39), 39: 0.3, 40: 0.3, 10**9: 0.3},
    ),
    "a tenth every 30 % of the run": (
        Step(lr=2.0),
        {0: 2.0, 29: 2.0, 30: 0.2, 31: 0.2, 59: 0.2, 60: 0.02, 90: 0.002, 100: 0.002, 120: 2e-4},
    ),
    "a half every 10 steps": (
        Step(lr=0.8, factor=0.5, decay_steps=10),
        {0: 0.8, 9: 0.8, 10: 0.4, 19: 0.4, 20: 0.2, 99: 0.0015625, 100: 0.00078125, 10**9: 0.0},
    ),
    "steps to a floor": (
        Step(lr=0.8, factor=0.5, decay_steps="1ep", floor=0.15),
        {0: 0.8, 20: 0.2, 29: 0.2, 30: 0.15, 31: 0.15, 10**9: 0.15},
    ),
    "steps that hold": (
        Step(lr=0.8, factor=0.5, decay_steps=10, after="hold", end_steps="25%"),
        {19: 0.4, 20: 0.2, 24: 0.2, 25: 0.2, 26: 0.2, 30: 0.2, 10**9: 0.2},
    ),
    "a step of factor 0": (
        Step(lr=0.8, factor=0, decay_steps=10),
        {0: 0.8, 9: 0.8, 10: 0.0, 11: 0.0, 10**9: 0.0},
    ),
    "a step of factor 1": (Step(lr=0.8, factor=1, decay_steps=10), {0: 0.8, 10: 0.8, 10**9: 0.8}),
    "a tenth at each boundary": (
        MultiStep(lr=2.0),
        {
            29: 2.0,
            30: 0.2,
            31: 0.2,
            59: 0.2,
            60: 0.02,
            89: 0.02,
            90: 0.002,
            91: 0.002,
            10**9: 0.002,
        },
    ),
    "a half after each boundary": (
        MultiStep(lr=0.8, boundaries=[10, "2ep"], factor=0.5, closed="right"),
        {0: 0.8, 9: 0.8, 10: 0.8, 11: 0.4, 20: 0.4, 21: 0.2, 100: 0.2, 101: 0.2},
    ),
    "boundaries that hold": (
        MultiStep(lr=0.8, factor=0.5, after="hold", end_steps="50%"),
        {29: 0.8, 30: 0.4, 49: 0.4, 50: 0.4, 51: 0.4, 60: 0.4, 10**9: 0.4},
    ),
    "a boundary of factor 0": (
        MultiStep(lr=0.8, boundaries=[10, 20], factor=0),
        {9: 0.8, 10: 0.0, 20: 0.0},
    ),
    "MultiStep without a boundary": (MultiStep(lr=0.8, boundaries=[]), {0: 0.8, 10**9: 0.8}),
    "points by their defaults": (
        PiecewiseInterpolation(lr=0.1),
        {
            0: 0.01,
            10: 0.04,
            29: 0.097,
            30: 0.1,
            31: 6.9 / 70,
            65: 0.05,
            99: 0.1 / 70,
            100: 0,
            101: 0,
        },
    ),
    "points of one's own": (
        PiecewiseInterpolation(lr=0.8, boundaries=["1ep", 20, "50%"], factors=[0.25, 0.5, 1]),
        {
            0: 0.2,
            9: 0.2,
            10: 0.2,
            15: 0.3,
            19: 0.38,
            20: 0.4,
            35: 0.6,
            50: 0.8,
            51: 0.8,
            10**9: 0.8,
        },
    ),
    "points on cosines": (
        PiecewiseInterpolation(
            boundaries=(10, "50%", "8ep"), values=(0.2, 0.4, 0.1), shape="cosine"
        ),
        {
            0: 0.2,
            10: 0.2,
            20: 0.3 - 0.1 * HALF,
            30: 0.3,
            50: 0.4,
            60: 0.325,
            65: 0.25,
            80: 0.1,
            81: 0.1,
        },
    ),
    "points for a momentum": (
        PiecewiseInterpolation(boundaries=(0, 40, 100), values=(0.95, 0.85, 0.95), after="error"),
        {0: 0.95, 20: 0.9, 40: 0.85, 70: 0.9, 100: 0.95},
    ),
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
    "polynomial that ends with its run": (
        Polynomial(lr=0.1, power=2.0, after="error"),
        {0: 0.1, 50: 0.025, 90: 0.001, 99: 1e-5, 100: 0.0},
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
    "piecewise that holds": (
        PiecewiseConstant(lr=0.2, after="hold", end_steps="50%"),
        {29: 0.2, 30: 0.1, 49: 0.1, 50: 0.1, 51: 0.1, 60: 0.1, 90: 0.1, 10**9: 0.1},
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
    "cosine to a share of the peak, Keras's alpha 0.2": (
        Cosine(lr=0.1, floor=0.2 * 0.1, decay_steps=12),
        # 0.1 * (0.8 * (1 + cos(pi t / 12)) / 2 + 0.2)
        {0: 0.1, 3: 0.1 * (0.4 * (1 + HALF) + 0.2), 4: 0.08, 6: 0.06, 8: 0.04, 12: 0.02, 13: 0.02},
    ),
    "cosine to a power, optax's exponent 2": (
        Cosine(lr=0.1, floor=0.02, power=2, decay_steps=12),
        # 0.1 * (0.8 * ((1 + cos(pi t / 12)) / 2) ** 2 + 0.2)
        {0: 0.1, 3: 0.02 * (1 + HALF) ** 2 + 0.02, 4: 0.065, 6: 0.04, 8: 0.025, 12: 0.02, 13: 0.02},
    ),
    "square root of a cosine": (Cosine(lr=0.1, power=0.5), {0: 0.1, 50: 0.1 * HALF, 100: 0.0}),
    "half a fall": (
        Cosine(lr=0.4, half_cycles=0.5, decay_steps=12),
        {0: 0.4, 6: 0.2 + 0.2 * HALF, 8: 0.3, 12: 0.2, 13: 0.2, 10**9: 0.2},
    ),
    "two falls, Transformers' num_cycles 1.5": (
        Cosine(lr=0.4, floor=0.1, half_cycles=3, decay_steps=12),
        # 0.1 + 0.3 * (1 + cos(2 pi 1.5 t / 12)) / 2
        {
            0: 0.4,
            1: 0.25 + 0.15 * HALF,
            2: 0.25,
            4: 0.1,
            6: 0.25,
            8: 0.4,
            10: 0.25,
            12: 0.1,
            13: 0.1,
        },
    ),
    "a cosine that climbs again, as PyTorch's": (
        Cosine(lr=0.4, floor=0.1, decay_steps=12, after="continue"),
        {
            0: 0.4,
            6: 0.25,
            11: 0.25 - 0.15 * cos(pi / 12),
            12: 0.1,
            16: 0.175,
            18: 0.25,
            24: 0.4,
            36: 0.1,
        },
    ),
    "a cosine for its run only": (Cosine(lr=0.4, after="error"), {0: 0.4, 50: 0.2, 100: 0.0}),
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
    "three cycles and no more": (
        CosineRestarts(lr=0.1, floor=0.02, cycle_limit=3),
        {
            0: 0.1,
            24: 0.06 + 0.04 * cos(24 * pi / 25),
            25: 0.1,
            50: 0.1,
            74: 0.06 + 0.04 * cos(24 * pi / 25),
            75: 0.02,
            76: 0.02,
            100: 0.02,
            10**9: 0.02,
        },
    ),
    "timm's t_initial 10, cycle_mul 2, cycle_decay 0.5, cycle_limit 2, lr_min 0.1": (
        CosineRestarts(
            lr=0.8,
            floor=0.1,
            cycle_steps=10,
            cycle_multiplier=2,
            peak_multiplier=0.5,
            cycle_limit=2,
        ),
        {
            0: 0.8,
            5: 0.45,
            9: 0.45 + 0.35 * cos(9 * pi / 10),
            10: 0.4,
            20: 0.25,
            29: 0.25 + 0.15 * cos(19 * pi / 20),
            30: 0.1,
            31: 0.1,
            10**9: 0.1,
        },
    ),
    "one cycle with a ramp": (
        CosineRestarts(
            lr=0.5, cycle_steps=10, warmup_fraction=0.2, warmup_start=0.1, cycle_limit=1
        ),
        {0: 0.1, 1: 0.3, 2: 0.5, 6: 0.25, 10: 0.0, 11: 0.0, 12: 0.0},
    ),
    "linear cosine": (
        LinearCosine(lr=0.1),
        {
            0: 0.1,
            25: 0.075 * (1 + HALF) / 2,
            50: 0.025,
            99: 0.001 * (1 + cos(0.99 * pi)) / 2,
            100: 0.0,
            101: 0.0,
            10**9: 0.0,
        },
    ),
    "linear cosine with TensorFlow's alpha 0.2 and beta 0.001": (
        LinearCosine(lr=0.5, decay_steps=40, linear_offset=0.2, end_factor=0.001),
        {
            0: 0.6005,
            10: 0.475 * (1 + HALF) / 2 + 0.0005,
            20: 0.1755,
            39: 0.1125 * (1 + cos(39 * pi / 40)) / 2 + 0.0005,
            40: 0.0005,
            41: 0.0005,
        },
    ),
    "linear cosine with TensorFlow's num_periods 1.5": (
        LinearCosine(lr=0.6, decay_steps=60, half_cycles=3),
        {0: 0.6, 10: 0.25, 20: 0.0, 30: 0.15, 40: 0.2, 50: 0.05, 60: 0.0, 61: 0.0},
    ),
    "linear cosine without noise": (
        NoisyLinearCosine(lr=0.1, linear_offset=0.2, end_factor=0.01, initial_variance=0, seed=3),
        {0: 0.121, 25: 0.095 * (1 + HALF) / 2 + 0.001, 50: 0.036, 100: 0.001, 101: 0.001},
    ),
    # (1 - tanh(x)) / 2 is 1 / (1 + exp(2 * x)).
    "hyperbolic tangent": (
        Tanh(lr=0.1),
        {
            0: 0.1 / (1 + exp(-12)),
            1: 0.1 / (1 + exp(-11.82)),
            50: 0.1 / (1 + exp(-3)),
            99: 0.1 / (1 + exp(5.82)),
            100: 0.1 / (1 + exp(6)),
            101: 0.1 / (1 + exp(6)),
            10**9: 0.1 / (1 + exp(6)),
        },
    ),
    "hyperbolic tangent that goes on to its floor": (
        Tanh(lr=0.1, floor=0.02, decay_steps=90, after="continue"),
        {
            0: 0.02 + 0.08 / (1 + exp(-12)),
            60: 0.06,
            90: 0.02 + 0.08 / (1 + exp(6)),
            91: 0.02 + 0.08 / (1 + exp(6.2)),
            120: 0.02 + 0.08 / (1 + exp(12)),
            10**9: 0.02,
        },
    ),
    "hyperbolic tangent between other limits": (
        Tanh(lr=0.1, decay_steps=10, lower=-1, upper=1),
        {0: 0.1 / (1 + exp(-2)), 5: 0.05, 10: 0.1 / (1 + exp(2)), 11: 0.1 / (1 + exp(2))},
    ),
    "warm-up, stable, linear decay": (
        WarmupStableDecay(lr=0.1),
        {
            0: 0.02,
            3: 0.08,
            4: 0.1,
            5: 0.1,
            79: 0.1,
            80: 0.1,
            81: 0.095,
            90: 0.05,
            99: 0.005,
            100: 0.0,
            101: 0.0,
            10**9: 0.0,
        },
    ),
    "warm-up, stable, cosine decay to a floor": (
        WarmupStableDecay(lr=0.1, warmup_steps=10, shape="cosine", floor=0.02),
        {
            0: 0.01,
            9: 0.1,
            10: 0.1,
            80: 0.1,
            85: 0.06 + 0.04 * HALF,
            90: 0.06,
            95: 0.06 - 0.04 * HALF,
            99: 0.06 + 0.04 * cos(0.95 * pi),
            100: 0.02,
            101: 0.02,
        },
    ),
    "stable, decay by 1 - sqrt": (
        WarmupStableDecay(lr=0.1, warmup_steps=0, decay_steps=16, total_steps="5ep", shape="sqrt"),
        {0: 0.1, 34: 0.1, 35: 0.075, 38: 0.05, 43: 0.025, 50: 0.0, 51: 0.0, 99: 0.0},
    ),
    "warm-up and decay fill the run": (
        WarmupStableDecay(lr=0.1, warmup_steps="60%", decay_steps="40%"),
        {0: 0.1 / 60, 29: 0.05, 59: 0.1, 60: 0.1, 61: 0.0975, 80: 0.05, 100: 0.0},
    ),
    "triangles": (
        Cyclic(lr=0.1),
        {0: 0.01, 5: 0.055, 9: 0.091, 10: 0.1, 11: 0.091, 19: 0.019, 20: 0.01, 10**9 + 10: 0.1},
    ),
    "triangles, each half as high": (
        Cyclic(lr=0.1, floor=0.0, rise_fraction=0.25, mode="triangular2"),
        {
            0: 0.0,
            4: 0.08,
            5: 0.1,
            8: 0.08,
            19: 0.1 / 15,
            20: 0.0,
            25: 0.05,
            45: 0.025,
            105: 0.003125,
            10**9: 0.0,
        },
    ),
    "triangles that fall by a rate": (
        Cyclic(lr=1.0, floor=0.0, cycle_steps=4, mode="exp_range", decay_rate=0.25, decay_steps=8),
        {0: 0.0, 1: HALF**0.5 / 2, 2: HALF, 4: 0.0, 6: HALF**3, 10: HALF**5, 14: HALF**7},
    ),
    "triangles that rise in 3 of 5 steps, which is 2.5 upwards": (
        Cyclic(lr=0.3, floor=0.0, cycle_steps=5),
        {0: 0.0, 1: 0.1, 2: 0.2, 3: 0.3, 4: 0.15, 5: 0.0, 8: 0.3},
    ),
    "triangles that rise at once": (
        Cyclic(lr=0.3, floor=0.1, cycle_steps=3, rise_fraction=0.01),
        {0: 0.1, 1: 0.3, 2: 0.2, 3: 0.1, 4: 0.3},
    ),
    "triangles that fall at once": (
        Cyclic(lr=0.3, floor=0.1, cycle_steps=3, rise_fraction=0.99),
        {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.1, 4: 0.2},
    ),
    "triangles that end on a slope": (
        Cyclic(lr=0.2, floor=0.1, after="hold", end_steps="25%"),
        {20: 0.1, 24: 0.14, 25: 0.15, 26: 0.15, 10**9: 0.15},
    ),
    "one cycle": (
        OneCycle(lr=1.0),
        {
            0: 0.04,
            1: 0.52 - 0.48 * cos(pi / 30),
            15: 0.52,
            29: 0.52 - 0.48 * cos(29 * pi / 30),
            30: 1.0,
            31: 0.500002 + 0.499998 * cos(pi / 70),
            65: 0.500002,
            99: 0.500002 + 0.499998 * cos(69 * pi / 70),
            100: 4e-6,
            101: 4e-6,
            10**9: 4e-6,
        },
    ),
    "one cycle of three phases in straight lines": (
        OneCycle(
            lr=0.5,
            rise_steps="40%",
            phases=3,
            shape="linear",
            start_factor=0.2,
            end_factor=0.02,
        ),
        {
            0: 0.1,
            20: 0.3,
            39: 0.49,
            40: 0.5,
            41: 0.49,
            60: 0.3,
            79: 0.11,
            80: 0.1,
            81: 0.0955,
            90: 0.055,
            99: 0.0145,
            100: 0.01,
            101: 0.01,
        },
    ),
    "one cycle from nothing to nothing": (
        OneCycle(lr=0.5, total_steps=8, rise_steps=4, start_factor=0, end_factor=0),
        {0: 0.0, 2: 0.25, 3: 0.25 * (1 + HALF), 4: 0.5, 5: 0.25 * (1 + HALF), 6: 0.25, 8: 0, 9: 0},
    ),
    "linear warm-up, counted from the first update on, then linear decay": (
        Warmup(schedule=LINE, fraction=0.2),
        {0: 0.05, 4: 0.25, 9: 0.5, 18: 0.95, 19: 1.0, 20: 1.0, 21: 0.9875, 60: 0.5, 100: 0.0},
    ),
    "linear warm-up from 0, then linear decay": (
        Warmup(schedule=LINE, fraction=0.2, start=0.0),
        {0: 0.0, 5: 0.25, 10: 0.5, 19: 0.95, 20: 1.0, 40: 0.75, 60: 0.5, 99: 0.0125, 100: 0.0},
    ),
    "BERT's warm-up over the decay": (
        Warmup(schedule=LINE, fraction=0.2, start=0.0, placement="overlay"),
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
        {4: 0.5, 9: 1.0, 10: 1.0, 55: 0.5},
    ),
    "a cosine ramp": (
        Warmup(schedule=Constant(lr=0.4), steps=12, start=0.0, shape="cosine"),
        {
            0: 0.0,
            3: 0.2 * (1 - HALF),
            4: 0.1,
            6: 0.2,
            8: 0.3,
            11: 0.2 * (1 + cos(pi / 12)),
            12: 0.4,
            13: 0.4,
        },
    ),
    "a cosine ramp counted from the first update on": (
        Warmup(schedule=Constant(lr=0.4), steps=12, shape="cosine"),
        {0: 0.2 * (1 - cos(pi / 12)), 3: 0.1, 5: 0.2, 7: 0.3, 11: 0.4, 12: 0.4},
    ),
    "a ramp by the square root": (
        Warmup(schedule=Constant(lr=0.5), steps=16, start=0.1, shape="sqrt"),
        {0: 0.1, 1: 0.2, 4: 0.3, 9: 0.4, 15: 0.1 + 0.1 * sqrt(15), 16: 0.5, 17: 0.5},
    ),
    "a ramp by the square root counted from the first update on": (
        Warmup(schedule=Constant(lr=0.5), steps=16, shape="sqrt"),
        {0: 0.125, 3: 0.25, 8: 0.375, 15: 0.5, 16: 0.5},
    ),
    "an exponential ramp": (
        Warmup(schedule=LINE, steps=4, start=0.01, shape="exponential"),
        {0: 0.01, 1: sqrt(0.001), 2: 0.1, 3: sqrt(0.1), 4: 1.0, 52: 0.5},
    ),
    "an exponential ramp from a share of the peak": (
        Warmup(schedule=Constant(lr=0.8), steps=2, start_factor=0.25, shape="exponential"),
        {0: 0.2, 1: 0.4, 2: 0.8},
    ),
    "a lower rate, then the peak": (
        Warmup(schedule=LINE, steps=20, start_factor=0.25, shape="constant"),
        {0: 0.25, 19: 0.25, 20: 1.0, 60: 0.5, 100: 0.0},
    ),
    "one after the other": (
        Join(schedules=(Constant(lr=0.5), LINE), boundaries=("60%",)),
        {0: 0.5, 59: 0.5, 60: 1.0, 61: 0.975, 80: 0.5, 99: 0.025, 100: 0.0, 101: 0.0, 10**9: 0.0},
    ),
    "one over the other": (
        Join(schedules=(Constant(lr=0.5), LINE), boundaries=("60%",), placement="overlay"),
        {0: 0.5, 59: 0.5, 60: 0.4, 61: 0.39, 99: 0.01, 100: 0.0, 101: 0.0},
    ),
    "three one after another, shares of their own stretches": (
        Join(
            schedules=(
                Constant(lr=0.3),
                Polynomial(lr=0.8, decay_steps="50%"),
                Cosine(lr=0.4),
            ),
            boundaries=[10, "5ep"],
        ),
        {9: 0.3, 10: 0.8, 11: 0.76, 20: 0.4, 29: 0.04, 30: 0.0, 49: 0.0, 50: 0.4, 75: 0.2, 100: 0},
    ),
    "no other one": (Join(schedules=[LINE], boundaries=[]), {0: 1.0, 50: 0.5, 100: 0.0}),
    "multiplied": (
        Product(schedules=(LINE, Polynomial(lr=0.5, decay_steps=50))),
        {0: 0.5, 25: 0.75 * 0.25, 49: 0.51 * 0.01, 50: 0.0, 51: 0.0, 10**9: 0.0},
    ),
    "three multiplied": (
        Product(schedules=(LINE, Constant(lr=0.5), Exponential(lr=1, decay_rate=0.5))),
        {0: 0.5, 10: 0.225, 20: 0.1},
    ),
    "scaled": (
        Scale(schedule=LINE, factor=0.25),
        {0: 0.25, 1: 0.2475, 50: 0.125, 99: 0.0025, 100: 0.0, 101: 0.0},
    ),
    "scaled to nothing": (Scale(schedule=LINE, factor=0), {0: 0.0, 7: 0.0}),
    "clamped": (
        Clamp(schedule=LINE, floor=0.2, ceiling=0.7),
        {0: 0.7, 29: 0.7, 30: 0.7, 31: 0.69, 79: 0.21, 80: 0.2, 81: 0.2, 100: 0.2, 10**9: 0.2},
    ),
    "clamped below only": (Clamp(schedule=LINE, floor=0.2), {0: 1.0, 79: 0.21, 81: 0.2}),
    "counted from a later step": (
        Offset(schedule=LINE, start=100),
        {0: 0.5, 1: 0.495, 50: 0.25, 99: 0.005, 100: 0.0, 101: 0.0, 10**9: 0.0},
    ),
    "counted from a quarter of this run on": (
        Offset(schedule=LINE, start="25%"),
        {0: 0.8, 50: 0.4, 100: 0.0},
    ),
    "counted from the same step": (Offset(schedule=LINE), {0: 1.0, 50: 0.5}),
    "again and again": (
        Repeat(schedule=LINE),
        {0: 1.0, 24: 0.04, 25: 1.0, 26: 0.96, 49: 0.04, 50: 1.0, 99: 0.04, 100: 1.0, 10**9: 1.0},
    ),
    "once an epoch": (
        Repeat(schedule=Cosine(lr=0.2), cycle_steps="1ep"),
        {0: 0.2, 5: 0.1, 9: 0.1 + 0.1 * cos(0.9 * pi), 10: 0.2, 15: 0.1},
    ),
    "again and again with a ramp": (
        Repeat(schedule=Warmup(schedule=LINE, steps="20%", start=0.0), cycle_steps="50%"),
        {0: 0.0, 5: 0.5, 10: 1.0, 30: 0.5, 49: 0.025, 50: 0.0, 60: 1.0, 80: 0.5, 100: 0.0},
    ),
    "a join under a ramp under a ceiling": (
        Clamp(
            schedule=Warmup(
                schedule=Join(schedules=(Constant(lr=1.0), LINE)), steps=20, start_factor=0.0
            ),
            ceiling=0.9,
        ),
        {0: 0.0, 10: 0.5, 20: 0.9, 59: 0.9, 60: 0.9, 70: 0.75, 80: 0.5, 100: 0.0},
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


@pytest.mark.parametrize("decay_steps", [41, 49, 55, 82, 97, 98, 103])
def test_steps_and_inverse_stairs_stand_at_exact_multiples(decay_steps):
    t = np.arange(decay_steps * 40)
    halves = Step(lr=1.0, factor=0.5, decay_steps=decay_steps)
    assert np.array_equal(halves(t), 0.5 ** (t // decay_steps).astype(float))
    inverse = InverseTime(lr=1.0, decay_steps=decay_steps, staircase=True)
    assert np.array_equal(inverse(t), 1.0 / (1 + t // decay_steps))


@pytest.mark.parametrize("warmup_steps", [1, 3, 10, 49, 4000, 10**6 + 1])
def test_noam_peaks_at_the_last_step_of_its_ramp(warmup_steps):
    noam = Noam(lr=0.3, warmup_steps=warmup_steps)
    assert noam(warmup_steps - 1) == 0.3
    around = noam(warmup_steps - 1 + np.arange(1 - min(warmup_steps, 5), 5))
    assert around.max() == 0.3
    assert (around == 0.3).sum() == 1


def test_noam_is_the_paper_s_formula():
    lr = 2 * 512**-0.5 * 4000**-0.5
    noam = Noam(lr=lr, warmup_steps=4000)
    for number in (1, 100, 4000, 4001, 100_000):  # the paper counts its steps from 1
        rate = 2 * 512**-0.5 * min(number**-0.5, number * 4000**-1.5)
        assert noam(number - 1) == pytest.approx(rate, rel=1e-12)


RATES = st.floats(0, 1e300)


@given(lr=RATES, share=st.floats(0, 1), steps=st.integers(1, 10**6), power=st.floats(0.01, 100))
def test_the_peak_and_the_lowest_rate_are_exact_and_nothing_lies_outside(lr, share, steps, power):
    low = min(lr * share, lr)
    for schedule in (
        Cosine(lr=lr, floor=low, decay_steps=steps, power=power),
        Polynomial(lr=lr, end=low, decay_steps=steps, power=power),
    ):
        trace = schedule(np.linspace(0, steps, 50).astype(np.int64))
        assert (trace[0], trace[-1]) == (lr, low)
        assert trace.max() == lr
        assert trace.min() == low
        assert (np.diff(trace) <= 0).all()


@given(
    points=st.dictionaries(st.integers(0, 2**53), RATES, min_size=2, max_size=5),
    shape=st.sampled_from(["linear", "cosine"]),
    data=st.data(),
)
def test_an_interpolation_is_exact_at_its_points_and_stays_between_them(points, shape, data):
    boundaries = sorted(points)
    values = [points[b] for b in boundaries]
    schedule = PiecewiseInterpolation(boundaries=boundaries, values=values, shape=shape)
    assert schedule(np.array(boundaries)).tolist() == values
    i = data.draw(st.integers(0, len(values) - 2))
    t = data.draw(st.integers(boundaries[i], boundaries[i + 1]))
    near = np.array([t, boundaries[i + 1] - 1, boundaries[i] + 1])
    lowest, highest = sorted(values[i : i + 2])
    assert ((lowest <= schedule(near)) & (schedule(near) <= highest)).all()


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


@pytest.mark.parametrize("multiplier", [1, 2, 1.5])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_limited_cycles_are_the_first_ones_and_then_the_floor(multiplier, limit):
    endless = CosineRestarts(lr=0.1, floor=0.03, cycle_steps=7, cycle_multiplier=multiplier)
    limited = replace(endless, cycle_limit=limit)
    restarts = [step for step in range(1, 2000) if endless(step) == 0.1]
    end = restarts[limit - 1]
    t = np.arange(2000)
    assert limited(t[:end]).tolist() == endless(t[:end]).tolist()
    assert set(limited(t[end:])) == {0.03}


def test_a_limit_that_no_run_reaches_changes_nothing():
    t = np.array([0, 1, 10**9, 2**53 - 1, 2**53])
    for multiplier in (1, 1.5):
        endless = CosineRestarts(lr=0.1, cycle_steps=9, cycle_multiplier=multiplier)
        for limit in (2**53, 10**400):
            assert replace(endless, cycle_limit=limit)(t).tolist() == endless(t).tolist()


@pytest.mark.parametrize("length", [7, 41, 49, 100, 103])
def test_triangles_stand_exactly_at_any_distance(length):
    schedule = Cyclic(lr=0.7, floor=0.3, cycle_steps=length)
    rise = (length + 1) // 2
    starts = length * np.array([0, 1, 41, 10**9 // length, 2**53 // length - 1])
    assert set(schedule(starts)) == {0.3}
    assert set(schedule(starts + rise)) == {0.7}


@given(lr=st.floats(0, 1e3), share=st.floats(0, 1), total=st.integers(3, 10**6))
def test_points_are_exact_whatever_the_numbers(lr, share, total):
    floor = lr * share
    one_cycle = OneCycle(lr=lr, total_steps=total, rise_steps=1, start_factor=share)
    assert one_cycle(0) == floor
    assert one_cycle(1) == lr
    assert one_cycle(total) == lr * 4e-6
    stable = WarmupStableDecay(
        lr=lr, floor=floor, warmup_steps=1, decay_steps=total - 1, total_steps=total
    )
    assert [stable(t) for t in (0, 1, total)] == [lr, lr, floor]
    cyclic = Cyclic(lr=lr, floor=floor, cycle_steps=2 * total)
    assert [cyclic(t) for t in (0, total, 2 * total)] == [floor, lr, floor]
    restarts = CosineRestarts(lr=lr, floor=floor, cycle_steps=total, cycle_limit=2)
    assert [restarts(t) for t in (0, total, 2 * total)] == [lr, lr, floor]


def test_known_difference_tensorflow_multiplies_the_height_above_the_floor():
    # alpha 0.1, m_mul 0.5: their peaks are 0.01 + 0.09 * 0.5 ** i, 0.055 at t = 10.
    ours = CosineRestarts(lr=0.1, floor=0.01, cycle_steps=10, peak_multiplier=0.5)
    assert [ours(t) for t in (0, 10, 20)] == pytest.approx([0.1, 0.05, 0.025], rel=1e-12)
    theirs = Scale(schedule=CosineRestarts(lr=0.09, cycle_steps=10, peak_multiplier=0.5), factor=1)
    assert 0.01 + theirs(10) == pytest.approx(0.055, rel=1e-12)
