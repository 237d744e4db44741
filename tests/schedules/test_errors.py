"""Bad arguments: which one, what must hold, what was given."""

import math

import pytest

from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    Horizon,
    PiecewiseConstant,
    Polynomial,
    ReduceOnPlateau,
    Warmup,
)

LINE = Polynomial(lr=0.1, decay_steps=50)
GOOD = {
    Constant: {"lr": 0.1},
    Exponential: {"lr": 0.1, "decay_rate": 0.9},
    Polynomial: {"lr": 0.1},
    PiecewiseConstant: {"lr": 0.1},
    Cosine: {"lr": 0.1},
    CosineRestarts: {"lr": 0.1},
    ReduceOnPlateau: {"lr": 0.1},
}


@pytest.mark.parametrize("family", GOOD, ids=lambda family: family.__name__)
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
        family(**(GOOD[family] | {"lr": lr}))


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
        (Polynomial, {"end": 0.2}, r"^end must lie in \[0, lr\], got 0.2 with lr 0.1$"),
        (Polynomial, {"power": 0}, "^power must be greater than 0, got 0$"),
        (Polynomial, {"power": math.inf}, "^power must be finite, got inf$"),
        (Polynomial, {"decay_steps": -3}, "^decay_steps must not be negative, got -3$"),
        (Polynomial, {"decay_steps": None}, "^decay_steps must be steps .* got None$"),
        (Polynomial, {"cycle": "no"}, "^cycle must be true or false, got 'no'$"),
        (Cosine, {"floor": 0.2}, r"^floor must lie in \[0, lr\]"),
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
        (ReduceOnPlateau, {"factor": 1.0}, r"^factor must lie in \(0, 1\), got 1.0$"),
        (ReduceOnPlateau, {"patience": -1}, "^patience must be at least 0, got -1$"),
        (ReduceOnPlateau, {"patience": 2.0}, "^patience must be a whole number, got 2.0$"),
        (ReduceOnPlateau, {"cooldown": "3"}, "^cooldown must be a whole number, got '3'$"),
        (ReduceOnPlateau, {"min_delta": -1e-4}, "^min_delta must be at least 0, got -0.0001$"),
        (ReduceOnPlateau, {"min_delta_mode": "rel"}, "^min_delta_mode must be 'absolute' or"),
        (ReduceOnPlateau, {"mode": "auto"}, "^mode must be 'min' or 'max', got 'auto'$"),
        (ReduceOnPlateau, {"floor": 0.2}, r"^floor must lie in \[0, lr\]"),
        (ReduceOnPlateau, {"monitor": ""}, "^monitor must be a metric's name, got ''$"),
    ],
)
def test_an_argument_out_of_its_range(family, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        family(**(GOOD[family] | arguments))


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
        ({"steps": 5, "start": 0.2}, r"^start must lie in \[0, peak\], got 0.2 with peak 0.1$"),
        ({"steps": 5, "shape": "cosine"}, "^shape must be 'linear', got 'cosine'$"),
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
            r"^start must lie in \[0, peak\], got 0.2 with peak 0.1$",
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


def test_an_evaluation_needs_a_bound_warm_up():
    schedule = Warmup(schedule=ReduceOnPlateau(lr=0.1), fraction=0.1)
    with pytest.raises(ValueError, match=r"^fraction must be bound to a run first"):
        schedule.observe(schedule.begin(), 1, 1.0)


def test_a_schedule_without_a_formula_says_so():
    from schedules import Schedule

    with pytest.raises(NotImplementedError, match=r"Schedule must define formula\(t\)"):
        Schedule()(0)
