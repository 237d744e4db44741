"""Decays along a cosine or a hyperbolic tangent."""

from math import cos, exp, pi

from families.entries import COSINE, HALF, Variant, Worked
from schedules import Cosine, LinearCosine, NoisyLinearCosine, Tanh

FAMILIES = {
    Cosine: {"lr": 0.1},
    LinearCosine: {"lr": 0.1},
    NoisyLinearCosine: {"lr": 0.1},
    Tanh: {"lr": 0.1},
}

BY_HAND = {
    "cosine": Worked(
        Cosine(lr=0.1, decay_steps=12),
        {0: 0.1, 3: 0.05 * (1 + HALF), 4: 0.075, 6: 0.05, 8: 0.025, 12: 0.0, 13: 0.0},
    ),
    "cosine to a floor": Worked(
        Cosine(lr=0.1, floor=0.02),
        {0: 0.1, 25: 0.06 + 0.04 * HALF, 50: 0.06, 75: 0.06 - 0.04 * HALF, 100: 0.02, 10**9: 0.02},
    ),
    "cosine to a share of the peak, Keras's alpha 0.2": Worked(
        Cosine(lr=0.1, floor=0.2 * 0.1, decay_steps=12),
        # 0.1 * (0.8 * (1 + cos(pi t / 12)) / 2 + 0.2)
        {0: 0.1, 3: 0.1 * (0.4 * (1 + HALF) + 0.2), 4: 0.08, 6: 0.06, 8: 0.04, 12: 0.02, 13: 0.02},
    ),
    "cosine to a power, optax's exponent 2": Worked(
        Cosine(lr=0.1, floor=0.02, power=2, decay_steps=12),
        # 0.1 * (0.8 * ((1 + cos(pi t / 12)) / 2) ** 2 + 0.2)
        {0: 0.1, 3: 0.02 * (1 + HALF) ** 2 + 0.02, 4: 0.065, 6: 0.04, 8: 0.025, 12: 0.02, 13: 0.02},
    ),
    "square root of a cosine": Worked(
        Cosine(lr=0.1, power=0.5), {0: 0.1, 50: 0.1 * HALF, 100: 0.0}
    ),
    "half a fall": Worked(
        Cosine(lr=0.4, half_cycles=0.5, decay_steps=12),
        {0: 0.4, 6: 0.2 + 0.2 * HALF, 8: 0.3, 12: 0.2, 13: 0.2, 10**9: 0.2},
    ),
    "two falls, Transformers' num_cycles 1.5": Worked(
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
    "a cosine that climbs again, as PyTorch's": Worked(
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
    "a cosine for its run only": Worked(Cosine(lr=0.4, after="error"), {0: 0.4, 50: 0.2, 100: 0.0}),
    "linear cosine": Worked(
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
    "linear cosine with TensorFlow's alpha 0.2 and beta 0.001": Worked(
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
    "linear cosine with TensorFlow's num_periods 1.5": Worked(
        LinearCosine(lr=0.6, decay_steps=60, half_cycles=3),
        {0: 0.6, 10: 0.25, 20: 0.0, 30: 0.15, 40: 0.2, 50: 0.05, 60: 0.0, 61: 0.0},
    ),
    "linear cosine without noise": Worked(
        NoisyLinearCosine(lr=0.1, linear_offset=0.2, end_factor=0.01, initial_variance=0, seed=3),
        {0: 0.121, 25: 0.095 * (1 + HALF) / 2 + 0.001, 50: 0.036, 100: 0.001, 101: 0.001},
    ),
    "hyperbolic tangent": Worked(
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
    "hyperbolic tangent that goes on to its floor": Worked(
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
    "hyperbolic tangent between other limits": Worked(
        Tanh(lr=0.1, decay_steps=10, lower=-1, upper=1),
        {0: 0.1 / (1 + exp(-2)), 5: 0.05, 10: 0.1 / (1 + exp(2)), 11: 0.1 / (1 + exp(2))},
    ),
}

VARIANTS = (
    Variant("cosine", COSINE),
    Variant("cosine_power", Cosine(lr=0.1, power=2.5, half_cycles=0.5)),
    Variant("cosine_rises", Cosine(lr=0.1, floor=0.01, half_cycles=4, decay_steps="90%"), end=900),
    Variant("cosine_continues", Cosine(lr=0.1, decay_steps="7ep", after="continue"), holds=False),
    Variant("cosine_floor", Cosine(lr=0.1, floor=0.01, decay_steps="70%"), end=700),
    Variant("linear_cosine", LinearCosine(lr=0.1, half_cycles=3)),
    Variant(
        "linear_cosine_offset",
        LinearCosine(lr=0.1, decay_steps="60%", linear_offset=0.5, end_factor=0.01),
        end=600,
    ),
    Variant(
        "noisy_linear_cosine",
        NoisyLinearCosine(lr=0.1, decay_steps="80%", seed=7, initial_variance=0.001),
        end=800,
        drift=0.03,
    ),
    Variant("tanh", Tanh(lr=0.1, floor=0.01)),
    Variant(
        "tanh_continues",
        Tanh(lr=0.1, decay_steps="40%", lower=-3.0, upper=2.0, after="continue"),
        holds=False,
    ),
)

PICTURES = {
    "cosine": Cosine(lr=1.0),
    "linear_cosine": LinearCosine(lr=1.0, half_cycles=7),
    "noisy_linear_cosine": NoisyLinearCosine(lr=1.0, initial_variance=0.5),
    "tanh": Tanh(lr=1.0),
}
