"""Decays along one formula."""

from math import exp, sqrt

from families.entries import LINE, Variant, Worked
from schedules import Constant, Exponential, InverseSquareRoot, InverseTime, Noam, Polynomial

FAMILIES = {
    Constant: {"lr": 0.1},
    Exponential: {"lr": 0.1, "decay_rate": 0.9},
    InverseTime: {"lr": 0.1},
    InverseSquareRoot: {"lr": 0.1},
    Noam: {"lr": 0.1},
    Polynomial: {"lr": 0.1},
}

BY_HAND = {
    "constant": Worked(Constant(lr=0.2), {0: 0.2, 1: 0.2, 10**9: 0.2}),
    "constant for its run only": Worked(
        Constant(lr=0.2, after="error"), {0: 0.2, 99: 0.2, 100: 0.2}
    ),
    "a stair each 16 updates": Worked(
        Exponential(lr=0.01, decay_rate=0.96, decay_steps=16, staircase=True),
        {0: 0.01, 15: 0.01, 16: 0.0096, 31: 0.0096, 32: 0.009216, 47: 0.009216, 48: 0.00884736},
    ),
    "smooth exponential": Worked(
        Exponential(lr=0.01, decay_rate=0.25, decay_steps=16),
        {0: 0.01, 8: 0.005, 16: 0.0025, 24: 0.00125, 32: 0.000625},
    ),
    "exponential per epoch with a floor": Worked(
        Exponential(lr=1e-3, decay_rate=0.9, decay_steps="1ep", staircase=True, floor=1e-6),
        {0: 1e-3, 9: 1e-3, 10: 9e-4, 20: 8.1e-4, 30: 7.29e-4, 660: 1e-6, 10**6: 1e-6},
    ),
    "0.1 * 0.99 ** t": Worked(
        Exponential(lr=0.1, decay_rate=0.99, decay_steps=1),
        {0: 0.1, 1: 0.099, 2: 0.09801, 3: 0.0970299},
    ),
    "a rate that never decays": Worked(Exponential(lr=0.1, decay_rate=1, decay_steps=3), {7: 0.1}),
    "exponential that holds from the end": Worked(
        Exponential(lr=0.8, decay_rate=0.5, decay_steps=10, after="hold"),
        {90: 0.0015625, 99: 0.8 * 0.5**9.9, 100: 0.00078125, 101: 0.00078125, 10**9: 0.00078125},
    ),
    "exponential up to a step of one's own": Worked(
        Exponential(lr=0.8, decay_rate=0.5, decay_steps=10, after="error", end_steps="2ep"),
        {0: 0.8, 10: 0.4, 20: 0.2},
    ),
    "natural exponential": Worked(
        Exponential(lr=0.2, decay_rate=0.5, decay_steps=10, form="natural"),
        {0: 0.2, 5: 0.2 * exp(-0.25), 10: 0.2 * exp(-0.5), 100: 0.2 * exp(-5), 10**9: 0.0},
    ),
    "natural exponential in stairs to a floor": Worked(
        Exponential(
            lr=0.2, decay_rate=0.5, decay_steps=10, form="natural", staircase=True, floor=0.1
        ),
        {0: 0.2, 9: 0.2, 10: 0.2 * exp(-0.5), 11: 0.2 * exp(-0.5), 19: 0.2 * exp(-0.5), 20: 0.1},
    ),
    "a natural exponential of rate 0": Worked(
        Exponential(lr=0.2, decay_rate=0, form="natural"),
        {0: 0.2, 10**9: 0.2},
    ),
    "inverse time": Worked(
        InverseTime(lr=0.6, decay_rate=0.5, decay_steps=10),
        {0: 0.6, 10: 0.4, 20: 0.3, 40: 0.2, 99: 0.6 / 5.95, 100: 0.1, 101: 0.6 / 6.05, 1980: 0.006},
    ),
    "inverse time by its defaults": Worked(
        InverseTime(lr=0.6),
        {0: 0.6, 5: 0.4, 10: 0.3, 50: 0.1, 10**9: 0.6 / 100_000_001},
    ),
    "inverse time in stairs": Worked(
        InverseTime(lr=0.6, decay_rate=0.5, decay_steps=10, staircase=True),
        {0: 0.6, 9: 0.6, 10: 0.4, 11: 0.4, 19: 0.4, 20: 0.3, 99: 0.6 / 5.5, 100: 0.1, 109: 0.1},
    ),
    "inverse time to a floor": Worked(
        InverseTime(lr=0.6, decay_rate=0.5, decay_steps=10, floor=0.2),
        {20: 0.3, 40: 0.2, 41: 0.2, 10**9: 0.2},
    ),
    "inverse time that holds": Worked(
        InverseTime(lr=0.6, decay_rate=0.5, decay_steps=10, after="hold", end_steps="20%"),
        {10: 0.4, 19: 0.6 / 1.95, 20: 0.3, 21: 0.3, 10**9: 0.3},
    ),
    "an inverse time of rate 0": Worked(InverseTime(lr=0.6, decay_rate=0), {0: 0.6, 10**9: 0.6}),
    "inverse square root": Worked(
        InverseSquareRoot(lr=0.6),
        {0: 0.6, 9: 0.6 / sqrt(1.9), 10: 0.6 / sqrt(2), 30: 0.3, 80: 0.2, 990: 0.06, 99_990: 0.006},
    ),
    "inverse square root to a floor": Worked(
        InverseSquareRoot(lr=0.6, decay_steps="1ep", floor=0.2),
        {0: 0.6, 30: 0.3, 79: 0.6 / sqrt(8.9), 80: 0.2, 81: 0.2, 10**9: 0.2},
    ),
    "inverse square root that holds": Worked(
        InverseSquareRoot(lr=0.6, after="hold", end_steps=30),
        {29: 0.6 / sqrt(3.9), 30: 0.3, 31: 0.3, 10**9: 0.3},
    ),
    "Noam": Worked(
        Noam(lr=0.6),
        {0: 0.06, 1: 0.12, 8: 0.54, 9: 0.6, 10: 0.6 * sqrt(10 / 11), 39: 0.3, 89: 0.2, 999: 0.06},
    ),
    "Noam without a ramp": Worked(
        Noam(lr=0.6, warmup_steps=1),
        {0: 0.6, 3: 0.3, 8: 0.2, 10**4 - 1: 0.006},
    ),
    "Noam that holds": Worked(
        Noam(lr=0.6, warmup_steps=10, after="hold", end_steps=39),
        {0: 0.06, 9: 0.6, 38: 0.6 * sqrt(10 / 39), 39: 0.3, 40: 0.3, 10**9: 0.3},
    ),
    "linear to 0": Worked(LINE, {0: 1.0, 25: 0.75, 99: 0.01, 100: 0.0, 101: 0.0}),
    "square to an end": Worked(
        Polynomial(lr=0.1, end=0.02, power=2.0, decay_steps=10),
        {0: 0.1, 5: 0.04, 8: 0.0232, 10: 0.02, 11: 0.02},
    ),
    "square root": Worked(Polynomial(lr=0.1, power=0.5, decay_steps=4), {0: 0.1, 3: 0.05, 4: 0.0}),
    "polynomial in cycles": Worked(
        Polynomial(lr=0.1, end=0.02, decay_steps=10, cycle=True),
        # Up to the second multiple of 10 the formula has T = 20, then 30: 0.08 * 9/20 + 0.02.
        {0: 0.1, 5: 0.06, 9: 0.028, 10: 0.02, 11: 0.056, 20: 0.02, 21: 0.044, 30: 0.02},
    ),
    "polynomial that ends with its run": Worked(
        Polynomial(lr=0.1, power=2.0, after="error"),
        {0: 0.1, 50: 0.025, 90: 0.001, 99: 1e-5, 100: 0.0},
    ),
}

VARIANTS = (
    Variant("constant", Constant(lr=0.1)),
    Variant("exponential", Exponential(lr=0.1, decay_rate=0.9), holds=False),
    Variant(
        "exponential_staircase",
        Exponential(lr=0.1, decay_rate=0.5, decay_steps="4.1%", staircase=True),
        jumps=(41, 82),
        holds=False,
    ),
    Variant(
        "exponential_floor", Exponential(lr=0.1, decay_rate=0.5, decay_steps="10%", floor=0.01)
    ),
    Variant(
        "exponential_natural",
        Exponential(lr=0.1, decay_rate=0.3, decay_steps="10%", form="natural"),
        holds=False,
    ),
    Variant(
        "exponential_end",
        Exponential(lr=0.1, decay_rate=0.9, after="hold", end_steps="80%"),
        end=800,
    ),
    Variant("inverse_time", InverseTime(lr=0.1), holds=False),
    Variant(
        "inverse_time_staircase",
        InverseTime(lr=0.1, decay_rate=0.5, decay_steps="25%", staircase=True, floor=0.05),
        jumps=(250,),
    ),
    Variant("inverse_sqrt", InverseSquareRoot(lr=0.1, decay_steps="2ep"), holds=False),
    Variant("inverse_sqrt_end", InverseSquareRoot(lr=0.1, after="hold")),
    Variant("noam", Noam(lr=0.1), holds=False, drift=0.001),
    Variant("polynomial", Polynomial(lr=0.1, end=0.01, power=2.0)),
    Variant("linear", Polynomial(lr=0.1, decay_steps="5ep"), end=500),
    Variant(
        "polynomial_cycle",
        Polynomial(lr=0.1, end=0.01, power=0.5, decay_steps="20%", cycle=True),
        jumps=(201, 401, 601, 801),
        holds=False,
    ),
)

PICTURES = {
    "constant": Constant(lr=1.0),
    "exponential": Exponential(lr=1.0, decay_rate=0.85),
    "exponential, staircase": Exponential(
        lr=1.0, decay_rate=0.6, decay_steps="12.5%", staircase=True
    ),
    "inverse_time": InverseTime(lr=1.0),
    "noam (inverse square root)": Noam(lr=1.0),
    "linear": Polynomial(lr=1.0),
    "polynomial, power 2": Polynomial(lr=1.0, power=2.0),
    "polynomial, cycle": Polynomial(lr=1.0, decay_steps="25%", cycle=True),
}
