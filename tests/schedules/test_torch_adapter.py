import io

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import LRScheduler

from schedules import (
    Constant,
    Cosine,
    Horizon,
    PiecewiseConstant,
    Polynomial,
    ReduceOnPlateau,
    Warmup,
)
from schedules.torch_adapter import ScheduleLR

STEPS = 24
LINE = Polynomial(lr=0.1, decay_steps=10)
LOSSES = [1.0, 2.0, 2.0, 0.5, 2.0, 2.0, 0.4, 0.3, 2.0, 2.0, 2.0, 2.0]


def sgd(*groups, lr=1.0):
    parameter = torch.nn.Parameter(torch.zeros(1))
    return torch.optim.SGD([{"params": [parameter]}, *groups], lr=lr)


def group(**options):
    return {"params": [torch.nn.Parameter(torch.zeros(1))], **options}


def drive(scheduler, start, stop):
    """The rates of the steps from start to stop, with an evaluation after every second one."""
    rates = []
    for t in range(start, stop):
        rates.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step()
        if t % 2:
            scheduler.observe(LOSSES[t // 2])
    return rates


def bound_to_a_short_run(schedule):
    """The schedule bound to STEPS steps, or to the shortest multiple that its durations allow."""
    for times in (1, 2, 4, 10):
        try:
            return schedule.bind(Horizon(times * STEPS, times * 6))
        except ValueError as error:
            reason = error
    raise reason


def test_it_is_a_pytorch_scheduler_with_the_schedule_s_bits(family):
    schedule = bound_to_a_short_run(family.schedule)
    scheduler = ScheduleLR(sgd(), schedule)
    assert isinstance(scheduler, LRScheduler)
    rates = drive(scheduler, 0, STEPS)
    if not schedule.listens:
        assert rates == schedule(np.arange(STEPS)).tolist()
    assert scheduler.get_last_lr() == [scheduler.optimizer.param_groups[0]["lr"]]
    assert scheduler.last_epoch == STEPS


def test_a_run_resumed_at_any_step_is_the_run(family):
    schedule = bound_to_a_short_run(family.schedule)
    whole = drive(ScheduleLR(sgd(), schedule), 0, STEPS)
    for step in range(STEPS + 1):
        first = ScheduleLR(sgd(), schedule)
        rates = drive(first, 0, step)
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        file.seek(0)
        second = ScheduleLR(sgd(), schedule)
        second.load_state_dict(torch.load(file, weights_only=True))
        assert rates + drive(second, step, STEPS) == whole, f"resumed at {step}"


def test_each_group_has_its_scale():
    optimizer = sgd(group(lr_scale=0.1), group(lr_scale=0.0))
    scheduler = ScheduleLR(optimizer, LINE)
    optimizer.step()
    scheduler.step()
    rate = LINE(1)
    assert scheduler.get_last_lr() == [rate, 0.1 * rate, 0.0]
    assert [g["lr"] for g in optimizer.param_groups] == scheduler.get_last_lr()


def test_a_group_may_be_added_later():
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, LINE)
    optimizer.step()
    scheduler.step()
    optimizer.add_param_group(group(lr_scale=0.5))
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [LINE(2), 0.5 * LINE(2)]
    scheduler.load_state_dict(scheduler.state_dict())
    assert [g["lr"] for g in optimizer.param_groups] == [LINE(2), 0.5 * LINE(2)]


def weights(optimizer):
    return [g["params"][0].item() for g in optimizer.param_groups]


def update(scheduler):
    """One step with gradients of 1."""
    for g in scheduler.optimizer.param_groups:
        g["params"][0].grad = torch.ones(1)
    scheduler.optimizer.step()
    scheduler.step()


@pytest.mark.parametrize("view", [lambda rate: rate, lambda rate: rate.view(1).view(())])
def test_groups_that_share_a_tensor_get_a_rate_each(view):
    rate = torch.tensor(1.0)
    optimizer = sgd(group(lr=view(rate)), group(lr=torch.tensor(1.0)), lr=rate)
    for g, scale in zip(optimizer.param_groups, (0.25, 1.0, 0.5), strict=True):
        g["lr_scale"] = scale
    scheduler = ScheduleLR(optimizer, Constant(lr=0.5))
    update(scheduler)
    assert weights(optimizer) == [-0.125, -0.5, -0.25]
    assert optimizer.param_groups[0]["lr"] is rate
    assert scheduler.get_last_lr() == [0.125, 0.5, 0.25]


def test_rates_within_one_tensor_stay_in_it():
    rates = torch.ones(2)
    optimizer = sgd(group(lr=rates[1], lr_scale=0.5), lr=rates[0])
    optimizer.param_groups[0]["lr_scale"] = 1.0
    ScheduleLR(optimizer, Constant(lr=0.5))
    assert rates.tolist() == [0.5, 0.25]


def test_a_group_added_to_one_with_a_tensor_leaves_its_rate_alone():
    optimizer = sgd(lr=torch.tensor(1.0))
    scheduler = ScheduleLR(optimizer, Constant(lr=0.5))
    update(scheduler)
    optimizer.add_param_group(group(lr_scale=0.25))
    optimizer.add_param_group(group())
    scheduler.step()
    update(scheduler)
    assert weights(optimizer) == [-1.0, -0.125, -0.5]
    assert [g["lr"].item() for g in optimizer.param_groups] == [0.5, 0.125, 0.5]
    assert len({id(g["lr"]) for g in optimizer.param_groups}) == 3


def test_the_last_rates_are_floats_also_beside_tensors():
    optimizer = sgd(group(lr=1.0, lr_scale=1), lr=torch.tensor(1.0))
    scheduler = ScheduleLR(optimizer, LINE)
    for _ in range(2):
        assert [type(rate) for rate in scheduler.get_last_lr()] == [float, float]
        assert scheduler.get_last_lr() == [LINE(scheduler.last_epoch)] * 2
        update(scheduler)
        scheduler.observe(1.0)
    scheduler.load_state_dict(scheduler.state_dict())
    assert scheduler.get_last_lr() == [LINE(2)] * 2


@pytest.mark.parametrize("rate", [1.0, torch.tensor(1.0)])
def test_an_added_group_s_own_rate_is_not_lost(rate):
    optimizer = sgd(lr=rate)
    scheduler = ScheduleLR(optimizer, LINE)
    update(scheduler)
    optimizer.add_param_group(group(lr=0.25))
    before = scheduler.state_dict()
    for act in (scheduler.step, lambda: scheduler.observe(1.0)):
        with pytest.raises(
            ValueError,
            match=r"^optimizer's groups must have an lr_scale each where their rates differ, "
            r"got rates \[1.0, 0.25\]$",
        ):
            act()
    assert scheduler.state_dict() == before
    optimizer.param_groups[1]["lr_scale"] = 0.25
    scheduler.step()
    assert scheduler.get_last_lr() == [LINE(2), 0.25 * LINE(2)]


def test_an_added_group_may_name_the_rate_that_the_others_have_now():
    optimizer = sgd(lr=1.0)
    optimizer.param_groups[0]["lr_scale"] = 0.5
    scheduler = ScheduleLR(optimizer, LINE)
    update(scheduler)
    optimizer.add_param_group(group(lr=LINE(1)))
    update(scheduler)
    assert scheduler.get_last_lr() == [0.5 * LINE(2), LINE(2)]


@pytest.mark.parametrize("rate", [1.0, torch.tensor(1.0)])
@pytest.mark.parametrize("scale", [{}, {"lr_scale": 0.5}])
@pytest.mark.parametrize("steps", [0, 1])
def test_an_optimizer_saved_with_an_added_group_goes_on(rate, scale, steps):
    first = ScheduleLR(sgd(lr=rate), LINE)
    update(first)
    first.optimizer.add_param_group(group(**scale))
    first.step()
    drive(first, 2, 2 + steps)
    optimizer = sgd(group(), lr=rate)
    optimizer.load_state_dict(first.optimizer.state_dict())
    second = ScheduleLR(optimizer, LINE, last_epoch=first.last_epoch - 1)
    assert second.get_last_lr() == first.get_last_lr()
    second.optimizer.add_param_group(group())
    update(second)
    assert second.get_last_lr()[2] == LINE(3 + steps)


def test_an_added_group_without_a_rate_asks_for_none_of_its_own():
    # Its tensor is the default, which holds the first group's rate of before the load.
    optimizer = sgd(lr=torch.tensor(1.0))
    optimizer.param_groups[0]["lr_scale"] = 0.5
    scheduler = ScheduleLR(optimizer, LINE)
    saved = optimizer.state_dict()
    update(scheduler)
    optimizer.load_state_dict(saved)
    update(scheduler)
    optimizer.add_param_group(group())
    update(scheduler)
    assert scheduler.get_last_lr() == [0.5 * LINE(3), LINE(3)]


def test_an_optimizer_of_scaled_groups_goes_on_after_one_without_is_added():
    optimizer = sgd(group(lr=0.5, lr_scale=0.5), lr=1.0)
    optimizer.param_groups[0]["lr_scale"] = 1.0
    scheduler = ScheduleLR(optimizer, LINE)
    optimizer.add_param_group(group())
    update(scheduler)
    assert ScheduleLR(optimizer, LINE, last_epoch=0).get_last_lr() == scheduler.get_last_lr()
    assert scheduler.get_last_lr() == [LINE(1), 0.5 * LINE(1), LINE(1)]


def test_an_optimizer_saved_by_an_earlier_version_goes_on():
    # Its added group has the others' rate of now, and no initial one.
    optimizer = sgd(group(lr=LINE(2)), lr=LINE(2))
    optimizer.param_groups[0]["initial_lr"] = 1.0
    assert ScheduleLR(optimizer, LINE, last_epoch=2).get_last_lr() == [LINE(3)] * 2


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        (-0.1, r"must be at least 0, got -0\.1$"),
        (float("nan"), r"must be finite, got nan$"),
        (float("inf"), r"must be finite, got inf$"),
        ("0.1", r"must be a number, got '0\.1'$"),
        (True, r"must be a number, got True$"),
        (torch.tensor(0.1), r"must be a number, got tensor\(0\.1000\)$"),
    ],
)
def test_a_scale_that_is_none_is_refused(scale, message):
    where = r"^optimizer\.param_groups\[1\]\['lr_scale'\] "
    optimizer = sgd(group(lr_scale=scale), lr=0.7)
    with pytest.raises(ValueError, match=where + message):
        ScheduleLR(optimizer, LINE)
    assert [g["lr"] for g in optimizer.param_groups] == [0.7, 0.7]
    optimizer = sgd(lr=0.7)
    scheduler = ScheduleLR(optimizer, LINE)
    optimizer.add_param_group(group(lr_scale=scale))
    with pytest.raises(ValueError, match=where + message):
        scheduler.step()
    assert scheduler.last_epoch == 0


@pytest.mark.parametrize("rate", [1.0, torch.tensor(1.0)])
def test_a_compiled_function_may_step_it(family, rate):
    schedule = bound_to_a_short_run(family.schedule)
    scheduler = ScheduleLR(sgd(group(lr_scale=0.5), lr=rate), schedule)
    plain = ScheduleLR(sgd(group(lr_scale=0.5), lr=torch.tensor(1.0)), schedule)

    @torch.compile(backend="eager")
    def compiled():
        update(scheduler)
        scheduler.observe(1.0)

    for _ in range(4):
        compiled()
        update(plain)
        plain.observe(1.0)
        assert scheduler.get_last_lr() == plain.get_last_lr()
    assert weights(scheduler.optimizer) == pytest.approx(weights(plain.optimizer), rel=1e-6)


def test_a_group_added_at_any_step_gets_its_scale_of_every_family_s_rates(family):
    schedule = bound_to_a_short_run(family.schedule)
    whole = drive(ScheduleLR(sgd(), schedule), 0, STEPS)
    for step in range(0, STEPS, 5):
        scheduler = ScheduleLR(sgd(), schedule)
        rates = drive(scheduler, 0, step)
        scheduler.optimizer.add_param_group(group(lr_scale=0.5))
        for t in range(step, STEPS):
            rates += drive(scheduler, t, t + 1)
            first, added = scheduler.optimizer.param_groups
            assert added["lr"] == 0.5 * first["lr"] == scheduler.get_last_lr()[1]
        assert rates == whole, f"added at {step}"


def test_a_group_added_before_a_state_is_saved_is_there_when_it_is_loaded(family):
    schedule = bound_to_a_short_run(family.schedule)
    first = ScheduleLR(sgd(group(lr_scale=0.5)), schedule)
    drive(first, 0, 9)
    optimizer = sgd()
    second = ScheduleLR(optimizer, schedule)
    optimizer.add_param_group(group(lr_scale=0.5))
    second.load_state_dict(first.state_dict())
    assert second.get_last_lr() == first.get_last_lr()
    assert drive(second, 9, STEPS) == drive(first, 9, STEPS)
    assert second.get_last_lr() == first.get_last_lr()


@pytest.mark.parametrize("scales", [{}, {"lr_scale": 0.1}])
def test_rates_that_differ_from_group_to_group_are_not_lost(scales):
    # Also where one group has a scale: the other one's own rate would go unseen.
    optimizer = sgd(group(lr=0.1, **scales), lr=1.0)
    with pytest.raises(
        ValueError,
        match=r"^optimizer's groups must have an lr_scale each where their rates differ, "
        r"got rates \[1.0, 0.1\]$",
    ):
        ScheduleLR(optimizer, LINE)
    assert [g["lr"] for g in optimizer.param_groups] == [1.0, 0.1]
    assert not any("initial_lr" in g for g in optimizer.param_groups)


def test_equal_rates_and_scales_of_all_groups_are_accepted():
    assert ScheduleLR(sgd(group(lr=0.3), lr=0.3), LINE).get_last_lr() == [0.1, 0.1]
    tensors = sgd(group(lr=torch.tensor(0.3)), lr=torch.tensor(0.3))
    assert ScheduleLR(tensors, LINE).get_last_lr() == [0.1, 0.1]
    scaled = sgd(group(lr=0.1, lr_scale=0.1), lr=1.0)
    scaled.param_groups[0]["lr_scale"] = 1.0
    assert ScheduleLR(scaled, LINE).get_last_lr() == [0.1, pytest.approx(0.01)]


def test_an_optimizer_goes_on_under_another_adapter():
    optimizer = sgd(group(lr_scale=0.5))
    drive(ScheduleLR(optimizer, LINE), 0, 3)
    again = ScheduleLR(optimizer, LINE, last_epoch=2)
    assert again.get_last_lr() == [LINE(3), 0.5 * LINE(3)]


def test_the_initial_rate_of_a_tensor_is_a_copy():
    optimizer = sgd(lr=torch.tensor(0.5))
    scheduler = ScheduleLR(optimizer, LINE)
    drive(scheduler, 0, 3)
    (first,) = optimizer.param_groups
    assert first["initial_lr"] is not first["lr"]
    assert first["initial_lr"].item() == 0.5


def test_a_rate_held_as_a_tensor_stays_that_tensor():
    rate = torch.tensor(1.0)
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=rate, foreach=False)
    scheduler = ScheduleLR(optimizer, LINE)
    held = optimizer.param_groups[0]["lr"]
    optimizer.step()
    scheduler.step()
    scheduler.load_state_dict(scheduler.state_dict())
    assert optimizer.param_groups[0]["lr"] is held
    assert held.item() == pytest.approx(LINE(1))
    last = scheduler.get_last_lr()[0]
    assert last is not held


def test_it_can_start_at_a_later_step():
    scheduler = ScheduleLR(sgd(), LINE, last_epoch=3)
    assert scheduler.last_epoch == 4
    assert scheduler.get_last_lr() == [LINE(4)]


def test_an_evaluation_counts_at_once():
    scheduler = ScheduleLR(sgd(), ReduceOnPlateau(lr=0.8, patience=1))
    for value in (1.0, torch.tensor(2.0)):
        scheduler.optimizer.step()
        scheduler.step()
        scheduler.observe(value)
    assert scheduler.get_last_lr() == [0.4]
    assert scheduler.optimizer.param_groups[0]["lr"] == 0.4
    with pytest.raises(ValueError, match=r"value must not be NaN"):
        scheduler.observe(float("nan"))


def test_the_state_of_another_schedule_is_refused():
    state = ScheduleLR(sgd(), LINE).state_dict()
    scheduler = ScheduleLR(sgd(), Polynomial(lr=0.2, decay_steps=10))
    with pytest.raises(
        ValueError,
        match=r"state_dict must be that of Polynomial\(lr=0.2, .* got Polynomial\(lr=0.1",
    ):
        scheduler.load_state_dict(state)
    assert scheduler.last_epoch == 0


def test_a_state_that_is_none_is_refused():
    scheduler = ScheduleLR(sgd(), LINE)
    with pytest.raises(
        ValueError, match=r"state_dict must hold .'memory', 'schedule', 'step_count'"
    ):
        scheduler.load_state_dict({"last_epoch": 3})
    with pytest.raises(ValueError, match=r"state must be that of a Memory"):
        scheduler.load_state_dict(scheduler.state_dict() | {"memory": {"rate": 1.0}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last_epoch": -5}, r"^state_dict\['last_epoch'\] must be at least 0, got -5$"),
        ({"last_epoch": "3"}, r"^state_dict\['last_epoch'\] must be a whole number, got '3'$"),
        ({"last_epoch": 2.0}, r"^state_dict\['last_epoch'\] must be a whole number, got 2.0$"),
        ({"last_epoch": 2**60}, r"^t must be at most 2\*\*53, got"),
        ({"last_epoch": 11}, r"^after must be .* beyond 10, the end of Polynomial, .* step 11$"),
        ({"step_count": None}, r"^state_dict\['step_count'\] must be a whole number, got None$"),
        ({"memory": None}, r"^state must be that of a Memory, got None"),
        ({"memory": {"rate": 1.0}}, r"^state must be that of a Memory"),
    ],
)
def test_a_state_that_is_refused_changes_nothing(change, message):
    schedule = Polynomial(lr=0.1, decay_steps=10, after="error")
    scheduler = ScheduleLR(sgd(), schedule)
    drive(scheduler, 0, 3)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match=message):
        scheduler.load_state_dict(before | {"last_epoch": 5} | change)
    assert scheduler.state_dict() == before
    assert scheduler.get_last_lr() == [schedule(3)]
    assert scheduler.optimizer.param_groups[0]["lr"] == schedule(3)


@pytest.mark.parametrize("state", [None, 3, [("last_epoch", 3)]])
def test_a_state_that_is_no_mapping_is_refused(state):
    with pytest.raises(ValueError, match=r"^state_dict must be that of a ScheduleLR, got"):
        ScheduleLR(sgd(), LINE).load_state_dict(state)


def test_a_listening_schedule_s_state_is_refused_as_a_whole():
    scheduler = ScheduleLR(sgd(), ReduceOnPlateau(lr=0.8, patience=1))
    drive(scheduler, 0, 6)
    before = scheduler.state_dict()
    memory = before["memory"] | {"rate": float("nan")}
    with pytest.raises(ValueError, match=r"^state must be that of a PlateauMemory, .* got nan$"):
        scheduler.load_state_dict(before | {"memory": memory, "last_epoch": 1})
    assert scheduler.state_dict() == before


def test_a_schedule_that_is_not_bound_leaves_the_optimizer_alone():
    optimizer = sgd(lr=0.7)
    with pytest.raises(ValueError, match=r"decay_steps must be bound to a run first"):
        ScheduleLR(optimizer, Cosine(lr=0.1))
    assert optimizer.param_groups[0]["lr"] == 0.7
    assert "initial_lr" not in optimizer.param_groups[0]


def test_what_is_no_schedule_or_optimizer_is_refused():
    with pytest.raises(TypeError, match=r"schedule must be a Schedule, got 0.1"):
        ScheduleLR(sgd(), 0.1)
    with pytest.raises(TypeError, match=r"is not an Optimizer"):
        ScheduleLR("sgd", LINE)


def test_it_trains():
    # (w + 1) ** 2 from w = 5 with rate 0.2: 2.6, 1.16, 0.296
    w = torch.nn.Parameter(torch.tensor(5.0))
    optimizer = torch.optim.SGD([w])
    scheduler = ScheduleLR(optimizer, Constant(lr=0.2))
    seen = []
    for _ in range(3):
        optimizer.zero_grad()
        ((w + 1) ** 2).backward()
        optimizer.step()
        scheduler.step()
        seen.append(w.item())
    assert seen == pytest.approx([2.6, 1.16, 0.296], rel=1e-6)


def test_piecewise_and_a_ramp_through_the_adapter():
    schedule = Warmup(
        schedule=PiecewiseConstant(boundaries=[2], values=[0.4, 0.1]), steps=2, hold_steps=1
    )
    assert drive(ScheduleLR(sgd(), schedule), 0, 6) == [0.2, 0.4, 0.4, 0.4, 0.4, 0.1]


def test_a_metric_is_not_taken_for_an_epoch():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = ScheduleLR(optimizer, ReduceOnPlateau(lr=0.1, patience=1))
    with pytest.raises(TypeError, match=r"^step takes no argument, got 1\.5; a metric goes to obs"):
        scheduler.step(1.5)
    assert scheduler.last_epoch == 0
