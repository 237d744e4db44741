"""Schedules made of others."""

from math import cos, pi, sqrt

from families.entries import COSINE, HALF, LINE, Variant, Worked
from schedules import (
    Clamp,
    Constant,
    Cosine,
    Exponential,
    InverseSquareRoot,
    Join,
    Offset,
    Polynomial,
    Product,
    ReduceOnPlateau,
    Repeat,
    Scale,
    Warmup,
)

FAMILIES = {
    Warmup: {"schedule": COSINE},
    Join: {"schedules": (COSINE, Constant(lr=0.1))},
    Product: {"schedules": (COSINE, Constant(lr=0.1))},
    Scale: {"schedule": COSINE, "factor": 0.5},
    Clamp: {"schedule": COSINE},
    Offset: {"schedule": COSINE},
    Repeat: {"schedule": COSINE},
}

BY_HAND = {
    "inverse square root behind a warm-up, Transformers' inverse_sqrt": Worked(
        Warmup(schedule=InverseSquareRoot(lr=0.6, decay_steps=10), steps=10, start=0.0),
        # The ramp is lr * t / 10, then comes lr * sqrt(10 / t).
        {0: 0.0, 1: 0.06, 5: 0.3, 9: 0.54, 10: 0.6, 11: 0.6 * sqrt(10 / 11), 40: 0.3, 90: 0.2},
    ),
    "linear warm-up, counted from the first update on, then linear decay": Worked(
        Warmup(schedule=LINE, fraction=0.2),
        {0: 0.05, 4: 0.25, 9: 0.5, 18: 0.95, 19: 1.0, 20: 1.0, 21: 0.9875, 60: 0.5, 100: 0.0},
    ),
    "linear warm-up from 0, then linear decay": Worked(
        Warmup(schedule=LINE, fraction=0.2, start=0.0),
        {0: 0.0, 5: 0.25, 10: 0.5, 19: 0.95, 20: 1.0, 40: 0.75, 60: 0.5, 99: 0.0125, 100: 0.0},
    ),
    "BERT's warm-up over the decay": Worked(
        Warmup(schedule=LINE, fraction=0.2, start=0.0, placement="overlay"),
        {0: 0.0, 5: 0.25, 19: 0.95, 20: 0.8, 60: 0.4, 100: 0.0},
    ),
    "warm-up, hold and cosine": Worked(
        Warmup(schedule=Cosine(lr=1.0, floor=0.2), steps="2ep", start=0.2, hold_steps="40%"),
        {0: 0.2, 10: 0.6, 20: 1.0, 40: 1.0, 60: 1.0, 80: 0.6, 100: 0.2, 101: 0.2},
    ),
    "no ramp": Worked(Warmup(schedule=LINE, steps=0), {0: 1.0, 50: 0.5, 100: 0.0}),
    "a ramp of no length, with a hold": Worked(
        Warmup(schedule=LINE, fraction=0.0, hold_steps=20),
        {0: 1.0, 20: 1.0, 60: 0.5},
    ),
    "warm-up of a warm-up's peak": Worked(
        Warmup(schedule=Warmup(schedule=LINE, steps=0), steps=10),
        {4: 0.5, 9: 1.0, 10: 1.0, 55: 0.5},
    ),
    "a cosine ramp": Worked(
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
    "a cosine ramp counted from the first update on": Worked(
        Warmup(schedule=Constant(lr=0.4), steps=12, shape="cosine"),
        {0: 0.2 * (1 - cos(pi / 12)), 3: 0.1, 5: 0.2, 7: 0.3, 11: 0.4, 12: 0.4},
    ),
    "a ramp by the square root": Worked(
        Warmup(schedule=Constant(lr=0.5), steps=16, start=0.1, shape="sqrt"),
        {0: 0.1, 1: 0.2, 4: 0.3, 9: 0.4, 15: 0.1 + 0.1 * sqrt(15), 16: 0.5, 17: 0.5},
    ),
    "a ramp by the square root counted from the first update on": Worked(
        Warmup(schedule=Constant(lr=0.5), steps=16, shape="sqrt"),
        {0: 0.125, 3: 0.25, 8: 0.375, 15: 0.5, 16: 0.5},
    ),
    "an exponential ramp": Worked(
        Warmup(schedule=LINE, steps=4, start=0.01, shape="exponential"),
        {0: 0.01, 1: sqrt(0.001), 2: 0.1, 3: sqrt(0.1), 4: 1.0, 52: 0.5},
    ),
    "an exponential ramp from a share of the peak": Worked(
        Warmup(schedule=Constant(lr=0.8), steps=2, start_factor=0.25, shape="exponential"),
        {0: 0.2, 1: 0.4, 2: 0.8},
    ),
    "a lower rate, then the peak": Worked(
        Warmup(schedule=LINE, steps=20, start_factor=0.25, shape="constant"),
        {0: 0.25, 19: 0.25, 20: 1.0, 60: 0.5, 100: 0.0},
    ),
    "one after the other": Worked(
        Join(schedules=(Constant(lr=0.5), LINE), boundaries=("60%",)),
        {0: 0.5, 59: 0.5, 60: 1.0, 61: 0.975, 80: 0.5, 99: 0.025, 100: 0.0, 101: 0.0, 10**9: 0.0},
    ),
    "one over the other": Worked(
        Join(schedules=(Constant(lr=0.5), LINE), boundaries=("60%",), placement="overlay"),
        {0: 0.5, 59: 0.5, 60: 0.4, 61: 0.39, 99: 0.01, 100: 0.0, 101: 0.0},
    ),
    "three one after another, shares of their own stretches": Worked(
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
    "no other one": Worked(Join(schedules=[LINE], boundaries=[]), {0: 1.0, 50: 0.5, 100: 0.0}),
    "multiplied": Worked(
        Product(schedules=(LINE, Polynomial(lr=0.5, decay_steps=50))),
        {0: 0.5, 25: 0.75 * 0.25, 49: 0.51 * 0.01, 50: 0.0, 51: 0.0, 10**9: 0.0},
    ),
    "three multiplied": Worked(
        Product(schedules=(LINE, Constant(lr=0.5), Exponential(lr=1, decay_rate=0.5))),
        {0: 0.5, 10: 0.225, 20: 0.1},
    ),
    "scaled": Worked(
        Scale(schedule=LINE, factor=0.25),
        {0: 0.25, 1: 0.2475, 50: 0.125, 99: 0.0025, 100: 0.0, 101: 0.0},
    ),
    "scaled to nothing": Worked(Scale(schedule=LINE, factor=0), {0: 0.0, 7: 0.0}),
    "clamped": Worked(
        Clamp(schedule=LINE, floor=0.2, ceiling=0.7),
        {0: 0.7, 29: 0.7, 30: 0.7, 31: 0.69, 79: 0.21, 80: 0.2, 81: 0.2, 100: 0.2, 10**9: 0.2},
    ),
    "clamped below only": Worked(Clamp(schedule=LINE, floor=0.2), {0: 1.0, 79: 0.21, 81: 0.2}),
    "a join under a ramp under a ceiling": Worked(
        Clamp(
            schedule=Warmup(
                schedule=Join(schedules=(Constant(lr=1.0), LINE)), steps=20, start_factor=0.0
            ),
            ceiling=0.9,
        ),
        {0: 0.0, 10: 0.5, 20: 0.9, 59: 0.9, 60: 0.9, 70: 0.75, 80: 0.5, 100: 0.0},
    ),
    "counted from a later step": Worked(
        Offset(schedule=LINE, start=100),
        {0: 0.5, 1: 0.495, 50: 0.25, 99: 0.005, 100: 0.0, 101: 0.0, 10**9: 0.0},
    ),
    "counted from a quarter of this run on": Worked(
        Offset(schedule=LINE, start="25%"),
        {0: 0.8, 50: 0.4, 100: 0.0},
    ),
    "counted from the same step": Worked(Offset(schedule=LINE), {0: 1.0, 50: 0.5}),
    "again and again": Worked(
        Repeat(schedule=LINE),
        {0: 1.0, 24: 0.04, 25: 1.0, 26: 0.96, 49: 0.04, 50: 1.0, 99: 0.04, 100: 1.0, 10**9: 1.0},
    ),
    "once an epoch": Worked(
        Repeat(schedule=Cosine(lr=0.2), cycle_steps="1ep"),
        {0: 0.2, 5: 0.1, 9: 0.1 + 0.1 * cos(0.9 * pi), 10: 0.2, 15: 0.1},
    ),
    "again and again with a ramp": Worked(
        Repeat(schedule=Warmup(schedule=LINE, steps="20%", start=0.0), cycle_steps="50%"),
        {0: 0.0, 5: 0.5, 10: 1.0, 30: 0.5, 49: 0.025, 50: 0.0, 60: 1.0, 80: 0.5, 100: 0.0},
    ),
}

VARIANTS = (
    Variant("warmup", Warmup(schedule=COSINE), drift=0.001),
    Variant("warmup_shift", Warmup(schedule=COSINE, fraction=0.1, start=0.01)),
    Variant(
        "warmup_hold",
        Warmup(schedule=Polynomial(lr=0.1), steps="1ep", start=0.0, hold_steps="10%"),
    ),
    Variant(
        "warmup_overlay",
        Warmup(
            schedule=Polynomial(lr=0.1, decay_steps="20%"),
            fraction=0.1,
            start=0.0,
            placement="overlay",
        ),
        jumps=(100,),
    ),
    Variant("warmup_cosine", Warmup(schedule=COSINE, start=0.01, shape="cosine")),
    Variant("warmup_sqrt", Warmup(schedule=COSINE, start_factor=0.1, shape="sqrt")),
    Variant("warmup_exponential", Warmup(schedule=COSINE, start=1e-4, shape="exponential")),
    Variant(
        "warmup_constant",
        Warmup(schedule=COSINE, start_factor=0.1, shape="constant"),
        jumps=(100,),
    ),
    Variant(
        "warmup_plateau",
        Warmup(schedule=ReduceOnPlateau(lr=0.1), fraction=0.1, start=0.0),
        monitor="val/loss",
    ),
    Variant(
        "warmup_join",
        Warmup(schedule=Join(schedules=(Constant(lr=0.1), COSINE)), start=0.0),
    ),
    Variant(
        "join",
        Join(schedules=(Polynomial(lr=0.1), Cosine(lr=0.05)), boundaries=("40%",)),
        jumps=(400,),
    ),
    Variant(
        "join_overlay",
        Join(
            schedules=(Polynomial(lr=0.1), COSINE, Constant(lr=0.05)),
            boundaries=("30%", "70%"),
            placement="overlay",
        ),
        jumps=(700,),
    ),
    Variant(
        "join_plateau",
        Join(schedules=(COSINE, ReduceOnPlateau(lr=0.08))),
        jumps=(500,),
        monitor="val/loss",
    ),
    Variant(
        "join_plateaus",
        Join(schedules=(ReduceOnPlateau(lr=0.1), ReduceOnPlateau(lr=0.06)), placement="overlay"),
        jumps=(500,),
        monitor="val/loss",
    ),
    Variant(
        "product",
        Product(
            schedules=(
                COSINE,
                Exponential(lr=1.0, decay_rate=0.5, decay_steps="25%", staircase=True),
            )
        ),
        jumps=(250,),
    ),
    Variant(
        "product_plateau",
        Product(schedules=(COSINE, ReduceOnPlateau(lr=1.0))),
        monitor="val/loss",
    ),
    Variant("scale_warmup", Scale(schedule=Warmup(schedule=COSINE, start=0.0), factor=0.5)),
    Variant("clamp", Clamp(schedule=COSINE, floor=0.01, ceiling=0.09)),
    Variant("offset", Offset(schedule=COSINE, start="30%")),
    Variant(
        "offset_plateau",
        Offset(schedule=Join(schedules=(Constant(lr=0.09), ReduceOnPlateau(lr=0.1))), start="10%"),
        monitor="val/loss",
    ),
    Variant("repeat", Repeat(schedule=Polynomial(lr=0.1)), jumps=(250, 500, 750), holds=False),
    Variant(
        "repeat_join",
        Repeat(schedule=Join(schedules=(Constant(lr=0.1), Constant(lr=0.05))), cycle_steps="40%"),
        jumps=(200, 400, 600, 800),
        holds=False,
    ),
)

PICTURES = {
    "warm-up, then join": Warmup(
        schedule=Join(schedules=(Constant(lr=1.0), Cosine(lr=0.4)), boundaries=("40%",)),
        shape="cosine",
    ),
    "repeat": Repeat(schedule=Polynomial(lr=1.0, power=0.5), cycle_steps="20%"),
}
