"""What rises as well as falls."""

from math import cos, pi

from families.entries import HALF, Variant, Worked
from schedules import CosineRestarts, Cyclic, OneCycle, WarmupStableDecay

FAMILIES = {
    CosineRestarts: {"lr": 0.1},
    WarmupStableDecay: {"lr": 0.1},
    Cyclic: {"lr": 0.1},
    OneCycle: {"lr": 0.1},
}

BY_HAND = {
    "equal cycles": Worked(
        CosineRestarts(lr=0.1, floor=0.02),
        {0: 0.1, 24: 0.06 + 0.04 * cos(24 * pi / 25), 25: 0.1, 50: 0.1, 10**9: 0.1},
    ),
    "growing cycles, lower peaks": Worked(
        CosineRestarts(lr=0.8, cycle_steps=10, cycle_multiplier=2, peak_multiplier=0.5),
        {0: 0.8, 5: 0.4, 10: 0.4, 20: 0.2, 30: 0.2, 50: 0.1, 70: 0.1, 110: 0.05, 150: 0.05},
    ),
    "cycles that grow by a half: 10, 15, 23 (22.5), 34 (33.75)": Worked(
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
    "peaks never under the floor": Worked(
        CosineRestarts(lr=0.4, floor=0.1, cycle_steps=2, peak_multiplier=0.5),
        {0: 0.4, 1: 0.25, 2: 0.2, 3: 0.15, 4: 0.1, 5: 0.1, 6: 0.1, 10**9: 0.1},
    ),
    "a ramp in each cycle": Worked(
        CosineRestarts(lr=0.5, cycle_steps=10, warmup_fraction=0.2, warmup_start=0.1),
        {0: 0.1, 1: 0.3, 2: 0.5, 6: 0.25, 10: 0.1, 11: 0.3, 12: 0.5, 16: 0.25},
    ),
    "a ramp starts no higher than its peak": Worked(
        CosineRestarts(
            lr=0.8, cycle_steps=4, peak_multiplier=0.5, warmup_fraction=0.5, warmup_start=0.3
        ),
        {0: 0.3, 1: 0.55, 2: 0.8, 3: 0.4, 4: 0.3, 5: 0.35, 6: 0.4, 8: 0.2, 9: 0.2, 10: 0.2},
    ),
    "five cycles by shares: 5, 10, 15, 20 and 50 steps": Worked(
        CosineRestarts(lr=0.1, boundaries=["5%", "15%", "30%", "50%"]),
        {0: 0.1, 5: 0.1, 10: 0.05, 15: 0.1, 30: 0.1, 40: 0.05, 50: 0.1, 75: 0.05, 100: 0, 999: 0},
    ),
    "three cycles and no more": Worked(
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
    "timm's t_initial 10, cycle_mul 2, cycle_decay 0.5, cycle_limit 2, lr_min 0.1": Worked(
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
    "one cycle with a ramp": Worked(
        CosineRestarts(
            lr=0.5, cycle_steps=10, warmup_fraction=0.2, warmup_start=0.1, cycle_limit=1
        ),
        {0: 0.1, 1: 0.3, 2: 0.5, 6: 0.25, 10: 0.0, 11: 0.0, 12: 0.0},
    ),
    "warm-up, stable, linear decay": Worked(
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
    "warm-up, stable, cosine decay to a floor": Worked(
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
    "stable, decay by 1 - sqrt": Worked(
        WarmupStableDecay(lr=0.1, warmup_steps=0, decay_steps=16, total_steps="5ep", shape="sqrt"),
        {0: 0.1, 34: 0.1, 35: 0.075, 38: 0.05, 43: 0.025, 50: 0.0, 51: 0.0, 99: 0.0},
    ),
    "warm-up and decay fill the run": Worked(
        WarmupStableDecay(lr=0.1, warmup_steps="60%", decay_steps="40%"),
        {0: 0.1 / 60, 29: 0.05, 59: 0.1, 60: 0.1, 61: 0.0975, 80: 0.05, 100: 0.0},
    ),
    "triangles": Worked(
        Cyclic(lr=0.1),
        {0: 0.01, 5: 0.055, 9: 0.091, 10: 0.1, 11: 0.091, 19: 0.019, 20: 0.01, 10**9 + 10: 0.1},
    ),
    "triangles, each half as high": Worked(
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
    "triangles that fall by a rate": Worked(
        Cyclic(lr=1.0, floor=0.0, cycle_steps=4, mode="exp_range", decay_rate=0.25, decay_steps=8),
        {0: 0.0, 1: HALF**0.5 / 2, 2: HALF, 4: 0.0, 6: HALF**3, 10: HALF**5, 14: HALF**7},
    ),
    "triangles that rise in 3 of 5 steps, which is 2.5 upwards": Worked(
        Cyclic(lr=0.3, floor=0.0, cycle_steps=5),
        {0: 0.0, 1: 0.1, 2: 0.2, 3: 0.3, 4: 0.15, 5: 0.0, 8: 0.3},
    ),
    "triangles that rise at once": Worked(
        Cyclic(lr=0.3, floor=0.1, cycle_steps=3, rise_fraction=0.01),
        {0: 0.1, 1: 0.3, 2: 0.2, 3: 0.1, 4: 0.3},
    ),
    "triangles that fall at once": Worked(
        Cyclic(lr=0.3, floor=0.1, cycle_steps=3, rise_fraction=0.99),
        {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.1, 4: 0.2},
    ),
    "triangles that end on a slope": Worked(
        Cyclic(lr=0.2, floor=0.1, after="hold", end_steps="25%"),
        {20: 0.1, 24: 0.14, 25: 0.15, 26: 0.15, 10**9: 0.15},
    ),
    "one cycle": Worked(
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
    "one cycle of three phases in straight lines": Worked(
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
    "one cycle from nothing to nothing": Worked(
        OneCycle(lr=0.5, total_steps=8, rise_steps=4, start_factor=0, end_factor=0),
        {0: 0.0, 2: 0.25, 3: 0.25 * (1 + HALF), 4: 0.5, 5: 0.25 * (1 + HALF), 6: 0.25, 8: 0, 9: 0},
    ),
}

VARIANTS = (
    Variant("restarts", CosineRestarts(lr=0.1, floor=1e-3), jumps=(250, 500, 750), holds=False),
    Variant(
        "restarts_growing",
        CosineRestarts(
            lr=0.1,
            cycle_steps="20%",
            cycle_multiplier=1.5,
            peak_multiplier=0.7,
            warmup_fraction=0.2,
            warmup_start=0.05,
        ),
        jumps=(200, 500, 950),
        holds=False,
    ),
    Variant(
        "restarts_pieces",
        CosineRestarts(lr=0.1, boundaries=("5%", "15%", "30%", "50%")),
        jumps=(50, 150, 300, 500),
    ),
    Variant(
        "restarts_pieces_warmup",
        CosineRestarts(lr=0.1, boundaries=("5%", "15%", "30%", "50%"), warmup_fraction=0.1),
    ),
    Variant(
        "restarts_limited",
        CosineRestarts(lr=0.1, floor=0.01, cycle_limit=3),
        jumps=(250, 500),
        end=750,
    ),
    Variant(
        "restarts_growing_limited",
        CosineRestarts(
            lr=0.1, cycle_steps="20%", cycle_multiplier=1.5, peak_multiplier=0.7, cycle_limit=2
        ),
        jumps=(200,),
        end=500,
    ),
    Variant("warmup_stable_decay", WarmupStableDecay(lr=0.1, floor=0.02), drift=0.02),
    Variant(
        "warmup_stable_decay_cosine",
        WarmupStableDecay(lr=0.1, warmup_steps=0, total_steps="8ep", shape="cosine"),
        end=800,
    ),
    Variant(
        "warmup_stable_decay_sqrt",
        WarmupStableDecay(lr=0.1, warmup_steps=0, decay_steps="50%", shape="sqrt"),
    ),
    Variant("cyclic", Cyclic(lr=0.1), holds=False),
    Variant(
        "cyclic_halved",
        Cyclic(lr=0.1, floor=0.0, rise_fraction=0.3, mode="triangular2"),
        holds=False,
    ),
    Variant(
        "cyclic_decays", Cyclic(lr=0.1, mode="exp_range", after="hold", end_steps="90%"), end=900
    ),
    Variant("one_cycle", OneCycle(lr=0.1)),
    Variant(
        "one_cycle_of_three",
        OneCycle(lr=0.1, total_steps="90%", rise_steps="35%", phases=3, shape="linear"),
        end=900,
    ),
)

PICTURES = {
    "cosine_restarts": CosineRestarts(
        lr=1.0, cycle_steps="12%", cycle_multiplier=1.6, peak_multiplier=0.85
    ),
    "cosine_restarts, in pieces": CosineRestarts(
        lr=1.0, boundaries=("5%", "15%", "30%", "50%"), warmup_fraction=0.2
    ),
    "wsd (warmup-stable-decay)": WarmupStableDecay(lr=1.0, shape="sqrt"),
    "cyclic, triangular2": Cyclic(lr=1.0, mode="triangular2"),
    "one_cycle": OneCycle(lr=1.0),
}
