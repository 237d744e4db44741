"""Rates in stairs and between points."""

from families.entries import HALF, Variant, Worked
from schedules import MultiStep, PiecewiseConstant, PiecewiseInterpolation, Step

FAMILIES = {
    Step: {"lr": 0.1},
    MultiStep: {"lr": 0.1},
    PiecewiseConstant: {"lr": 0.1},
    PiecewiseInterpolation: {"lr": 0.1},
}

BY_HAND = {
    "a tenth every 30 % of the run": Worked(
        Step(lr=2.0),
        {0: 2.0, 29: 2.0, 30: 0.2, 31: 0.2, 59: 0.2, 60: 0.02, 90: 0.002, 100: 0.002, 120: 2e-4},
    ),
    "a half every 10 steps": Worked(
        Step(lr=0.8, factor=0.5, decay_steps=10),
        {0: 0.8, 9: 0.8, 10: 0.4, 19: 0.4, 20: 0.2, 99: 0.0015625, 100: 0.00078125, 10**9: 0.0},
    ),
    "steps to a floor": Worked(
        Step(lr=0.8, factor=0.5, decay_steps="1ep", floor=0.15),
        {0: 0.8, 20: 0.2, 29: 0.2, 30: 0.15, 31: 0.15, 10**9: 0.15},
    ),
    "steps that hold": Worked(
        Step(lr=0.8, factor=0.5, decay_steps=10, after="hold", end_steps="25%"),
        {19: 0.4, 20: 0.2, 24: 0.2, 25: 0.2, 26: 0.2, 30: 0.2, 10**9: 0.2},
    ),
    "a step of factor 0": Worked(
        Step(lr=0.8, factor=0, decay_steps=10),
        {0: 0.8, 9: 0.8, 10: 0.0, 11: 0.0, 10**9: 0.0},
    ),
    "a step of factor 1": Worked(
        Step(lr=0.8, factor=1, decay_steps=10), {0: 0.8, 10: 0.8, 10**9: 0.8}
    ),
    "a tenth at each boundary": Worked(
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
    "a half after each boundary": Worked(
        MultiStep(lr=0.8, boundaries=[10, "2ep"], factor=0.5, closed="right"),
        {0: 0.8, 9: 0.8, 10: 0.8, 11: 0.4, 20: 0.4, 21: 0.2, 100: 0.2, 101: 0.2},
    ),
    "boundaries that hold": Worked(
        MultiStep(lr=0.8, factor=0.5, after="hold", end_steps="50%"),
        {29: 0.8, 30: 0.4, 49: 0.4, 50: 0.4, 51: 0.4, 60: 0.4, 10**9: 0.4},
    ),
    "a boundary of factor 0": Worked(
        MultiStep(lr=0.8, boundaries=[10, 20], factor=0),
        {9: 0.8, 10: 0.0, 20: 0.0},
    ),
    "MultiStep without a boundary": Worked(MultiStep(lr=0.8, boundaries=[]), {0: 0.8, 10**9: 0.8}),
    "piecewise by TensorFlow's rule": Worked(
        PiecewiseConstant(boundaries=[5, 10, 15], values=[0.1, 0.05, 0.01, 0.001], closed="right"),
        {0: 0.1, 4: 0.1, 5: 0.1, 6: 0.05, 10: 0.05, 11: 0.01, 15: 0.01, 16: 0.001, 99: 0.001},
    ),
    "piecewise by PyTorch's rule": Worked(
        PiecewiseConstant(boundaries=[5, 10, 15], values=[0.1, 0.05, 0.01, 0.001]),
        {0: 0.1, 4: 0.1, 5: 0.05, 9: 0.05, 10: 0.01, 14: 0.01, 15: 0.001, 16: 0.001},
    ),
    "the long piecewise": Worked(
        PiecewiseConstant(boundaries=[2000, 6000], values=[0.1, 0.05, 0.01], closed="right"),
        {2000: 0.1, 2001: 0.05, 6000: 0.05, 6001: 0.01},
    ),
    "default factors": Worked(
        PiecewiseConstant(lr=0.2),
        {29: 0.2, 30: 0.1, 59: 0.1, 60: 0.02, 89: 0.02, 90: 0.002, 200: 0.002},
    ),
    "factors of one's own": Worked(
        PiecewiseConstant(lr=0.2, boundaries=["1ep", "50%"], factors=[0.5, 1, 0]),
        {9: 0.1, 10: 0.2, 49: 0.2, 50: 0.0},
    ),
    "piecewise that holds": Worked(
        PiecewiseConstant(lr=0.2, after="hold", end_steps="50%"),
        {29: 0.2, 30: 0.1, 49: 0.1, 50: 0.1, 51: 0.1, 60: 0.1, 90: 0.1, 10**9: 0.1},
    ),
    "no boundary": Worked(PiecewiseConstant(boundaries=[], values=[0.3]), {0: 0.3, 9: 0.3}),
    "points by their defaults": Worked(
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
    "points of one's own": Worked(
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
    "points on cosines": Worked(
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
    "points for a momentum": Worked(
        PiecewiseInterpolation(boundaries=(0, 40, 100), values=(0.95, 0.85, 0.95), after="error"),
        {0: 0.95, 20: 0.9, 40: 0.85, 70: 0.9, 100: 0.95},
    ),
}

VARIANTS = (
    Variant("step", Step(lr=0.1, factor=0.5), jumps=(300, 600), holds=False),
    Variant(
        "step_floor",
        Step(lr=0.1, decay_steps="2ep", floor=0.05, after="hold", end_steps="50%"),
        jumps=(200,),
        end=500,
    ),
    Variant("multistep", MultiStep(lr=0.1, factor=0.5), jumps=(300, 600)),
    Variant(
        "multistep_right",
        MultiStep(lr=0.1, boundaries=("1ep", "60%"), factor=0.0, closed="right"),
        jumps=(101,),
    ),
    Variant("piecewise", PiecewiseConstant(lr=0.1), jumps=(300, 600)),
    Variant(
        "piecewise_right",
        PiecewiseConstant(boundaries=("50%", "8ep"), values=(0.1, 0.0, 0.3), closed="right"),
        jumps=(501, 801),
    ),
    Variant("interpolation", PiecewiseInterpolation(lr=0.1)),
    Variant(
        "interpolation_cosine",
        PiecewiseInterpolation(
            boundaries=("1ep", "60%", "80%"), values=(0.2, 0.3, 0.1), shape="cosine"
        ),
        end=800,
    ),
)

PICTURES = {
    "multistep": MultiStep(lr=1.0, factor=0.3),
    "piecewise": PiecewiseConstant(
        lr=1.0, boundaries=("30%", "60%", "90%"), factors=(1, 0.5, 0.1, 0.01)
    ),
    "interpolation": PiecewiseInterpolation(
        lr=1.0,
        boundaries=("0%", "15%", "50%", "70%", "100%"),
        factors=(0.1, 1, 0.35, 0.6, 0),
    ),
}
