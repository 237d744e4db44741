"""Against the schedulers of timm and Transformers, driven as training drives them."""

from itertools import accumulate

import numpy as np
import pytest
import timm.scheduler as timm_s
import torch
import transformers.optimization as transformers_s
from hypothesis import given
from hypothesis import strategies as st

from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    GreedyPlateau,
    Horizon,
    InverseSquareRoot,
    Join,
    MultiStep,
    Offset,
    PiecewiseInterpolation,
    Polynomial,
    Product,
    ReduceOnPlateau,
    Step,
    Tanh,
    Warmup,
    WarmupStableDecay,
)

LR = 0.1
FLOOR = 0.01
START = 0.02

# The steps of a decay and of the warm-up before it.
RUNS = [(1, 0), (1, 1), (2, 1), (48, 0), (48, 1), (48, 7), (300, 0), (299, 1), (250, 50)]


def optimizer(lr=LR):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def rates_of_timm(name, steps, lr=LR, **arguments):
    sgd = optimizer(lr)
    scheduler = getattr(timm_s, name)(sgd, t_in_epochs=False, **arguments)
    rates = []
    for t in range(steps):
        rates.append(sgd.param_groups[0]["lr"])
        scheduler.step_update(t + 1)
    return np.array(rates)


def rates_of_transformers(name, steps, lr=LR, **arguments):
    sgd = optimizer(lr)
    scheduler = getattr(transformers_s, f"get_{name}")(sgd, **arguments)
    rates = []
    for _ in range(steps):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        scheduler.step()
    return np.array(rates)


def assert_same(ours, theirs, first=0):
    """At every step from `first` on; next to 0 a cosine leaves some 1e-16 of the peak."""
    t = np.arange(first, len(theirs))
    np.testing.assert_allclose(ours(t), theirs[first:], rtol=1e-12, atol=1e-15 * LR)


def far(decay_steps, warmup_steps):
    """A number of steps that goes well beyond the end."""
    return warmup_steps + 2 * decay_steps + 5


def warmed(schedule, steps, start=0.0, placement="shift", **arguments):
    return Warmup(schedule=schedule, steps=steps, start=start, placement=placement, **arguments)


def in_turn(schedules, lengths, last):
    return Join(schedules=(*schedules, last), boundaries=tuple(accumulate(lengths)))


PREFIX = {"warmup_prefix": True, "warmup_lr_init": START}
OVER = {"warmup_prefix": False, "warmup_lr_init": START}

# Of d steps of decay and w of warm-up: ours, timm's scheduler, its arguments.
TIMM = {
    "cosine": lambda d, w: (
        warmed(Cosine(lr=LR, floor=FLOOR, decay_steps=d), w, START),
        "CosineLRScheduler",
        {"t_initial": d, "lr_min": FLOOR, "warmup_t": w, **PREFIX},
    ),
    "cosine, from 0 to 0": lambda d, w: (
        warmed(Cosine(lr=LR, decay_steps=d), w),
        "CosineLRScheduler",
        {"t_initial": d, "warmup_t": w, "warmup_prefix": True},
    ),
    "cosine under its warm-up": lambda d, w: (
        warmed(Cosine(lr=LR, floor=FLOOR, decay_steps=d), w, START, "overlay"),
        "CosineLRScheduler",
        {"t_initial": d, "lr_min": FLOOR, "warmup_t": w, **OVER},
    ),
    "cosine, three times": lambda d, w: (
        warmed(CosineRestarts(lr=LR, floor=FLOOR, cycle_steps=d, cycle_limit=3), w, START),
        "CosineLRScheduler",
        {"t_initial": d, "lr_min": FLOOR, "cycle_limit": 3, "warmup_t": w, **PREFIX},
    ),
    "cosine, decaying peaks": lambda d, w: (
        warmed(
            CosineRestarts(lr=LR, floor=FLOOR, cycle_steps=d, peak_multiplier=0.7, cycle_limit=4),
            w,
            START,
            "overlay",
        ),
        "CosineLRScheduler",
        {
            "t_initial": d,
            "lr_min": FLOOR,
            "cycle_decay": 0.7,
            "cycle_limit": 4,
            "warmup_t": w,
            **OVER,
        },
    ),
    "cosine, twice as long each": lambda d, w: (
        warmed(
            CosineRestarts(
                lr=LR,
                floor=FLOOR,
                cycle_steps=d,
                cycle_multiplier=2,
                peak_multiplier=0.5,
                cycle_limit=2,
            ),
            w,
            START,
        ),
        "CosineLRScheduler",
        {
            "t_initial": d,
            "lr_min": FLOOR,
            "cycle_mul": 2.0,
            "cycle_decay": 0.5,
            "cycle_limit": 2,
            "warmup_t": w,
            **PREFIX,
        },
    ),
    # So low a lower bound gives exactly the peak at the start.
    "tanh": lambda d, w: (
        warmed(
            in_turn(
                [Tanh(lr=LR, floor=FLOOR, decay_steps=d, lower=-20.0)], [d], Constant(lr=FLOOR)
            ),
            w,
            START,
        ),
        "TanhLRScheduler",
        {"t_initial": d, "lb": -20.0, "lr_min": FLOOR, "warmup_t": w, **PREFIX},
    ),
    "tanh, less and less high": lambda d, w: (
        warmed(
            in_turn(
                [
                    Tanh(lr=LR * 0.5**i, floor=FLOOR, decay_steps=d * 2**i, lower=-20.0, upper=2.0)
                    for i in range(3)
                ],
                [d, 2 * d, 4 * d],
                Constant(lr=FLOOR),
            ),
            w,
            START,
        ),
        "TanhLRScheduler",
        {
            "t_initial": d,
            "lb": -20.0,
            "ub": 2.0,
            "lr_min": FLOOR,
            "cycle_mul": 2.0,
            "cycle_decay": 0.5,
            "cycle_limit": 3,
            "warmup_t": w,
            **PREFIX,
        },
    ),
    **{
        f"polynomial, power {power}": lambda d, w, power=power: (
            warmed(Polynomial(lr=LR, end=FLOOR, decay_steps=d, power=power), w, START),
            "PolyLRScheduler",
            {"t_initial": d, "power": power, "lr_min": FLOOR, "warmup_t": w, **PREFIX},
        )
        for power in (0.5, 0.9, 1.0, 2.0)
    },
    "polynomial under its warm-up": lambda d, w: (
        warmed(Polynomial(lr=LR, decay_steps=d, power=0.5), w, START, "overlay"),
        "PolyLRScheduler",
        {"t_initial": d, "warmup_t": w, **OVER},
    ),
    "polynomial, less and less high": lambda d, w: (
        warmed(
            in_turn(
                [Polynomial(lr=LR * 0.5**i, end=FLOOR, decay_steps=d * 2**i) for i in range(3)],
                [d, 2 * d, 4 * d],
                Constant(lr=FLOOR),
            ),
            w,
            START,
        ),
        "PolyLRScheduler",
        {
            "t_initial": d,
            "power": 1.0,
            "lr_min": FLOOR,
            "cycle_mul": 2.0,
            "cycle_decay": 0.5,
            "cycle_limit": 3,
            "warmup_t": w,
            **PREFIX,
        },
    ),
    "step": lambda d, w: (
        warmed(Step(lr=LR, factor=0.6, decay_steps=1 + d // 3), w, START),
        "StepLRScheduler",
        {"decay_t": 1 + d // 3, "decay_rate": 0.6, "warmup_t": w, **PREFIX},
    ),
    "step under its warm-up": lambda d, w: (
        warmed(Step(lr=LR, factor=0.6, decay_steps=1 + d // 41), w, START, "overlay"),
        "StepLRScheduler",
        {"decay_t": 1 + d // 41, "decay_rate": 0.6, "warmup_t": w, **OVER},
    ),
    **{
        f"warm-up, stable, {shape} decay": lambda d, w, name=name, shape=shape: (
            warmed(
                WarmupStableDecay(
                    lr=LR,
                    floor=FLOOR,
                    warmup_steps=0,
                    decay_steps=1 + d // 3,
                    total_steps=d,
                    shape=shape,
                ),
                w,
                START,
            ),
            "WSDLRScheduler",
            {
                "t_initial": d,
                "decay_t": 1 + d // 3,
                "lr_min": FLOOR,
                "decay_fn": name,
                "warmup_t": w,
                "warmup_lr_init": START,
            },
        )
        for name, shape in [("linear", "linear"), ("cosine", "cosine"), ("1-sqrt", "sqrt")]
    },
    "warm-up, inverse square root, linear decay": lambda d, w: (
        warmed(
            Product(
                schedules=(
                    InverseSquareRoot(lr=LR, decay_steps=10),
                    PiecewiseInterpolation(boundaries=(d, 2 * d), values=(1.0, 0.0)),
                )
            ),
            w,
            START,
        ),
        "WSDLRScheduler",
        {
            "t_initial": 2 * d,
            "decay_t": d,
            "stable_fn": "rsqrt",
            "stable_timescale": 10,
            "decay_fn": "linear",
            "warmup_t": w,
            "warmup_lr_init": START,
        },
    ),
}


@pytest.mark.parametrize(("decay_steps", "warmup_steps"), RUNS)
@pytest.mark.parametrize("name", TIMM)
def test_timm_has_the_same_rates(name, decay_steps, warmup_steps):
    ours, scheduler, arguments = TIMM[name](decay_steps, warmup_steps)
    # It calls the formula only after the first update: see the known difference for tanh.
    theirs = rates_of_timm(scheduler, far(decay_steps, warmup_steps), **arguments)
    assert_same(ours, theirs)


@pytest.mark.parametrize(
    ("cycle_steps", "multiplier", "cycles"), [(7, 2, 6), (16, 1.5, 5), (25, 1.2, 3), (4, 4, 4)]
)
@pytest.mark.parametrize("warmup_steps", [0, 1, 9])
def test_timm_s_growing_cycles_have_the_same_rates(cycle_steps, multiplier, cycles, warmup_steps):
    ours = CosineRestarts(
        lr=LR,
        floor=FLOOR,
        cycle_steps=cycle_steps,
        cycle_multiplier=multiplier,
        peak_multiplier=0.9,
        cycle_limit=cycles,
    )
    theirs = rates_of_timm(
        "CosineLRScheduler",
        steps=1200,
        t_initial=cycle_steps,
        lr_min=FLOOR,
        cycle_mul=multiplier,
        cycle_decay=0.9,
        cycle_limit=cycles,
        warmup_t=warmup_steps,
        **PREFIX,
    )
    assert_same(warmed(ours, warmup_steps, START), theirs)


@pytest.mark.parametrize("lower", [-7.0, -6.0, -3.0])
@pytest.mark.parametrize("decay_steps", [2, 48, 1000])
def test_timm_s_tanh_has_the_same_rates_between_its_first_and_its_last(lower, decay_steps):
    ours = Tanh(lr=LR, floor=FLOOR, decay_steps=decay_steps, lower=lower, upper=3.0)
    theirs = rates_of_timm(
        "TanhLRScheduler", decay_steps, t_initial=decay_steps, lb=lower, lr_min=FLOOR
    )
    assert_same(ours, theirs, first=1)


def test_known_difference_timm_calls_no_formula_for_the_first_update_so_that_tanh_starts_at_lr():
    theirs = rates_of_timm("TanhLRScheduler", 1, t_initial=10, lb=-2.0)
    assert theirs[0] == LR
    assert Tanh(lr=LR, decay_steps=10, lower=-2.0)(0) == pytest.approx(LR * (1 + np.tanh(2)) / 2)


def test_known_difference_timm_s_tanh_falls_to_its_floor_at_the_end_ours_holds_what_it_reached():
    theirs = rates_of_timm("TanhLRScheduler", 12, t_initial=10, lr_min=FLOOR)
    assert theirs[10] == theirs[11] == FLOOR
    ours = Tanh(lr=LR, floor=FLOOR, decay_steps=10)
    assert ours(10) == ours(11) == pytest.approx(FLOOR + (LR - FLOOR) * (1 - np.tanh(3)) / 2)


@pytest.mark.parametrize("prefix", [True, False])
def test_known_difference_timm_s_ramp_to_tanh_leads_to_lr_or_to_what_follows_ours_to_its_first(
    prefix,
):
    # Ours leads to tanh's rate at its step 0, theirs to lr or, over it, to the rate at its end.
    tanh = Tanh(lr=LR, decay_steps=10, lower=-1.0)
    theirs = rates_of_timm(
        "TanhLRScheduler", 8, t_initial=10, lb=-1.0, warmup_t=4, warmup_prefix=prefix
    )
    ours = warmed(tanh, 4, 0.0, "shift" if prefix else "overlay")
    assert_same(ours, theirs, first=4)
    assert theirs[3] == pytest.approx((LR if prefix else tanh(4)) * 3 / 4)
    assert ours(3) == pytest.approx(tanh(0) * 3 / 4)


@pytest.mark.parametrize("warmup_steps", [0, 1, 10])
def test_known_difference_timm_s_milestones_come_one_step_early(warmup_steps):
    # It compares them with t + 1, by intent.
    theirs = rates_of_timm(
        "MultiStepLRScheduler",
        100,
        decay_t=[20, 21, 50],
        decay_rate=0.3,
        warmup_t=warmup_steps,
        **PREFIX,
    )
    early = MultiStep(lr=LR, boundaries=(19, 20, 49), factor=0.3)
    assert_same(warmed(early, warmup_steps, START), theirs)
    ours = warmed(MultiStep(lr=LR, boundaries=(20, 21, 50), factor=0.3), warmup_steps, START)
    t = np.arange(100)
    assert np.flatnonzero(~np.isclose(ours(t), theirs)).tolist() == [
        warmup_steps + 19,
        warmup_steps + 20,
        warmup_steps + 49,
    ]


def test_known_difference_timm_s_peaks_fall_below_the_floor_ours_stay_at_it():
    # From its fourth peak, 0.0064 below the floor, theirs rises instead of falling.
    arguments = {"t_initial": 10, "lr_min": FLOOR, "cycle_decay": 0.4, "cycle_limit": 9}
    theirs = rates_of_timm("CosineLRScheduler", 40, **arguments)
    ours = CosineRestarts(lr=LR, floor=FLOOR, cycle_steps=10, peak_multiplier=0.4, cycle_limit=9)
    assert_same(ours, theirs[:30])
    assert theirs[30] == pytest.approx(LR * 0.4**3)
    assert theirs[30] < theirs[35] < FLOOR
    assert ours(30) == ours(35) == FLOOR


def test_known_difference_timm_begins_a_cycle_one_step_late_where_its_logarithm_rounds_down():
    # log(243, 3) is 4.999999999999999, so that the sixth cycle of 3 ** i steps misses its start.
    theirs = rates_of_timm("CosineLRScheduler", 364, t_initial=1, cycle_mul=3, cycle_limit=6)
    ours = CosineRestarts(lr=LR, cycle_steps=1, cycle_multiplier=3, cycle_limit=6)
    t = np.arange(364)
    assert np.flatnonzero(~np.isclose(ours(t), theirs)).tolist() == [121]
    assert theirs[121] == 0.0
    assert ours(121) == LR


def test_known_difference_timm_s_cycles_are_fractions_of_steps_ours_whole_steps():
    # Of 5 and 7.5 steps: its third begins at 12.5, ours at 13.
    theirs = rates_of_timm("CosineLRScheduler", 14, t_initial=5, cycle_mul=1.5, cycle_limit=9)
    ours = CosineRestarts(lr=LR, cycle_steps=5, cycle_multiplier=1.5, cycle_limit=9)
    assert_same(ours, theirs[:6])
    assert theirs[13] == pytest.approx(LR * (1 + np.cos(np.pi * 0.5 / 11.25)) / 2)
    assert ours(13) == LR


VALUES = st.lists(st.integers(1, 24).map(lambda n: n / 8), min_size=1, max_size=120)


def rates_of_timm_s_plateau(values, **arguments):
    """The rate after each evaluation, the first one after 1 step."""
    sgd = optimizer()
    scheduler = timm_s.PlateauLRScheduler(sgd, **arguments)
    rates = []
    for step, value in enumerate(values, start=1):
        scheduler.step(step, value)
        rates.append(sgd.param_groups[0]["lr"])
    return rates


def rates_after(schedule, values):
    """The rate after each evaluation, the first one after 1 step; None is no evaluation."""
    memory, rates = schedule.begin(), []
    for step, value in enumerate(values, start=1):
        if value is not None:
            memory = schedule.observe(memory, step, value)
        rates.append(float(schedule.rates(memory, np.array([step]))[0]))
    return rates


@pytest.mark.filterwarnings("ignore:PlateauLRScheduler is deprecated:FutureWarning")
@given(
    values=VALUES,
    patience=st.integers(0, 4),
    cooldown=st.integers(0, 3),
    mode=st.sampled_from(["min", "max"]),
    threshold=st.sampled_from([0.0, 0.25]),
)
def test_timm_s_plateau_has_the_same_rates(values, patience, cooldown, mode, threshold):
    ours = ReduceOnPlateau(
        lr=LR,
        factor=0.5,
        patience=patience,
        min_delta=threshold,
        min_delta_mode="relative",
        cooldown=cooldown,
        floor=FLOOR,
        counting="torch",
        mode=mode,
    )
    theirs = rates_of_timm_s_plateau(
        values,
        decay_rate=0.5,
        patience_t=patience,
        threshold=threshold,
        cooldown_t=cooldown,
        lr_min=FLOOR,
        mode=mode,
    )
    assert rates_after(ours, values) == theirs


@pytest.mark.filterwarnings("ignore:PlateauLRScheduler is deprecated:FutureWarning")
@pytest.mark.parametrize("warmup_steps", [1, 3])
def test_timm_s_plateau_ignores_the_evaluation_at_the_end_of_its_ramp_as_ours_does(
    warmup_steps,
):
    values = [1.0] * 10
    theirs = rates_of_timm_s_plateau(
        values,
        patience_t=0,
        decay_rate=0.5,
        warmup_t=warmup_steps,
        warmup_lr_init=START,
        mode="min",
    )
    plateau = ReduceOnPlateau(lr=LR, factor=0.5, patience=0, counting="torch")
    ours = warmed(plateau, warmup_steps, START)
    assert rates_after(ours, values) == pytest.approx(theirs, rel=1e-12)
    assert theirs[warmup_steps] == LR


# Of d steps of decay and w of warm-up: ours, the function of Transformers, its arguments.
TRANSFORMERS = {
    "constant": lambda d, w: (Constant(lr=LR), "constant_schedule", {}),
    "constant with warm-up": lambda d, w: (
        warmed(Constant(lr=LR), w),
        "constant_schedule_with_warmup",
        {"num_warmup_steps": w},
    ),
    "linear": lambda d, w: (
        warmed(Polynomial(lr=LR, decay_steps=d), w),
        "linear_schedule_with_warmup",
        {"num_warmup_steps": w, "num_training_steps": w + d},
    ),
    **{
        f"cosine, {cycles} cycles": lambda d, w, cycles=cycles: (
            warmed(Cosine(lr=LR, decay_steps=d, half_cycles=2 * cycles, after="continue"), w),
            "cosine_schedule_with_warmup",
            {"num_warmup_steps": w, "num_training_steps": w + d, "num_cycles": cycles},
        )
        for cycles in (0.25, 0.5, 0.7, 1, 3.5)
    },
    **{
        f"polynomial, power {power}": lambda d, w, power=power: (
            warmed(Polynomial(lr=LR, end=FLOOR, decay_steps=d, power=power), w),
            "polynomial_decay_schedule_with_warmup",
            {
                "num_warmup_steps": w,
                "num_training_steps": w + d,
                "lr_end": FLOOR,
                "power": power,
            },
        )
        for power in (0.5, 1.0, 2.0, 3.0)
    },
    "inverse square root": lambda d, w: (
        warmed(InverseSquareRoot(lr=LR, decay_steps=w or 10_000), w),
        "inverse_sqrt_schedule",
        {"num_warmup_steps": w},
    ),
    "inverse square root, time scale": lambda d, w: (
        warmed(InverseSquareRoot(lr=LR, decay_steps=30), w),
        "inverse_sqrt_schedule",
        {"num_warmup_steps": w, "timescale": 30},
    ),
    "cosine with a floor": lambda d, w: (
        warmed(Cosine(lr=LR, floor=FLOOR, decay_steps=d, after="continue"), w),
        "cosine_with_min_lr_schedule_with_warmup",
        {"num_warmup_steps": w, "num_training_steps": w + d, "min_lr": FLOOR},
    ),
    "cosine with a share as floor": lambda d, w: (
        warmed(Cosine(lr=LR, floor=LR / 4, decay_steps=d, half_cycles=3, after="continue"), w),
        "cosine_with_min_lr_schedule_with_warmup",
        {
            "num_warmup_steps": w,
            "num_training_steps": w + d,
            "num_cycles": 1.5,
            "min_lr_rate": 0.25,
        },
    ),
    **{
        f"{ramp} warm-up, stable, {shape} decay": lambda d, w, ramp=ramp, name=name, shape=shape: (
            warmed(
                WarmupStableDecay(
                    lr=LR,
                    floor=FLOOR,
                    warmup_steps=0,
                    decay_steps=1 + d // 3,
                    total_steps=d,
                    shape=shape,
                ),
                w,
                start=FLOOR,
                shape=ramp,
            ),
            "wsd_schedule",
            {
                "num_warmup_steps": w,
                "num_decay_steps": 1 + d // 3,
                "num_training_steps": w + d,
                "warmup_type": ramp,
                "decay_type": name,
                "min_lr_ratio": FLOOR / LR,
            },
        )
        for name, shape in [("linear", "linear"), ("cosine", "cosine"), ("1-sqrt", "sqrt")]
        for ramp in ("linear", "cosine")
    },
}


@pytest.mark.parametrize(("decay_steps", "warmup_steps"), RUNS)
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers_has_the_same_rates(name, decay_steps, warmup_steps):
    ours, function, arguments = TRANSFORMERS[name](decay_steps, warmup_steps)
    assert_same(ours, rates_of_transformers(function, far(decay_steps, warmup_steps), **arguments))


@pytest.mark.parametrize("warmup_steps", [0, 1, 10])
@pytest.mark.parametrize(("cycle_steps", "cycles"), [(1, 1), (1, 4), (32, 2), (25, 4), (300, 3)])
def test_transformers_hard_restarts_have_the_same_rates(cycle_steps, cycles, warmup_steps):
    steps = cycle_steps * cycles
    theirs = rates_of_transformers(
        "cosine_with_hard_restarts_schedule_with_warmup",
        far(steps, warmup_steps),
        num_warmup_steps=warmup_steps,
        num_training_steps=warmup_steps + steps,
        num_cycles=cycles,
    )
    ours = CosineRestarts(lr=LR, cycle_steps=cycle_steps, cycle_limit=cycles)
    assert_same(warmed(ours, warmup_steps), theirs)


@pytest.mark.parametrize("start_factor", [None, 0.3])
@pytest.mark.parametrize(("decay_steps", "warmup_steps"), [run for run in RUNS if run[1]])
def test_transformers_other_warm_up_is_ours_one_step_shorter(
    decay_steps, warmup_steps, start_factor
):
    # Both its ramp and its fall pass through the peak at step w - 1.
    theirs = rates_of_transformers(
        "cosine_with_min_lr_schedule_with_warmup_lr_rate",
        far(decay_steps, warmup_steps),
        num_warmup_steps=warmup_steps,
        num_training_steps=warmup_steps + decay_steps,
        min_lr=FLOOR,
        warmup_lr_rate=start_factor,
    )
    ours = Warmup(
        schedule=Cosine(lr=LR, floor=FLOOR, decay_steps=decay_steps, after="continue"),
        steps=warmup_steps - 1,
        start_factor=start_factor or 1 / warmup_steps,
    )
    first = warmup_steps == 1 and start_factor is not None  # there its only step stays low
    assert_same(ours, theirs, first=int(first))


@pytest.mark.parametrize("total", [10, 50, 999])
def test_shares_of_a_run_count_as_transformers_totals_do(total):
    horizon = Horizon(total_steps=total, steps_per_epoch=7)
    warmup_steps = {10: 2, 50: 10, 999: 200}[total]
    arguments = {"num_warmup_steps": warmup_steps, "num_training_steps": total}
    for schedule, function in [
        (Polynomial(lr=LR), "linear_schedule_with_warmup"),
        (Cosine(lr=LR), "cosine_schedule_with_warmup"),
    ]:
        ours = Warmup(schedule=schedule, fraction=0.2, start=0.0).bind(horizon)
        assert_same(ours, rates_of_transformers(function, total + 1, **arguments))
    ours = Warmup(schedule=Constant(lr=LR), steps="20%", start=0.0).bind(horizon)
    theirs = rates_of_transformers(
        "constant_schedule_with_warmup", total, num_warmup_steps=warmup_steps
    )
    assert_same(ours, theirs)


def test_known_difference_transformers_cosine_climbs_after_its_end_ours_holds_unless_told():
    theirs = rates_of_transformers(
        "cosine_schedule_with_warmup", 41, num_warmup_steps=0, num_training_steps=20
    )
    assert theirs[40] == pytest.approx(LR)
    assert Cosine(lr=LR, decay_steps=20)(40) == 0.0


def test_known_difference_transformers_restarts_miss_a_peak_where_a_fraction_rounds_down():
    # 49 * (2 / 98) is 0.9999999999999999, of which % 1.0 makes the end of the cycle before.
    theirs = rates_of_transformers(
        "cosine_with_hard_restarts_schedule_with_warmup",
        49 * 2 + 1,
        num_warmup_steps=0,
        num_training_steps=49 * 2,
        num_cycles=49,
    )
    ours = CosineRestarts(lr=LR, cycle_steps=2, cycle_limit=49)
    t = np.arange(len(theirs))
    missed = np.flatnonzero(~np.isclose(ours(t), theirs))
    assert len(missed) > 0
    assert (theirs[missed] < 1e-15).all()
    assert (ours(missed) == LR).all()


def test_known_difference_transformers_restarts_come_within_steps_ours_at_steps():
    # 10 steps in 4 cycles of 2.5: the second begins at 2.5 there.
    theirs = rates_of_transformers(
        "cosine_with_hard_restarts_schedule_with_warmup",
        10,
        num_warmup_steps=0,
        num_training_steps=10,
        num_cycles=4,
    )
    assert theirs[3] == pytest.approx(LR * (1 + np.cos(np.pi * 0.2)) / 2)
    ours = CosineRestarts(lr=LR, boundaries=("25%", "50%", "75%")).bind(Horizon(10, 10))
    assert ours.boundaries == (3, 5, 8)
    assert ours(3) == LR


def test_known_difference_transformers_inverse_square_root_has_a_scale_of_its_own_without_warm_up():
    theirs = rates_of_transformers("inverse_sqrt_schedule", 3, num_warmup_steps=0)
    assert_same(InverseSquareRoot(lr=LR, decay_steps=10_000), theirs)
    ours = InverseSquareRoot(lr=LR).bind(Horizon(total_steps=30, steps_per_epoch=10))
    assert ours.decay_steps == 3


def test_known_difference_transformers_stable_decay_starts_at_its_floor_ours_counts_from_1():
    arguments = {"num_decay_steps": 4, "num_training_steps": 20}
    theirs = rates_of_transformers(
        "wsd_schedule", 25, num_warmup_steps=5, decay_type="linear", **arguments
    )
    ours = WarmupStableDecay(lr=LR, warmup_steps=5, decay_steps=4, total_steps=20)
    assert theirs[:6] == pytest.approx(LR * np.arange(6) / 5)
    assert ours(np.arange(6)) == pytest.approx(LR * np.array([1, 2, 3, 4, 5, 5]) / 5)
    assert_same(ours, theirs, first=5)


def test_known_difference_transformers_ramp_of_1_minus_sqrt_is_no_shape_of_ours():
    # Theirs, 1 - sqrt(1 - x), is the other branch of the parabola that ours, sqrt(x), lies on.
    theirs = rates_of_transformers(
        "wsd_schedule",
        5,
        num_warmup_steps=4,
        num_decay_steps=4,
        num_training_steps=20,
        warmup_type="1-sqrt",
    )
    ours = warmed(Constant(lr=LR), 4, shape="sqrt")
    assert theirs == pytest.approx(LR - ours(np.arange(4, -1, -1)))
    assert theirs[1] < LR / 4 < ours(1)


def test_known_difference_transformers_waves_of_a_stable_decay_drop_at_its_end_ours_hold():
    theirs = rates_of_transformers(
        "wsd_schedule",
        30,
        num_warmup_steps=0,
        num_decay_steps=10,
        num_training_steps=20,
        num_cycles=1,
    )
    ours = Join(
        schedules=(Constant(lr=LR), Cosine(lr=LR, decay_steps=10, half_cycles=2)),
        boundaries=(10,),
    )
    assert_same(ours, theirs[:20])
    assert theirs[20] == theirs[29] == 0.0
    assert ours(20) == ours(29) == LR


def test_known_difference_transformers_other_warm_up_falls_from_the_first_update_ours_after_it():
    # Without warm-up steps, and with one and a share to start at, its peak is no update's rate.
    for warmup_steps in (0, 1):
        theirs = rates_of_transformers(
            "cosine_with_min_lr_schedule_with_warmup_lr_rate",
            25,
            num_warmup_steps=warmup_steps,
            num_training_steps=warmup_steps + 20,
            min_lr=FLOOR,
            warmup_lr_rate=0.3,
        )
        cosine = Cosine(lr=LR, floor=FLOOR, decay_steps=20, after="continue")
        ours = Offset(schedule=cosine, start=1 - warmup_steps)
        assert_same(ours, theirs, first=warmup_steps)
        assert max(theirs) < LR == cosine(0)


def test_known_difference_transformers_ramp_may_be_as_long_as_the_run_ours_must_be_shorter():
    theirs = rates_of_transformers(
        "linear_schedule_with_warmup", 11, num_warmup_steps=10, num_training_steps=10
    )
    assert theirs[9] == pytest.approx(LR * 0.9)
    with pytest.raises(
        ValueError, match=r"^steps must be shorter than the run of 10 steps, got 10"
    ):
        warmed(Polynomial(lr=LR), 10).bind(Horizon(total_steps=10, steps_per_epoch=10))


def rates_of_greedy(values, lr=LR, **arguments):
    sgd = optimizer(lr)
    scheduler = transformers_s.GreedyLR(sgd, **arguments)
    rates = []
    for value in values:
        scheduler.step(value)
        rates.append(sgd.param_groups[0]["lr"])
    return rates


@given(
    values=VALUES,
    patience=st.integers(0, 3),
    rests=st.sampled_from([(0, 0), (0, 2), (2, 0), (1, 2)]),
    mode=st.sampled_from(["min", "max"]),
    margin=st.sampled_from([("absolute", "abs"), ("relative", "rel")]),
    threshold=st.sampled_from([0.0, 0.25]),
    window=st.sampled_from([1, 2, 4, 7]),
    reset_after=st.sampled_from([None, 1, 2, 5]),
)
def test_transformers_greedy_has_the_same_rates(
    values, patience, rests, mode, margin, threshold, window, reset_after
):
    cooldown, raise_rest = rests
    if reset_after is not None:
        cooldown = 0  # see the known difference
    ours = GreedyPlateau(
        lr=LR,
        factor=0.6,
        patience=patience,
        min_delta=threshold,
        min_delta_mode=margin[0],
        cooldown=cooldown,
        raise_rest=raise_rest,
        floor=FLOOR,
        ceiling=0.7,
        window=window,
        reset_after=reset_after,
        mode=mode,
    )
    theirs = rates_of_greedy(
        values,
        factor=0.6,
        patience=patience,
        threshold=threshold,
        threshold_mode=margin[1],
        cooldown=cooldown,
        warmup=raise_rest,
        min_lr=FLOOR,
        max_lr=0.7,
        eps=0,
        smooth=window > 1,
        window_size=window,
        reset_start=reset_after or 10**9,
        mode=mode,
    )
    assert rates_after(ours, values) == theirs


def test_known_difference_transformers_greedy_rests_after_starting_again_ours_starts_at_once():
    # The reset sets every count to 0, and the cut that caused it its cooldown after that.
    values = [5.0, 6.0, 7.0, 6.0, 5.0]
    shared = {"factor": 0.5, "patience": 0, "cooldown": 2}
    theirs = rates_of_greedy(values, min_lr=LR, max_lr=0.2, reset_start=1, **shared)
    ours = GreedyPlateau(lr=LR, floor=LR, ceiling=0.2, reset_after=1, **shared)
    assert theirs == [0.2, 0.1, 0.1, 0.1, 0.2]
    assert rates_after(ours, values) == [0.2, 0.1, 0.2, 0.2, 0.2]


def test_known_difference_transformers_greedy_leaves_out_changes_under_1e_8_ours_makes_them():
    values = [2.0, 1.0]
    theirs = rates_of_greedy(values, lr=1e-8, factor=0.9, patience=0, min_lr=0.0)
    assert theirs == [1e-8, 1e-8]
    ours = GreedyPlateau(lr=1e-8, factor=0.9, patience=0)
    assert rates_after(ours, values) == pytest.approx([1e-8 / 0.9, 1e-8 / 0.81])


def test_known_difference_transformers_greedy_s_relative_margin_turns_around_below_0_ours_not():
    # A best of -2 and a threshold of 0.25: theirs wants less than -1.5, ours less than -2.5.
    values = [-2.0, -1.75]
    theirs = rates_of_greedy(values, factor=0.5, patience=0, threshold=0.25, threshold_mode="rel")
    ours = GreedyPlateau(lr=LR, factor=0.5, patience=0, min_delta=0.25, min_delta_mode="relative")
    assert theirs == [0.2, 0.4]
    assert rates_after(ours, values) == [0.2, 0.1]


def test_known_difference_transformers_greedy_keeps_within_0_001_and_1_ours_up_to_10_times_lr():
    values = [float(n) for n in range(40, 0, -1)]
    assert rates_of_greedy(values, factor=0.5, patience=0)[-1] == 1.0
    assert rates_of_greedy(values, lr=0.4, factor=0.5, patience=0)[-1] == 1.0
    assert rates_after(GreedyPlateau(lr=0.4, factor=0.5, patience=0), values)[-1] == 4.0
    cuts = values[::-1]
    assert rates_of_greedy(cuts, factor=0.5, patience=0)[-1] == 0.001
    assert rates_after(GreedyPlateau(lr=LR, factor=0.5, patience=0), cuts)[-1] < 1e-9


def test_known_difference_transformers_greedy_counts_nan_as_bad_ours_refuses_it():
    assert rates_of_greedy([float("nan")], factor=0.5, patience=0) == [LR / 2]
    schedule = GreedyPlateau(lr=LR)
    with pytest.raises(ValueError, match=r"value must not be NaN"):
        schedule.observe(schedule.begin(), 1, float("nan"))
