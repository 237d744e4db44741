"""Against PyTorch's own schedulers, where one means the same; the known differences below."""

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as theirs

from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    PiecewiseConstant,
    Polynomial,
    ReduceOnPlateau,
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
    "CosineAnnealingWarmRestarts": (
        CosineRestarts(lr=0.1, floor=0.01, cycle_steps=13),
        lambda sgd: theirs.CosineAnnealingWarmRestarts(sgd, T_0=13, eta_min=0.01),
    ),
    "CosineAnnealingWarmRestarts, growing": (
        CosineRestarts(lr=0.1, cycle_steps=3, cycle_multiplier=2),
        lambda sgd: theirs.CosineAnnealingWarmRestarts(sgd, T_0=3, T_mult=2),
    ),
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


def test_known_difference_their_cosine_climbs_after_its_end_ours_holds():
    trace = trace_of(lambda sgd: theirs.CosineAnnealingLR(sgd, T_max=20), 41)
    ours = Cosine(lr=0.1, decay_steps=20)
    assert trace[40] == pytest.approx(0.1)
    assert ours(40) == 0.0


def test_known_difference_their_linear_ramp_cannot_start_at_0_ours_can():
    with pytest.raises(ValueError, match=r"Starting multiplicative factor"):
        theirs.LinearLR(optimizer(), start_factor=0.0)
    assert Warmup(schedule=Constant(lr=0.1), steps=5)(0) == 0.0


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
