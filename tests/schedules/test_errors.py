"""Bad arguments: which one, what must hold, what was given."""

import math
import pickle
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pytest
from families import FAMILIES

from schedules import (
    ArgumentError,
    ArgumentTypeError,
    Clamp,
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    Expression,
    FromFunction,
    FromTorch,
    GreedyPlateau,
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
    ReduceOnPlateau,
    Repeat,
    Scale,
    Schedule,
    Step,
    Tanh,
    Warmup,
    WarmupStableDecay,
)

LINE = Polynomial(lr=0.1, decay_steps=50)
RATED = {kind: least for kind, least in FAMILIES.items() if "lr" in least}


@pytest.mark.parametrize("family", RATED, ids=lambda family: family.__name__)
@pytest.mark.parametrize(
    ("lr", "error", "message"),
    [
        (-0.1, ValueError, "^lr must be at least 0, got -0.1$"),
        (math.nan, ValueError, "^lr must be finite, got nan$"),
        (math.inf, ValueError, "^lr must be finite, got inf$"),
        (10**400, ValueError, "^lr must be finite, got 1000"),
        ("abc", TypeError, "^lr must be a number, got 'abc'$"),
        ("0.1", TypeError, "^lr must be a number, got '0.1'$"),
        (True, TypeError, "^lr must be a number, got True$"),
        ([0.1], TypeError, "^lr must be a number"),
    ],
)
def test_a_rate_must_be_a_number_of_at_least_0(family, lr, error, message):
    with pytest.raises(error, match=message):
        family(**(RATED[family] | {"lr": lr}))


@pytest.mark.parametrize(
    ("family", "arguments", "message"),
    [
        (Exponential, {"decay_rate": 1.2}, r"^decay_rate must lie in \(0, 1\], got 1.2$"),
        (Exponential, {"decay_rate": 0}, r"^decay_rate must lie in \(0, 1\], got 0$"),
        (Exponential, {"decay_rate": math.nan}, "^decay_rate must be finite, got nan$"),
        (Exponential, {"decay_steps": 0}, "^decay_steps must be at least 1 step, got 0$"),
        (Exponential, {"decay_steps": "x"}, "^decay_steps must be steps .* got 'x'$"),
        (Exponential, {"staircase": 1}, "^staircase must be true or false, got 1$"),
        (Exponential, {"floor": 0.2}, r"^floor must lie in \[0, lr\], got 0.2 with lr 0.1$"),
        (Exponential, {"floor": -1}, r"^floor must lie in \[0, lr\], got -1 with lr 0.1$"),
        (Exponential, {"form": "nat"}, "^form must be 'base' or 'natural', got 'nat'$"),
        (
            Exponential,
            {"form": "natural", "decay_rate": -0.1},
            r"^decay_rate must lie in \[0, 1e\+06\], got -0.1$",
        ),
        (
            Exponential,
            {"form": "natural", "decay_rate": 1e7},
            r"^decay_rate must lie in \[0, 1e\+06\], got 10000000.0$",
        ),
        (Exponential, {"end_steps": 50}, "^end_steps must be null with after 'continue', got 50$"),
        (
            Exponential,
            {"after": "hold", "end_steps": 0},
            "^end_steps must be at least 1 step, got 0$",
        ),
        (Constant, {"after": "stop"}, "^after must be 'hold' or 'error' or 'continue', got 'stop'"),
        (Constant, {"end_steps": "50%"}, "^end_steps must be null with after 'continue', got '50%"),
        (
            Constant,
            {"after": "error", "end_steps": 1.5},
            "^end_steps must be steps .* got 1.5$",
        ),
        (Step, {"factor": 1.5}, r"^factor must lie in \[0, 1\], got 1.5$"),
        (Step, {"factor": -0.1}, r"^factor must lie in \[0, 1\], got -0.1$"),
        (Step, {"factor": None}, "^factor must be a number, got None$"),
        (Step, {"decay_steps": 0}, "^decay_steps must be at least 1 step, got 0$"),
        (Step, {"floor": 0.2}, r"^floor must lie in \[0, lr\], got 0.2 with lr 0.1$"),
        (Step, {"after": None}, "^after must be 'hold' or 'error' or 'continue', got None$"),
        (Step, {"end_steps": 9}, "^end_steps must be null with after 'continue', got 9$"),
        (MultiStep, {"factor": 2}, r"^factor must lie in \[0, 1\], got 2$"),
        (MultiStep, {"boundaries": "50%"}, "^boundaries must be a list, got '50%'$"),
        (MultiStep, {"boundaries": [5, 5]}, r"^boundaries must be strictly .* got \(5, 5\)$"),
        (MultiStep, {"boundaries": [0]}, r"^boundaries\[0\] must be at least 1 step, got 0$"),
        (MultiStep, {"boundaries": [5, None]}, r"^boundaries\[1\] must be steps .* got None$"),
        (MultiStep, {"closed": "both"}, "^closed must be 'left' or 'right', got 'both'$"),
        (
            MultiStep,
            {"end_steps": "1ep"},
            "^end_steps must be null with after 'continue', got '1ep",
        ),
        (InverseTime, {"decay_rate": -1}, r"^decay_rate must lie in \[0, 1e\+06\], got -1$"),
        (
            InverseTime,
            {"decay_rate": 1e9},
            r"^decay_rate must lie in \[0, 1e\+06\], got 1000000000",
        ),
        (InverseTime, {"decay_rate": "1"}, "^decay_rate must be a number, got '1'$"),
        (InverseTime, {"decay_steps": "0%"}, "^decay_steps must be greater than 0, got '0%'$"),
        (InverseTime, {"staircase": None}, "^staircase must be true or false, got None$"),
        (InverseTime, {"floor": -1}, r"^floor must lie in \[0, lr\], got -1 with lr 0.1$"),
        (InverseTime, {"end_steps": 9}, "^end_steps must be null with after 'continue', got 9$"),
        (InverseSquareRoot, {"decay_steps": 0}, "^decay_steps must be at least 1 step, got 0$"),
        (InverseSquareRoot, {"floor": 0.2}, r"^floor must lie in \[0, lr\], got 0.2 with lr 0.1$"),
        (
            InverseSquareRoot,
            {"after": "end"},
            "^after must be 'hold' or 'error' or 'continue', got",
        ),
        (Noam, {"warmup_steps": 0}, "^warmup_steps must be at least 1 step, got 0$"),
        (Noam, {"warmup_steps": None}, "^warmup_steps must be steps .* got None$"),
        (Noam, {"end_steps": 9}, "^end_steps must be null with after 'continue', got 9$"),
        (Polynomial, {"after": "continue"}, "^after must be 'hold' or 'error', got 'continue'$"),
        (
            Polynomial,
            {"after": "error", "cycle": True},
            "^after must be 'hold' with cycle, which has no end, got 'error'$",
        ),
        (Polynomial, {"end": 0.2}, r"^end must lie in \[0, lr\], got 0.2 with lr 0.1$"),
        (Polynomial, {"power": 0}, "^power must be greater than 0, got 0$"),
        (Polynomial, {"power": math.inf}, "^power must be finite, got inf$"),
        (Polynomial, {"decay_steps": -3}, "^decay_steps must not be negative, got -3$"),
        (Polynomial, {"decay_steps": None}, "^decay_steps must be steps .* got None$"),
        (Polynomial, {"cycle": "no"}, "^cycle must be true or false, got 'no'$"),
        (Cosine, {"floor": 0.2}, r"^floor must lie in \[0, lr\]"),
        (Cosine, {"power": 0}, "^power must be greater than 0, got 0$"),
        (Cosine, {"power": math.inf}, "^power must be finite, got inf$"),
        (Cosine, {"half_cycles": 0}, r"^half_cycles must lie in \(0, 1e\+06\], got 0$"),
        (Cosine, {"half_cycles": 2e6}, r"^half_cycles must lie in \(0, 1e\+06\], got 2000000.0$"),
        (Cosine, {"after": "rise"}, "^after must be 'hold' or 'error' or 'continue', got 'rise'$"),
        (Cosine, {"decay_steps": 1.5}, "^decay_steps must be steps .* got 1.5$"),
        (
            PiecewiseConstant,
            {"boundaries": [10, 5, 20]},
            r"^boundaries must be strictly increasing, got \(10, 5, 20\)$",
        ),
        (
            PiecewiseConstant,
            {"boundaries": ["10%", "10.0%", "1ep"]},
            "^boundaries must be strictly increasing",
        ),
        (PiecewiseConstant, {"boundaries": [0, 1, 2]}, r"^boundaries\[0\] must be at least 1 step"),
        (PiecewiseConstant, {"boundaries": [1, 2.5]}, r"^boundaries\[1\] must be steps"),
        (PiecewiseConstant, {"boundaries": "50%"}, "^boundaries must be a list, got '50%'$"),
        (PiecewiseConstant, {"boundaries": 5}, "^boundaries must be a list, got 5$"),
        (
            PiecewiseConstant,
            {"boundaries": [5, 10]},
            r"^factors must be given, 3 of them for boundaries \(5, 10\): the default .* has 4$",
        ),
        (
            PiecewiseConstant,
            {"factors": [1, 0.5]},
            "^factors must be one more than boundaries, got 2 factors and 3 boundaries$",
        ),
        (
            PiecewiseConstant,
            {"lr": None, "values": [0.1, 0.2]},
            "^values must be one more than boundaries, got 2 values and 3 boundaries$",
        ),
        (
            PiecewiseConstant,
            {"values": [1, 2, 3, 4]},
            "^values must not be given beside lr, got lr 0.1$",
        ),
        (
            PiecewiseConstant,
            {"lr": None, "values": [1, 2, 3, 4], "factors": [1, 1, 1, 1]},
            "^values must not be given beside factors",
        ),
        (PiecewiseConstant, {"lr": None}, "^lr must be given, or values instead"),
        (
            PiecewiseConstant,
            {"factors": [1, 1.5, 0, 0]},
            r"^factors\[1\] must lie in \[0, 1\], got 1.5$",
        ),
        (
            PiecewiseConstant,
            {"lr": None, "values": [1, 1, -1, 0]},
            r"^values\[2\] must be at least 0, got -1$",
        ),
        (
            PiecewiseConstant,
            {"lr": None, "values": [1, math.nan, 1, 0]},
            r"^values\[1\] must be finite, got nan$",
        ),
        (PiecewiseConstant, {"closed": "both"}, "^closed must be 'left' or 'right', got 'both'$"),
        (
            PiecewiseConstant,
            {"end_steps": "1ep"},
            "^end_steps must be null with after 'continue', got '1ep'$",
        ),
        (
            PiecewiseInterpolation,
            {"boundaries": [10, 5, 20]},
            r"^boundaries must be strictly increasing, got \(10, 5, 20\)$",
        ),
        (
            PiecewiseInterpolation,
            {"boundaries": [0, -5]},
            r"^boundaries\[1\] must not be negative, got -5$",
        ),
        (PiecewiseInterpolation, {"boundaries": 5}, "^boundaries must be a list, got 5$"),
        (
            PiecewiseInterpolation,
            {"boundaries": [5], "factors": [1]},
            r"^boundaries must be at least 2 points, got \(5,\)$",
        ),
        (
            PiecewiseInterpolation,
            {"boundaries": [0, 10]},
            r"^factors must be given, 2 of them for boundaries \(0, 10\): the default .* has 3$",
        ),
        (
            PiecewiseInterpolation,
            {"factors": [1, 0.5]},
            "^factors must be as many as boundaries, got 2 factors and 3 boundaries$",
        ),
        (
            PiecewiseInterpolation,
            {"factors": [1, 1.5, 0]},
            r"^factors\[1\] must lie in \[0, 1\], got 1.5$",
        ),
        (
            PiecewiseInterpolation,
            {"lr": None, "values": [0.1, 0.2]},
            "^values must be as many as boundaries, got 2 values and 3 boundaries$",
        ),
        (
            PiecewiseInterpolation,
            {"lr": None, "values": [0.1, -0.2, 0]},
            r"^values\[1\] must be at least 0, got -0.2$",
        ),
        (
            PiecewiseInterpolation,
            {"values": [1, 2, 3]},
            "^values must not be given beside lr, got lr 0.1$",
        ),
        (
            PiecewiseInterpolation,
            {"lr": None, "factors": [1, 1, 1], "values": [1, 2, 3]},
            "^values must not be given beside factors",
        ),
        (
            PiecewiseInterpolation,
            {"lr": None},
            "^lr must be given, or values instead, got neither$",
        ),
        (
            PiecewiseInterpolation,
            {"shape": "sqrt"},
            "^shape must be 'linear' or 'cosine', got 'sqrt'",
        ),
        (
            PiecewiseInterpolation,
            {"after": "continue"},
            "^after must be 'hold' or 'error', got 'continue'$",
        ),
        (CosineRestarts, {"cycle_steps": 0}, "^cycle_steps must be at least 1 step, got 0$"),
        (
            CosineRestarts,
            {"cycle_multiplier": 0.5},
            "^cycle_multiplier must be 1 or lie in .* 0.5$",
        ),
        (CosineRestarts, {"cycle_multiplier": 1e9}, "^cycle_multiplier must be 1 or lie in"),
        (CosineRestarts, {"peak_multiplier": 1.1}, r"^peak_multiplier must lie in \(0, 1\]"),
        (CosineRestarts, {"peak_multiplier": 0}, r"^peak_multiplier must lie in \(0, 1\]"),
        (CosineRestarts, {"warmup_fraction": 1}, r"^warmup_fraction must lie in \[0, 1\), got 1$"),
        (CosineRestarts, {"warmup_start": 0.2}, r"^warmup_start must lie in \[0, lr\]"),
        (
            CosineRestarts,
            {"cycle_steps": 4, "warmup_fraction": 0.9},
            "^warmup_fraction must leave at least 1 step of each cycle, got 0.9 = 4 of 4$",
        ),
        (
            CosineRestarts,
            {"boundaries": [4, 8], "total_steps": 10, "warmup_fraction": 0.8},
            "^warmup_fraction must leave at least 1 step of each cycle, got 0.8 = 2 of 2$",
        ),
        (
            CosineRestarts,
            {"boundaries": ["5%"], "cycle_steps": 5},
            "^cycle_steps must be null beside boundaries, got 5$",
        ),
        (
            CosineRestarts,
            {"boundaries": ["5%"], "cycle_multiplier": 2},
            "^cycle_multiplier must be 1 beside boundaries, got 2$",
        ),
        (
            CosineRestarts,
            {"total_steps": 9},
            "^total_steps must be null without boundaries, got 9$",
        ),
        (
            CosineRestarts,
            {"boundaries": ["5%", "100%"]},
            r"^boundaries\[1\] must lie before total_steps, got '100%' with total_steps '100%'$",
        ),
        (CosineRestarts, {"boundaries": ["30%", "15%"]}, "^boundaries must be strictly increasing"),
        (CosineRestarts, {"cycle_limit": 0}, "^cycle_limit must be at least 1, got 0$"),
        (CosineRestarts, {"cycle_limit": 1.5}, "^cycle_limit must be a whole number, got 1.5$"),
        (
            CosineRestarts,
            {"boundaries": ["5%"], "cycle_limit": 2},
            "^cycle_limit must be null beside boundaries, got 2$",
        ),
        (
            CosineRestarts,
            {"after": "continue"},
            "^after must be 'hold' or 'error', got 'continue'$",
        ),
        (LinearCosine, {"decay_steps": 0}, "^decay_steps must be at least 1 step, got 0$"),
        (LinearCosine, {"half_cycles": 0}, r"^half_cycles must lie in \(0, 1e\+06\], got 0$"),
        (LinearCosine, {"half_cycles": 1e7}, r"^half_cycles must lie in \(0, 1e\+06\], got 1"),
        (LinearCosine, {"linear_offset": -0.1}, "^linear_offset must be at least 0, got -0.1$"),
        (LinearCosine, {"linear_offset": "a"}, "^linear_offset must be a number, got 'a'$"),
        (LinearCosine, {"end_factor": -1}, "^end_factor must be at least 0, got -1$"),
        (LinearCosine, {"end_factor": math.nan}, "^end_factor must be finite, got nan$"),
        (
            LinearCosine,
            {"lr": 1e308, "linear_offset": 1, "end_factor": 0.5},
            r"^lr must be finite also times 2.5, the highest factor, got 1e\+308$",
        ),
        (LinearCosine, {"after": "continue"}, "^after must be 'hold' or 'error', got 'continue'$"),
        (NoisyLinearCosine, {"seed": -1}, "^seed must be at least 0, got -1$"),
        (NoisyLinearCosine, {"seed": 1.0}, "^seed must be a whole number, got 1.0$"),
        (
            NoisyLinearCosine,
            {"seed": 2**64},
            r"^seed must be less than 2\*\*64, got 18446744073709",
        ),
        (
            NoisyLinearCosine,
            {"initial_variance": -1},
            "^initial_variance must be at least 0, got -1$",
        ),
        (
            NoisyLinearCosine,
            {"variance_decay": 11},
            r"^variance_decay must lie in \[0, 10\], got 11$",
        ),
        (
            NoisyLinearCosine,
            {"lr": 1e308, "initial_variance": 4},
            r"^lr must be finite also times 19, the highest factor, got 1e\+308$",
        ),
        (Tanh, {"floor": 0.2}, r"^floor must lie in \[0, lr\], got 0.2 with lr 0.1$"),
        (Tanh, {"decay_steps": 0}, "^decay_steps must be at least 1 step, got 0$"),
        (Tanh, {"lower": 3}, "^lower must be less than upper, got 3.0 with upper 3.0$"),
        (Tanh, {"lower": -1e7}, r"^lower must lie in \[-1e\+06, 1e\+06\], got -10000000.0$"),
        (Tanh, {"upper": math.inf}, "^upper must be finite, got inf$"),
        (Tanh, {"after": "stop"}, "^after must be 'hold' or 'error' or 'continue', got 'stop'$"),
        (WarmupStableDecay, {"warmup_steps": -1}, "^warmup_steps must not be negative, got -1$"),
        (WarmupStableDecay, {"decay_steps": 0}, "^decay_steps must be at least 1 step, got 0$"),
        (
            WarmupStableDecay,
            {"total_steps": "0%"},
            "^total_steps must be greater than 0, got '0%'$",
        ),
        (
            WarmupStableDecay,
            {"shape": "exponential"},
            "^shape must be 'linear' or 'cosine' or 'sqrt', got 'exponential'$",
        ),
        (WarmupStableDecay, {"floor": 1}, r"^floor must lie in \[0, lr\], got 1 with lr 0.1$"),
        (
            WarmupStableDecay,
            {"warmup_steps": 6, "decay_steps": 5, "total_steps": 10},
            "^warmup_steps and decay_steps must fit into total_steps, got 6 and 5 of 10$",
        ),
        (
            WarmupStableDecay,
            {"after": "continue"},
            "^after must be 'hold' or 'error', got 'continue",
        ),
        (Cyclic, {"floor": 0.2}, r"^floor must lie in \[0, lr\], got 0.2 with lr 0.1$"),
        (Cyclic, {"cycle_steps": 1}, "^cycle_steps must be at least 2 steps, got 1$"),
        (Cyclic, {"rise_fraction": 0}, r"^rise_fraction must lie in \(0, 1\), got 0$"),
        (Cyclic, {"rise_fraction": 1}, r"^rise_fraction must lie in \(0, 1\), got 1$"),
        (
            Cyclic,
            {"mode": "triangle"},
            "^mode must be 'triangular' or 'triangular2' or 'exp_range', got 'triangle'$",
        ),
        (Cyclic, {"decay_rate": 0}, r"^decay_rate must lie in \(0, 1\], got 0$"),
        (Cyclic, {"decay_rate": 1.1}, r"^decay_rate must lie in \(0, 1\], got 1.1$"),
        (Cyclic, {"decay_steps": 0}, "^decay_steps must be at least 1 step, got 0$"),
        (Cyclic, {"end_steps": 9}, "^end_steps must be null with after 'continue', got 9$"),
        (OneCycle, {"total_steps": 1}, "^total_steps must be at least 2 steps, got 1$"),
        (OneCycle, {"rise_steps": 0}, "^rise_steps must be at least 1 step, got 0$"),
        (
            OneCycle,
            {"total_steps": 30, "rise_steps": 30},
            "^rise_steps must be less than total_steps, got 30 with total_steps 30$",
        ),
        (
            OneCycle,
            {"total_steps": 30, "rise_steps": 15, "phases": 3},
            "^rise_steps must be less than half of total_steps with 3 phases, "
            "got 15 with total_steps 30$",
        ),
        (OneCycle, {"phases": 1}, "^phases must be at least 2, got 1$"),
        (OneCycle, {"phases": 4}, "^phases must be 2 or 3, got 4$"),
        (OneCycle, {"phases": "2"}, "^phases must be a whole number, got '2'$"),
        (OneCycle, {"shape": "sqrt"}, "^shape must be 'cosine' or 'linear', got 'sqrt'$"),
        (OneCycle, {"start_factor": 1.1}, r"^start_factor must lie in \[0, 1\], got 1.1$"),
        (OneCycle, {"end_factor": -1}, r"^end_factor must lie in \[0, 1\], got -1$"),
        (OneCycle, {"after": "continue"}, "^after must be 'hold' or 'error', got 'continue'$"),
        (ReduceOnPlateau, {"factor": 1.0}, r"^factor must lie in \(0, 1\), got 1.0$"),
        (ReduceOnPlateau, {"patience": -1}, "^patience must be at least 0, got -1$"),
        (ReduceOnPlateau, {"patience": 2.0}, "^patience must be a whole number, got 2.0$"),
        (ReduceOnPlateau, {"cooldown": "3"}, "^cooldown must be a whole number, got '3'$"),
        (ReduceOnPlateau, {"min_delta": -1e-4}, "^min_delta must be at least 0, got -0.0001$"),
        (ReduceOnPlateau, {"min_delta_mode": "rel"}, "^min_delta_mode must be 'absolute' or"),
        (ReduceOnPlateau, {"mode": "auto"}, "^mode must be 'min' or 'max', got 'auto'$"),
        (ReduceOnPlateau, {"floor": 0.2}, r"^floor must lie in \[0, lr\]"),
        (ReduceOnPlateau, {"monitor": ""}, "^monitor must be a metric's name, got ''$"),
        (ReduceOnPlateau, {"counting": "tf"}, "^counting must be 'keras' or 'torch', got 'tf'$"),
        (GreedyPlateau, {"factor": 0}, r"^factor must lie in \(0, 1\), got 0$"),
        (GreedyPlateau, {"factor": 1.0}, r"^factor must lie in \(0, 1\), got 1.0$"),
        (GreedyPlateau, {"patience": -1}, "^patience must be at least 0, got -1$"),
        (GreedyPlateau, {"min_delta": -1}, "^min_delta must be at least 0, got -1$"),
        (GreedyPlateau, {"min_delta_mode": "rel"}, "^min_delta_mode must be 'absolute' or"),
        (GreedyPlateau, {"cooldown": 1.5}, "^cooldown must be a whole number, got 1.5$"),
        (GreedyPlateau, {"raise_rest": -1}, "^raise_rest must be at least 0, got -1$"),
        (GreedyPlateau, {"floor": 0.2}, r"^floor must lie in \[0, lr\], got 0.2 with lr 0.1$"),
        (GreedyPlateau, {"ceiling": 0.05}, "^ceiling must be at least lr, got 0.05 with lr 0.1$"),
        (GreedyPlateau, {"ceiling": math.inf}, "^ceiling must be finite, got inf$"),
        (GreedyPlateau, {"window": 0}, "^window must be at least 1, got 0$"),
        (GreedyPlateau, {"reset_after": 0}, "^reset_after must be at least 1, got 0$"),
        (GreedyPlateau, {"mode": "auto"}, "^mode must be 'min' or 'max', got 'auto'$"),
        (GreedyPlateau, {"monitor": 3}, "^monitor must be a metric's name, got 3$"),
    ],
)
def test_an_argument_out_of_its_range(family, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        family(**(RATED[family] | arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 5, "fraction": 0.1}, "^steps must be null beside fraction .* got steps 5 and"),
        ({"fraction": 1.2}, r"^fraction must lie in \[0, 1\), got 1.2$"),
        ({"fraction": 1}, r"^fraction must lie in \[0, 1\), got 1$"),
        ({"fraction": -0.1}, r"^fraction must lie in \[0, 1\), got -0.1$"),
        ({"fraction": "10%"}, "^fraction must be a number, got '10%'$"),
        ({"steps": -1}, "^steps must not be negative, got -1$"),
        ({"steps": 5, "start": -0.1}, "^start must be at least 0, got -0.1$"),
        (
            {"steps": 5, "start": 0.2},
            r"^start must lie in \[0, first rate\], got 0.2 with first rate 0.1$",
        ),
        (
            {"steps": 5, "start": 0.2, "schedule": OneCycle(lr=3.0, total_steps=9, rise_steps=3)},
            r"^start must lie in \[0, first rate\], got 0.2 with first rate 0.12$",
        ),
        (
            {"steps": 5, "start": 0.1, "start_factor": 0.1},
            r"^start must be null beside start_factor \(or start_factor null\), got start 0.1 and",
        ),
        ({"start_factor": 1.5}, r"^start_factor must lie in \[0, 1\], got 1.5$"),
        ({"start_factor": -0.5}, "^start_factor must be at least 0, got -0.5$"),
        ({"start_factor": "1"}, "^start_factor must be a number, got '1'$"),
        (
            {"steps": 5, "shape": "cubic"},
            "^shape must be 'linear' or 'cosine' or 'exponential' or 'sqrt' or 'constant', got 'cu",
        ),
        (
            {"shape": "exponential"},
            "^start or start_factor must be given with shape 'exponential', got neither$",
        ),
        ({"shape": "constant"}, "^start or start_factor must be given with shape 'constant', got"),
        ({"shape": "exponential", "start": 0}, "^start must be greater than 0, got 0$"),
        (
            {"shape": "exponential", "start_factor": 0.0},
            "^start_factor must be greater than 0, got 0.0$",
        ),
        ({"steps": 5, "placement": "over"}, "^placement must be 'shift' or 'overlay', got 'over'$"),
        ({"steps": 5, "hold_steps": -2}, "^hold_steps must not be negative, got -2$"),
        (
            {"steps": 5, "hold_steps": "1%", "placement": "overlay"},
            "^hold_steps must be 0 with placement 'overlay', got '1%'$",
        ),
        ({"steps": 5, "schedule": None}, "^schedule must be a Schedule, got None$"),
    ],
)
def test_a_warm_up_out_of_its_range(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Warmup(**({"schedule": LINE} | arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 120}, "^steps must be shorter than the run of 100 steps, got 120$"),
        ({"steps": 100}, "^steps must be shorter than the run of 100 steps, got 100$"),
        ({"steps": "10ep"}, "^steps must be shorter than .* got '10ep' = 100 steps$"),
        ({"fraction": 0.999}, "^fraction must be shorter than .* got 0.999 = 100 steps$"),
        (
            {"steps": 100, "placement": "overlay"},
            "^steps must be shorter than the run of 100 steps, got 100$",
        ),
        (
            {"steps": 60, "hold_steps": "40%"},
            "^hold_steps must end before the run of 100 steps, got '40%' = 40 steps after",
        ),
        (
            {"steps": 98, "schedule": Exponential(lr=0.1, decay_rate=0.5, decay_steps="20%")},
            "^schedule.decay_steps must be at least 1 step, got '20%' = 0 of 2 steps$",
        ),
        (
            {"steps": 5, "schedule": Polynomial(lr=0.1), "start": 0.2},
            r"^start must lie in \[0, first rate\], got 0.2 with first rate 0.1$",
        ),
    ],
)
def test_a_warm_up_that_does_not_fit_the_run(arguments, message):
    schedule = Warmup(**({"schedule": LINE} | arguments))
    with pytest.raises(ValueError, match=message):
        schedule.bind(Horizon(100, 10))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fraction": 0.1}, "^fraction must be bound to a run first, got 0.1"),
        ({"steps": "10%"}, "^steps must be bound to a run first, got '10%'"),
        ({"steps": 5, "hold_steps": "1ep"}, "^hold_steps must be bound to a run first"),
        (
            {"steps": 5, "schedule": Polynomial(lr=0.1)},
            "^schedule.decay_steps must be bound to a run first, got '100%'",
        ),
    ],
)
def test_a_warm_up_that_is_not_bound(arguments, message):
    with pytest.raises(ValueError, match=message):
        Warmup(**({"schedule": LINE} | arguments))(0)


@pytest.mark.parametrize(
    ("block", "arguments", "message"),
    [
        (Join, {"schedules": LINE}, "^schedules must be a list, got Polynomial"),
        (Join, {"schedules": "LINE"}, "^schedules must be a list, got 'LINE'$"),
        (
            Join,
            {"schedules": (), "boundaries": ()},
            r"^schedules must hold at least 1 schedule, got \(\)$",
        ),
        (Join, {"schedules": (LINE, None)}, r"^schedules\[1\] must be a Schedule, got None$"),
        (
            Join,
            {"schedules": (ReduceOnPlateau(lr=1), ReduceOnPlateau(lr=1, monitor="val/accuracy"))},
            "^schedules must all monitor the same metric, got 'val/loss' and 'val/accuracy'$",
        ),
        (
            Join,
            {"schedules": (LINE,) * 3},
            "^boundaries must be one less than schedules, got 1 boundaries and 3 schedules$",
        ),
        (Join, {"schedules": (LINE,)}, "^boundaries must be one less than schedules, got 1 b"),
        (Join, {"boundaries": "50%"}, "^boundaries must be a list, got '50%'$"),
        (Join, {"boundaries": (0,)}, r"^boundaries\[0\] must be at least 1 step, got 0$"),
        (Join, {"boundaries": ("half",)}, r"^boundaries\[0\] must be steps .* got 'half'$"),
        (
            Join,
            {"schedules": (LINE,) * 3, "boundaries": ("50%", "20%")},
            r"^boundaries must be strictly increasing, got \('50%', '20%'\)$",
        ),
        (Join, {"placement": "under"}, "^placement must be 'shift' or 'overlay', got 'under'$"),
        (Product, {"schedules": (LINE, 0.5)}, r"^schedules\[1\] must be a Schedule, got 0.5$"),
        (Product, {"schedules": ()}, r"^schedules must hold at least 1 schedule, got \(\)$"),
        (Product, {"schedules": None}, "^schedules must be a list, got None$"),
        (Scale, {"schedule": 0.1}, "^schedule must be a Schedule, got 0.1$"),
        (Scale, {"factor": -1}, "^factor must be at least 0, got -1$"),
        (Scale, {"factor": math.inf}, "^factor must be finite, got inf$"),
        (Scale, {"factor": "half"}, "^factor must be a number, got 'half'$"),
        (Clamp, {"floor": -0.1}, "^floor must be at least 0, got -0.1$"),
        (Clamp, {"floor": None}, "^floor must be a number, got None$"),
        (Clamp, {"ceiling": math.nan}, "^ceiling must be finite, got nan$"),
        (Clamp, {"ceiling": -1}, "^ceiling must be at least 0, got -1$"),
        (
            Clamp,
            {"floor": 0.2, "ceiling": 0.1},
            r"^floor must lie in \[0, ceiling\], got 0.2 with ceiling 0.1$",
        ),
        (Offset, {"start": -1}, "^start must not be negative, got -1$"),
        (Offset, {"start": 0.5}, "^start must be steps .* got 0.5$"),
        (Repeat, {"cycle_steps": 0}, "^cycle_steps must be at least 1 step, got 0$"),
        (Repeat, {"cycle_steps": None}, "^cycle_steps must be steps .* got None$"),
        (
            Repeat,
            {"schedule": ReduceOnPlateau(lr=0.1)},
            "^schedule must not listen to evaluations, which belong to no cycle, got ReduceOnPl",
        ),
    ],
)
def test_a_block_out_of_its_range(block, arguments, message):
    several = {"schedules": (LINE, LINE)}
    good = {Join: several, Product: several, Scale: {"schedule": LINE, "factor": 0.5}}
    with pytest.raises((ValueError, TypeError), match=message):
        block(**(good.get(block, {"schedule": LINE}) | arguments))


WHOLE = Polynomial(lr=0.1)
STAIRS = Exponential(lr=0.1, decay_rate=0.5, decay_steps="20%")


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (
            Join(schedules=(WHOLE, WHOLE), boundaries=(100,)),
            r"^boundaries\[0\] must lie before the end of the run of 100 steps, got 100$",
        ),
        (
            Join(schedules=(WHOLE, WHOLE, WHOLE), boundaries=("50%", "12ep")),
            r"^boundaries\[1\] must lie before the end of the run of 100 .* '12ep' = 120 steps$",
        ),
        (
            Join(schedules=(WHOLE, WHOLE), boundaries=("0.1%",)),
            r"^boundaries\[0\] must be at least 1 step, got '0.1%' = 0 of 100 steps$",
        ),
        (
            Join(schedules=(WHOLE, WHOLE, WHOLE), boundaries=("50%", 40)),
            r"^boundaries must be strictly increasing, got \('50%', 40\) = \(50, 40\)$",
        ),
        (
            Join(schedules=(WHOLE, STAIRS), boundaries=(98,)),
            r"^schedules\[1\]\.decay_steps must be at least 1 step, got '20%' = 0 of 2 steps$",
        ),
        (
            Join(schedules=(WHOLE, Warmup(schedule=STAIRS, steps=48))),
            r"^schedules\[1\]\.schedule\.decay_steps must be at least 1 step, got '20%' = 0 of 2",
        ),
        (
            Product(schedules=(Scale(schedule=STAIRS, factor=1), WHOLE)),
            r"^schedules\[0\]\.schedule\.decay_steps must be at least 1 step",
        ),
        (
            Offset(schedule=WHOLE, start=2**53),
            r"^start must leave both runs together at most 2\*\*53 steps, got 9007199254740992 be",
        ),
        (
            Repeat(schedule=WHOLE, cycle_steps="0.1%"),
            "^cycle_steps must be at least 1 step, got '0.1%' = 0 of 100 steps$",
        ),
        (
            Repeat(schedule=STAIRS, cycle_steps=2),
            r"^schedule\.decay_steps must be at least 1 step, got '20%' = 0 of 2 steps$",
        ),
    ],
)
def test_a_block_that_does_not_fit_the_run(schedule, message):
    horizon = Horizon(2 if isinstance(schedule, Product) else 100, 10)
    with pytest.raises(ValueError, match=message):
        schedule.bind(horizon)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Join(schedules=(LINE, LINE)), "^boundaries must be bound to a run first, got"),
        (
            Join(schedules=(LINE, WHOLE), boundaries=(5,)),
            r"^schedules\[1\]\.decay_steps must be bound to a run first, got '100%'",
        ),
        (Offset(schedule=LINE, start="10%"), "^start must be bound to a run first, got '10%'"),
        (Repeat(schedule=LINE), "^cycle_steps must be bound to a run first, got '25%'"),
        (
            Repeat(schedule=Product(schedules=(LINE, WHOLE)), cycle_steps=5),
            r"^schedule\.schedules\[1\]\.decay_steps must be bound to a run first, got '100%'",
        ),
    ],
)
def test_a_block_that_is_not_bound(schedule, message):
    with pytest.raises(ValueError, match=message):
        schedule(0)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (
            Product(schedules=(Constant(lr=1e200), Constant(lr=1e200))),
            "^schedules must have a finite product, got none at step 7$",
        ),
        (
            Product(schedules=(Constant(lr=1e200), Constant(lr=1e200), Constant(lr=0))),
            "^schedules must have a finite product, got none at step 7$",
        ),
        (
            Scale(schedule=Constant(lr=1e200), factor=1e200),
            r"^factor must keep the rates finite, got 1e\+200, which does not at step 7$",
        ),
    ],
)
def test_a_rate_too_large_for_a_float(schedule, message):
    with pytest.raises(ValueError, match=message):
        schedule(7)


STRICT = Cosine(lr=0.1, decay_steps=5, after="error")
STRICT_ERROR = "after must be 'hold' or 'continue' for steps beyond 5, the end of Cosine, got"
FALLING = Expression(expression="5 - t")
FALLING_ERROR = "expression must give finite rates of at least 0, got -1.0 at step 6"
LOUD = Scale(schedule=Constant(lr=1e200), factor=1e200)
LOUD_ERROR = r"factor must keep the rates finite, got 1e\+200, which does not at step"


@pytest.mark.parametrize(
    ("schedule", "step", "message"),
    [
        (
            Join(schedules=(STRICT, Constant(lr=0.1)), boundaries=(50,)),
            6,
            rf"^schedules\[0\]\.{STRICT_ERROR} 'error' and step 6$",
        ),
        (
            Join(schedules=(Constant(lr=0.1), STRICT), boundaries=(50,)),
            56,
            rf"^schedules\[1\]\.{STRICT_ERROR} 'error' and step 6 of its own$",
        ),
        (
            Join(schedules=(Constant(lr=0.1), STRICT), boundaries=(50,), placement="overlay"),
            56,
            rf"^schedules\[1\]\.{STRICT_ERROR} 'error' and step 56$",
        ),
        (
            Warmup(schedule=STRICT, steps=20),
            26,
            rf"^schedule\.{STRICT_ERROR} 'error' and step 6 of its own$",
        ),
        (
            Warmup(schedule=STRICT, steps=3, placement="overlay"),
            6,
            rf"^schedule\.{STRICT_ERROR} 'error' and step 6$",
        ),
        (
            Offset(schedule=STRICT, start=4),
            2,
            rf"^schedule\.{STRICT_ERROR} 'error' and step 6 of its own$",
        ),
        (
            Repeat(schedule=STRICT, cycle_steps=10),
            26,
            rf"^schedule\.{STRICT_ERROR} 'error' and step 6 of its own$",
        ),
        (
            Warmup(
                schedule=Join(schedules=(Constant(lr=0.1), Warmup(schedule=FALLING, steps=2))),
                steps=10,
            ),
            63,  # 53 of the join's, 8 of its second part's behind 45, 6 of the expression's
            rf"^schedule\.schedules\[1\]\.schedule\.{FALLING_ERROR} of its own$",
        ),
        (Clamp(schedule=FALLING), 6, rf"^schedule\.{FALLING_ERROR}$"),
        (Product(schedules=(LINE, FALLING)), 6, rf"^schedules\[1\]\.{FALLING_ERROR}$"),
        (Product(schedules=(LINE, LOUD)), 7, rf"^schedules\[1\]\.{LOUD_ERROR} 7$"),
        (Warmup(schedule=LOUD, steps=5), 0, rf"^schedule\.{LOUD_ERROR} 0 of its own$"),
        (
            Warmup(schedule=Product(schedules=(LOUD.schedule,) * 2), steps=5),
            0,
            r"^schedule\.schedules must have a finite product, got none at step 0 of its own$",
        ),
        (
            Repeat(schedule=FromFunction(function="builtins.hex"), cycle_steps=10),
            26,
            r"^schedule\.function must give numbers, got '0x6' at step 6 of its own$",
        ),
        (
            Scale(schedule=Product(schedules=(LOUD.schedule, LOUD.schedule)), factor=1),
            7,
            r"^schedule\.schedules must have a finite product, got none at step 7$",
        ),
    ],
)
def test_an_error_of_a_schedule_within_says_whose_it_is(schedule, step, message):
    with pytest.raises(ValueError, match=message):
        schedule.bind(Horizon(100, 10))(step)


def test_a_ramp_to_a_first_rate_that_there_is_not():
    with pytest.raises(ValueError, match=rf"^schedule\.{LOUD_ERROR} 0 of its own$"):
        Warmup(schedule=LOUD, steps="10%", start=0.1)


@pytest.mark.parametrize("horizon", [100, None, (100, 10)])
@pytest.mark.parametrize(
    "schedule",
    [
        Constant(lr=0.1),
        LINE,
        Warmup(schedule=LINE),
        Join(schedules=(LINE, LINE)),
        Product(schedules=(LINE,)),
        Offset(schedule=LINE),
        Repeat(schedule=LINE),
        Clamp(schedule=LINE),
        FromTorch(lr=0.1, scheduler="torch.optim.lr_scheduler.PolynomialLR"),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_a_horizon_that_is_none(schedule, horizon):
    with pytest.raises(TypeError, match=r"^horizon must be a Horizon, got (100|None|\(100, 10\))$"):
        schedule.bind(horizon)


FLOORS = [family for family in RATED if {"floor", "end"} & {f.name for f in fields(family)}]


@pytest.mark.parametrize("family", FLOORS, ids=lambda family: family.__name__)
@pytest.mark.parametrize(
    ("share", "message"),
    [
        ("120%", r"must lie in \[0%, 100%\], got '120%'$"),
        ("100.01%", r"must lie in \[0%, 100%\], got '100.01%'$"),
        ("-1%", r"must lie in \[0%, 100%\], got '-1%'$"),
        ("10", r"must be a rate or a share of lr \('10%'\), got '10'$"),
        ("1e1%", r"must be a rate or a share of lr \('10%'\), got '1e1%'$"),
        ("nan%", r"must be a rate or a share of lr \('10%'\), got 'nan%'$"),
        ("", r"must be a rate or a share of lr \('10%'\), got ''$"),
    ],
)
def test_a_lowest_rate_that_is_no_share(family, share, message):
    name = "end" if family is Polynomial else "floor"
    with pytest.raises(ValueError, match=f"^{name} {message}"):
        family(**RATED[family], **{name: share})


def test_a_clamp_has_no_rate_that_its_floor_could_be_a_share_of():
    with pytest.raises(TypeError, match=r"^floor must be a number, got '10%'$"):
        Clamp(schedule=LINE, floor="10%")


def test_an_evaluation_needs_a_bound_warm_up():
    schedule = Warmup(schedule=ReduceOnPlateau(lr=0.1), fraction=0.1)
    with pytest.raises(ValueError, match=r"^fraction must be bound to a run first"):
        schedule.observe(schedule.begin(), 1, 1.0)


def test_a_schedule_without_a_formula_says_so():
    from schedules import Schedule

    with pytest.raises(NotImplementedError, match=r"Schedule must define formula\(t\)"):
        Schedule()(0)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (
            WarmupStableDecay(lr=0.1, warmup_steps="5ep", decay_steps="60%"),
            "^warmup_steps and decay_steps must fit into total_steps, got 50 and 60 of 100$",
        ),
        (
            WarmupStableDecay(lr=0.1, decay_steps="0.1%"),
            "^decay_steps must be at least 1 step, got '0.1%' = 0 of 100 steps$",
        ),
        (
            OneCycle(lr=0.1, rise_steps="10ep"),
            "^rise_steps must be less than total_steps, got 100 with total_steps 100$",
        ),
        (
            OneCycle(lr=0.1, rise_steps="50%", phases=3),
            "^rise_steps must be less than half of .* got 50 with total_steps 100$",
        ),
        (
            Cyclic(lr=0.1, cycle_steps="1%"),
            "^cycle_steps must be at least 2 steps, got '1%' = 1 of 100 steps$",
        ),
        (
            CosineRestarts(lr=0.1, cycle_steps="4%", warmup_fraction=0.9, cycle_limit=2),
            "^warmup_fraction must leave at least 1 step of each cycle, got 0.9 = 4 of 4$",
        ),
    ],
)
def test_a_shape_that_does_not_fit_the_run(schedule, message):
    with pytest.raises(ValueError, match=message):
        schedule.bind(Horizon(100, 10))


def test_a_cyclic_s_decay_must_be_bound_in_the_one_mode_that_has_it():
    assert Cyclic(lr=0.1, cycle_steps=10)(5) == 0.1
    with pytest.raises(ValueError, match=r"^decay_steps must be bound to a run first, got '100%'"):
        Cyclic(lr=0.1, cycle_steps=10, mode="exp_range")(5)
    with pytest.raises(ValueError, match=r"^end_steps must be bound to a run first, got '100%'"):
        Cyclic(lr=0.1, cycle_steps=10, after="hold")(5)


def test_an_error_has_fields():
    with pytest.raises(ArgumentError, match=r"^decay_rate must lie in") as caught:
        Exponential(lr=0.1, decay_rate=1.2)
    error = caught.value
    assert (error.where, error.must, error.given) == ("decay_rate", "must lie in (0, 1]", "1.2")
    assert (error.name, error.advice, error.step) == ("decay_rate", None, None)
    with pytest.raises(ArgumentError, match=r"^schedules\[1\]\.schedule\.expression") as caught:
        Join(schedules=(LINE, Warmup(schedule=FALLING, steps=2)), boundaries=(50,))(60)
    inner = caught.value
    assert inner.where == "schedules[1].schedule.expression"
    assert (inner.name, inner.given, inner.step) == ("schedules", "-3.0 at step 8 of its own", None)


def test_an_error_survives_pickling():
    error = ArgumentTypeError("factor", "must fit", "3 at step 5", "use 2", step=5)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is ArgumentTypeError
    assert str(copy) == str(error) == "factor must fit, got 3 at step 5; use 2"
    assert str(copy.under("schedule", own_steps=True).under("[1]").under("schedules")) == (
        "schedules[1].schedule.factor must fit, got 3 at step 5 of its own; use 2"
    )


@dataclass(frozen=True, kw_only=True)
class Own(Schedule):
    """A schedule of a person's own, whose formula fails in one way or another."""

    says: str

    def formula(self, t):
        raise ValueError(self.says)


@pytest.mark.parametrize("says", ["says must be kind, got a word", "says[0]: bad", "says: bad"])
def test_a_plain_error_about_an_argument_of_a_persons_own_schedule_gains_its_place(says):
    text = f"^{re.escape(f'schedule.schedules[1].{says}')}$"
    with pytest.raises(ArgumentError, match=text):
        Scale(schedule=Product(schedules=(LINE, Own(says=says))), factor=1)(0)


@pytest.mark.parametrize("says", ["math domain error", "schedule must be kind", "says_not", ""])
def test_the_trouble_of_another_function_is_left_alone(says):
    with pytest.raises(ValueError, match=f"^{says}$") as caught:
        Product(schedules=(LINE, Own(says=says)))(0)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("junk", [(), (5,), ("10%", "20%")])
@pytest.mark.parametrize(
    ("family", "name"),
    [(family, name) for family in RATED for name in family.durations if name not in family.lists],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_duration_that_is_a_list_is_refused_when_built(family, name, junk):
    after = {"after": "hold"} if name == "end_steps" else {}
    boundaries = (
        {"boundaries": ("10%",)} if (family, name) == (CosineRestarts, "total_steps") else {}
    )
    with pytest.raises(TypeError, match=rf"^{name} must be steps .* got {re.escape(repr(junk))}$"):
        family(**(FAMILIES[family] | after | boundaries | {name: junk}))


def test_a_persons_own_schedule_may_have_lists_of_durations():
    @dataclass(frozen=True, kw_only=True)
    class Cuts(Schedule):
        cuts: Sequence[int | str]
        durations = {"cuts": 2}  # noqa: RUF012
        lists = ("cuts",)

        def formula(self, t):
            return np.searchsorted(self.cuts, t, side="right") + 0.0

    bound = Cuts(cuts=["10%", 50]).bind(Horizon(100, 10))
    assert bound.cuts == (10, 50)
    assert [bound(t) for t in (9, 10, 50)] == [0, 1, 2]
    with pytest.raises(ValueError, match=r"^cuts\[0\] must be at least 2 steps, got 1$"):
        Cuts(cuts=[1])
    with pytest.raises(TypeError, match=r"^cuts must be a list, got '10%'$"):
        Cuts(cuts="10%")
