"""Against PyTorch's own schedulers, where one means the same; the known differences below."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as theirs

from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    InverseSquareRoot,
    InverseTime,
    Join,
    MultiStep,
    Noam,
    OneCycle,
    PiecewiseConstant,
    PiecewiseInterpolation,
    Polynomial,
    Product,
    ReduceOnPlateau,
    Step,
    Warmup,
)

STEPS = 60


def optimizer(lr=0.1):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def trace_of(build, steps=STEPS):
    """The rates that a PyTorch scheduler uses when driven."""
    sgd = optimizer()
    scheduler = build(sgd)
    rates = []
    for _ in range(steps):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        scheduler.step()
    return np.array(rates)


TWINS = {
    "ConstantLR": (
        Constant(lr=0.1),
        lambda sgd: theirs.ConstantLR(sgd, factor=1.0),
    ),
    "ExponentialLR": (
        Exponential(lr=0.1, decay_rate=0.93, decay_steps=1),
        lambda sgd: theirs.ExponentialLR(sgd, gamma=0.93),
    ),
    "StepLR": (
        Exponential(lr=0.1, decay_rate=0.5, decay_steps=7, staircase=True),
        lambda sgd: theirs.StepLR(sgd, step_size=7, gamma=0.5),
    ),
    "StepLR of Step": (
        Step(lr=0.1, factor=0.5, decay_steps=7),
        lambda sgd: theirs.StepLR(sgd, step_size=7, gamma=0.5),
    ),
    "MultiStepLR of MultiStep": (
        MultiStep(lr=0.1, boundaries=[5, 11, 30], factor=0.3),
        lambda sgd: theirs.MultiStepLR(sgd, milestones=[5, 11, 30], gamma=0.3),
    ),
    "MultiStepLR": (
        PiecewiseConstant(lr=0.1, boundaries=[5, 11, 30], factors=[1, 0.3, 0.09, 0.027]),
        lambda sgd: theirs.MultiStepLR(sgd, milestones=[5, 11, 30], gamma=0.3),
    ),
    "PolynomialLR": (
        Polynomial(lr=0.1, power=1.7, decay_steps=40),
        lambda sgd: theirs.PolynomialLR(sgd, total_iters=40, power=1.7),
    ),
    "LinearLR": (
        Warmup(schedule=Constant(lr=0.1), steps=20, start=0.025),
        lambda sgd: theirs.LinearLR(sgd, start_factor=0.25, total_iters=20),
    ),
    "CosineAnnealingLR": (
        Cosine(lr=0.1, floor=0.01, decay_steps=STEPS),
        lambda sgd: theirs.CosineAnnealingLR(sgd, T_max=STEPS, eta_min=0.01),
    ),
    "CosineAnnealingLR over three of its lengths": (
        Cosine(lr=0.1, floor=0.01, decay_steps=20, after="continue"),
        lambda sgd: theirs.CosineAnnealingLR(sgd, T_max=20, eta_min=0.01),
    ),
    "LambdaLR of Noam's formula": (
        Noam(lr=0.1, warmup_steps=10),
        lambda sgd: theirs.LambdaLR(
            sgd, lambda t: 10**0.5 * min((t + 1) ** -0.5, (t + 1) * 10**-1.5)
        ),
    ),
    "LambdaLR of inverse time": (
        InverseTime(lr=0.1, decay_rate=0.5, decay_steps=7),
        lambda sgd: theirs.LambdaLR(sgd, lambda t: 1 / (1 + 0.5 * t / 7)),
    ),
    "LambdaLR of Transformers' inverse_sqrt": (
        Warmup(schedule=InverseSquareRoot(lr=0.1, decay_steps=10), steps=10, start=0.0),
        lambda sgd: theirs.LambdaLR(sgd, lambda t: t / 10 if t < 10 else (t / 10) ** -0.5),
    ),
    "CosineAnnealingWarmRestarts": (
        CosineRestarts(lr=0.1, floor=0.01, cycle_steps=13),
        lambda sgd: theirs.CosineAnnealingWarmRestarts(sgd, T_0=13, eta_min=0.01),
    ),
    "CosineAnnealingWarmRestarts, growing": (
        CosineRestarts(lr=0.1, cycle_steps=3, cycle_multiplier=2),
        lambda sgd: theirs.CosineAnnealingWarmRestarts(sgd, T_0=3, T_mult=2),
    ),
    "CyclicLR": (
        Cyclic(lr=0.1, floor=0.01, cycle_steps=20),
        lambda sgd: theirs.CyclicLR(sgd, 0.01, 0.1, step_size_up=10, cycle_momentum=False),
    ),
    "CyclicLR, uneven": (
        Cyclic(lr=0.1, floor=0.01, cycle_steps=20, rise_fraction=0.35),
        lambda sgd: theirs.CyclicLR(
            sgd, 0.01, 0.1, step_size_up=7, step_size_down=13, cycle_momentum=False
        ),
    ),
    "CyclicLR, triangular2": (
        Cyclic(lr=0.1, floor=0.01, cycle_steps=16, mode="triangular2"),
        lambda sgd: theirs.CyclicLR(
            sgd, 0.01, 0.1, step_size_up=8, mode="triangular2", cycle_momentum=False
        ),
    ),
    "CyclicLR, exp_range": (
        Cyclic(
            lr=0.1, floor=0.01, cycle_steps=16, mode="exp_range", decay_rate=0.5, decay_steps=20
        ),
        lambda sgd: theirs.CyclicLR(
            sgd,
            0.01,
            0.1,
            step_size_up=8,
            mode="exp_range",
            gamma=0.5 ** (1 / 20),
            cycle_momentum=False,
        ),
    ),
    **{
        f"OneCycleLR, {phases} phases, {shape}": (
            OneCycle(lr=0.1, total_steps=STEPS - 1, rise_steps=18, phases=phases, shape=shape),
            lambda sgd, phases=phases, strategy=strategy: theirs.OneCycleLR(
                sgd,
                0.1,
                total_steps=STEPS,
                pct_start=19 / STEPS,
                anneal_strategy=strategy,
                three_phase=phases == 3,
                cycle_momentum=False,
            ),
        )
        for phases in (2, 3)
        for shape, strategy in [("cosine", "cos"), ("linear", "linear")]
    },
    "SequentialLR of LinearLR and CosineAnnealingLR": (
        Warmup(schedule=Cosine(lr=0.1, decay_steps=50), steps=10, start=0.01),
        lambda sgd: theirs.SequentialLR(
            sgd,
            [
                theirs.LinearLR(sgd, start_factor=0.1, total_iters=10),
                theirs.CosineAnnealingLR(sgd, T_max=50),
            ],
            milestones=[10],
        ),
    ),
    "LinearLR from a share of the peak": (
        Warmup(schedule=Constant(lr=0.1), steps=20, start_factor=0.25),
        lambda sgd: theirs.LinearLR(sgd, start_factor=0.25, total_iters=20),
    ),
    "ConstantLR as a warm-up": (
        Warmup(schedule=Constant(lr=0.1), steps=20, shape="constant", start_factor=0.25),
        lambda sgd: theirs.ConstantLR(sgd, factor=0.25, total_iters=20),
    ),
    "LambdaLR that starts after 0": (
        Warmup(schedule=Constant(lr=0.1), steps=20),
        lambda sgd: theirs.LambdaLR(sgd, lambda t: min(1.0, (t + 1) / 20)),
    ),
    "Hugging Face's linear with warm-up": (
        Warmup(schedule=Polynomial(lr=0.1, decay_steps=40), steps=10, start=0.0),
        lambda sgd: theirs.LambdaLR(sgd, lambda t: t / 10 if t < 10 else max(0, (50 - t) / 40)),
    ),
    "Hugging Face's constant with warm-up": (
        Warmup(schedule=Constant(lr=0.1), steps=10, start=0.0),
        lambda sgd: theirs.LambdaLR(sgd, lambda t: t / 10 if t < 10 else 1.0),
    ),
    "Hugging Face's cosine with warm-up": (
        Warmup(schedule=Cosine(lr=0.1, decay_steps=50), steps=10, start=0.0),
        lambda sgd: theirs.LambdaLR(
            sgd, lambda t: t / 10 if t < 10 else 0.5 * (1 + math.cos(math.pi * (t - 10) / 50))
        ),
    ),
    "SequentialLR of ConstantLR and ExponentialLR": (
        Join(
            schedules=(Constant(lr=0.01), Exponential(lr=0.1, decay_rate=0.9, decay_steps=1)),
            boundaries=(20,),
        ),
        lambda sgd: theirs.SequentialLR(
            sgd,
            [
                theirs.ConstantLR(sgd, factor=0.1, total_iters=30),
                theirs.ExponentialLR(sgd, gamma=0.9),
            ],
            milestones=[20],
        ),
    ),
    "SequentialLR of three": (
        Join(
            schedules=(
                Warmup(schedule=Constant(lr=0.1), steps=10, start=0.05),
                Polynomial(lr=0.1, decay_steps=20),
                Exponential(lr=0.1, decay_rate=0.5, decay_steps=5, staircase=True),
            ),
            boundaries=(15, 35),
        ),
        lambda sgd: theirs.SequentialLR(
            sgd,
            [
                theirs.LinearLR(sgd, start_factor=0.5, total_iters=10),
                theirs.PolynomialLR(sgd, total_iters=20),
                theirs.StepLR(sgd, step_size=5, gamma=0.5),
            ],
            milestones=[15, 35],
        ),
    ),
    "ChainedScheduler": (
        Product(
            schedules=(
                Warmup(schedule=Constant(lr=0.1), steps=20, shape="constant", start_factor=0.1),
                Exponential(lr=1.0, decay_rate=0.9, decay_steps=1),
            )
        ),
        lambda sgd: theirs.ChainedScheduler(
            [
                theirs.ConstantLR(sgd, factor=0.1, total_iters=20),
                theirs.ExponentialLR(sgd, gamma=0.9),
            ]
        ),
    ),
    "LambdaLR as a product": (
        Product(
            schedules=(
                Polynomial(lr=0.1, decay_steps=100),
                Exponential(lr=1.0, decay_rate=0.95, decay_steps=1),
            )
        ),
        lambda sgd: theirs.LambdaLR(sgd, lambda t: (1 - t / 100) * 0.95**t),
    ),
}


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")  # SequentialLR's own
def test_the_twin_has_the_same_rates(name):
    ours, build = TWINS[name]
    # PyTorch multiplies from step to step, so that its error grows with the steps.
    np.testing.assert_allclose(ours(np.arange(STEPS)), trace_of(build), rtol=1e-9, atol=1e-17)


LOSSES = [1.0, 0.9, 0.9, 0.95, 0.9, 0.8, 0.85, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7, 0.9, 0.9, 0.9]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("patience", [1, 2, 3])
@pytest.mark.parametrize("rest", [0, 1, 2])
def test_a_plateau_is_pytorch_s_with_one_less_patience_and_cooldown(mode, patience, rest):
    # PyTorch cuts when its count exceeds patience, Keras and we when it reaches it. PyTorch's
    # last evaluation of a cooldown does not count, Keras's and ours does.
    ours = ReduceOnPlateau(
        lr=0.1, patience=patience, mode=mode, cooldown=rest + 1 if rest else 0, min_delta=0.01
    )
    sgd = optimizer()
    scheduler = theirs.ReduceLROnPlateau(
        sgd,
        mode=mode,
        factor=0.5,
        patience=patience - 1,
        threshold=0.01,
        threshold_mode="abs",
        cooldown=rest,
    )
    memory = ours.begin()
    for step, loss in enumerate(LOSSES):
        memory = ours.observe(memory, step, loss)
        scheduler.step(loss)
        assert ours.rates(memory, np.array([step]))[0] == pytest.approx(
            sgd.param_groups[0]["lr"], rel=1e-12
        )


def test_known_difference_their_cosine_climbs_after_its_end_ours_holds_unless_told():
    trace = trace_of(lambda sgd: theirs.CosineAnnealingLR(sgd, T_max=20), 41)
    assert trace[40] == pytest.approx(0.1)
    assert Cosine(lr=0.1, decay_steps=20)(40) == 0.0
    assert Cosine(lr=0.1, decay_steps=20, after="continue")(40) == 0.1


def test_known_difference_their_milestones_may_repeat_ours_increase():
    trace = trace_of(lambda sgd: theirs.MultiStepLR(sgd, milestones=[5, 5], gamma=0.5), 6)
    assert trace[5] == pytest.approx(0.1 * 0.25)
    with pytest.raises(ValueError, match=r"^boundaries must be strictly increasing, got \(5, 5\)$"):
        MultiStep(lr=0.1, boundaries=[5, 5], factor=0.5)


def test_known_difference_their_linear_ramp_cannot_start_at_0_ours_can():
    with pytest.raises(ValueError, match=r"Starting multiplicative factor"):
        theirs.LinearLR(optimizer(), start_factor=0.0)
    assert Warmup(schedule=Constant(lr=0.1), steps=5, start=0.0)(0) == 0.0


@given(
    values=st.lists(st.integers(1, 24).map(lambda n: n / 8), min_size=1, max_size=120),
    patience=st.integers(0, 4),
    cooldown=st.integers(0, 3),
    mode=st.sampled_from(["min", "max"]),
    margin=st.sampled_from(["absolute", "relative"]),
    min_delta=st.sampled_from([0.0, 0.25]),
    floor=st.sampled_from([0.0, 0.01]),
)
def test_a_plateau_that_counts_as_pytorch_does_has_its_rates(
    values, patience, cooldown, mode, margin, min_delta, floor
):
    ours = ReduceOnPlateau(
        lr=0.1,
        factor=0.3,
        patience=patience,
        min_delta=min_delta,
        min_delta_mode=margin,
        cooldown=cooldown,
        floor=floor,
        counting="torch",
        mode=mode,
    )
    sgd = optimizer()
    scheduler = theirs.ReduceLROnPlateau(
        sgd,
        mode=mode,
        factor=0.3,
        patience=patience,
        threshold=min_delta,
        threshold_mode={"absolute": "abs", "relative": "rel"}[margin],
        cooldown=cooldown,
        min_lr=floor,
        eps=0,
    )
    memory = ours.begin()
    for step, value in enumerate(values):
        memory = ours.observe(memory, step, value)
        scheduler.step(value)
        assert ours.rates(memory, np.array([step]))[0] == sgd.param_groups[0]["lr"]


def test_known_difference_their_relative_margin_turns_around_below_0_ours_does_not():
    # A best of -2 and a threshold of 0.25: theirs wants less than -1.5, ours less than -2.5.
    sgd = optimizer()
    scheduler = theirs.ReduceLROnPlateau(sgd, patience=0, threshold=0.25, eps=0)
    ours = ReduceOnPlateau(
        lr=0.1, patience=0, min_delta=0.25, min_delta_mode="relative", counting="torch"
    )
    memory = ours.begin()
    for step, value in enumerate([-2.0, -1.75]):
        memory = ours.observe(memory, step, value)
        scheduler.step(value)
    assert sgd.param_groups[0]["lr"] == 0.1
    assert ours.rates(memory, np.array([2]))[0] == 0.05


def test_known_difference_their_plateau_leaves_out_cuts_of_less_than_1e_8_ours_makes_them():
    sgd = optimizer(lr=1e-8)
    scheduler = theirs.ReduceLROnPlateau(sgd, patience=0)
    ours = ReduceOnPlateau(lr=1e-8, factor=0.1, patience=0, counting="torch")
    memory = ours.begin()
    for step, value in enumerate([1.0, 2.0]):
        memory = ours.observe(memory, step, value)
        scheduler.step(value)
    assert sgd.param_groups[0]["lr"] == 1e-8
    assert memory.rate == pytest.approx(1e-9)


def test_known_difference_their_plateau_cuts_on_nan_ours_refuses_it():
    sgd = optimizer()
    scheduler = theirs.ReduceLROnPlateau(sgd, patience=0)
    scheduler.step(float("nan"))
    assert sgd.param_groups[0]["lr"] < 0.1
    ours = ReduceOnPlateau(lr=0.1)
    with pytest.raises(ValueError, match=r"value must not be NaN"):
        ours.observe(ours.begin(), 1, float("nan"))


def test_known_difference_their_cycles_grow_by_whole_factors_only():
    with pytest.raises(ValueError, match=r"Expected integer T_mult"):
        theirs.CosineAnnealingWarmRestarts(optimizer(), T_0=10, T_mult=1.5)
    assert CosineRestarts(lr=0.1, cycle_steps=10, cycle_multiplier=1.5)(25) == 0.1


def test_known_difference_their_chain_is_no_product_where_a_part_has_a_floor():
    trace = trace_of(
        lambda sgd: theirs.ChainedScheduler(
            [
                theirs.ExponentialLR(sgd, gamma=0.9),
                theirs.CosineAnnealingLR(sgd, T_max=STEPS, eta_min=0.01),
            ]
        )
    )
    ours = Product(
        schedules=(
            Cosine(lr=0.1, floor=0.01, decay_steps=STEPS),
            Exponential(lr=1.0, decay_rate=0.9, decay_steps=1),
        )
    )
    # Theirs stays near the floor of the one part, ours falls below it with the other.
    assert trace[-1] > 0.009
    assert ours(STEPS - 1) < 1e-4


def test_known_difference_hugging_face_s_first_update_has_rate_0_ours_has_not_by_default():
    trace = trace_of(lambda sgd: theirs.LambdaLR(sgd, lambda t: min(1.0, t / 10)), 12)
    ours = Warmup(schedule=Constant(lr=0.1), steps=10)
    assert trace[0] == 0.0
    np.testing.assert_allclose(ours(np.arange(11)), trace[1:], rtol=1e-12)


def test_one_cycle_s_momentum_is_an_interpolation():
    sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    scheduler = theirs.OneCycleLR(sgd, 0.1, total_steps=STEPS, pct_start=19 / STEPS)
    momenta = []
    for _ in range(STEPS):
        momenta.append(sgd.param_groups[0]["momentum"])
        sgd.step()
        scheduler.step()
    ours = PiecewiseInterpolation(
        boundaries=(0, 18, STEPS - 1), values=(0.95, 0.85, 0.95), shape="cosine"
    )
    np.testing.assert_allclose(ours(np.arange(STEPS)), momenta, rtol=1e-12)


def test_known_difference_their_one_cycle_rises_at_one_extra_step_ours_holds():
    trace = trace_of(
        lambda sgd: theirs.OneCycleLR(sgd, 0.1, total_steps=10, cycle_momentum=False), 10
    )
    sgd = optimizer()
    scheduler = theirs.OneCycleLR(sgd, 0.1, total_steps=10, cycle_momentum=False)
    for _ in range(10):
        sgd.step()
        scheduler.step()
    assert trace[9] == pytest.approx(4e-7)
    assert sgd.param_groups[0]["lr"] > 10 * trace[9]
    ours = OneCycle(lr=0.1, total_steps=9, rise_steps=2)
    assert ours(10) == ours(9) == pytest.approx(4e-7)


def test_known_difference_their_one_cycle_refuses_a_step_beyond_ours_when_told():
    sgd = optimizer()
    scheduler = theirs.OneCycleLR(sgd, 0.1, total_steps=3, cycle_momentum=False)
    for _ in range(3):
        sgd.step()
        scheduler.step()
    sgd.step()
    with pytest.raises(ValueError, match=r"Tried to step 4 times"):
        scheduler.step()
    ours = OneCycle(lr=0.1, total_steps=2, rise_steps=1, after="error")
    with pytest.raises(ValueError, match=r"^after must be 'hold' .* beyond 2, .* and step 3$"):
        ours(3)
