"""PyTorch's schedulers as schedules, against driving them by hand."""

import inspect
import pickle
import re
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as theirs

import schedules
from schedules import FromTorch, Horizon, Warmup

H60 = Horizon(total_steps=60, steps_per_epoch=6)
PATH = "torch.optim.lr_scheduler."


def by_hand(build, steps=60, every=1, lr=0.1):
    """The rates that a scheduler uses when a person drives it."""
    sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)
    scheduler = build(sgd)
    rates = []
    for t in range(steps):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        if (t + 1) % every == 0 and t + 1 < steps:
            scheduler.step()
    return rates


CLASSES = {
    "StepLR": {"step_size": 7, "gamma": 0.5},
    "MultiStepLR": {"milestones": [5, 11, 30], "gamma": 0.3},
    "ConstantLR": {"factor": 0.25, "total_iters": 9},
    "LinearLR": {"start_factor": 0.1, "total_iters": 20},
    "ExponentialLR": {"gamma": 0.93},
    "CosineAnnealingLR": {"T_max": 25, "eta_min": 0.01},
    "CosineAnnealingWarmRestarts": {"T_0": 7, "T_mult": 2},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "mode": "triangular2"},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 60},
    "PolynomialLR": {"total_iters": 40, "power": 1.7},
}
OF_FUNCTIONS = {"LambdaLR", "MultiplicativeLR"}
OF_OTHERS = {"SequentialLR", "ChainedScheduler"}


def test_every_class_of_pytorch_is_tested():
    found = set(theirs.__all__)
    left = OF_FUNCTIONS | OF_OTHERS | {"ReduceLROnPlateau", "LRScheduler"}
    assert set(CLASSES) == found - left


@pytest.mark.parametrize("name", CLASSES)
def test_the_rates_are_those_of_the_scheduler(name):
    kind, arguments = getattr(theirs, name), CLASSES[name]
    schedule = FromTorch(scheduler=PATH + name, lr=0.1, arguments=arguments, step_every=1).bind(H60)
    assert schedule(np.arange(60)).tolist() == by_hand(lambda sgd: kind(sgd, **arguments))
    assert [schedule(t) for t in range(60)] == schedule(np.arange(60)).tolist()
    given = FromTorch(scheduler=kind, lr=0.1, arguments=arguments, step_every=1)
    assert given.bind(H60) == schedule


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"OneCycleLR"}))
def test_a_scheduler_that_is_stepped_once_an_epoch(name):
    kind, arguments = getattr(theirs, name), CLASSES[name]
    schedule = FromTorch(scheduler=PATH + name, lr=0.1, arguments=arguments, step_every="1ep")
    bound = schedule.bind(H60)
    expected = by_hand(lambda sgd: kind(sgd, **arguments), every=6)
    assert bound(np.arange(60)).tolist() == expected
    assert len(set(expected)) <= 10


@pytest.mark.parametrize("every", [1, 4, 7, 59, 60, 100])
def test_a_scheduler_that_is_stepped_every_so_often(every):
    schedule = FromTorch(
        scheduler=PATH + "ExponentialLR", lr=0.1, arguments={"gamma": 0.9}, step_every=every
    )
    expected = by_hand(lambda sgd: theirs.ExponentialLR(sgd, gamma=0.9), every=every)
    assert schedule.bind(H60)(np.arange(60)).tolist() == expected


def test_durations_among_the_arguments_count_in_calls_of_step():
    arguments = {"milestones": ["30%", "5ep", 57]}
    schedule = FromTorch(scheduler=PATH + "MultiStepLR", lr=0.1, arguments=arguments, step_every=1)
    assert schedule.bind(H60).arguments == {"milestones": (18, 30, 57)}
    assert not schedule.bound
    with pytest.raises(
        ValueError, match=r"^arguments\['milestones'\] must be bound to a run first, got '30%'"
    ):
        schedule(0)
    per_epoch = FromTorch(
        scheduler=PATH + "CosineAnnealingLR", lr=0.1, arguments={"T_max": "100%"}, step_every="1ep"
    ).bind(H60)
    assert per_epoch.arguments == {"T_max": 10}
    assert per_epoch == per_epoch.bind(Horizon(7, 2))
    assert per_epoch(np.array([0, 29, 30, 59])).tolist() == pytest.approx(
        [0.1, 0.1 * (1 + np.cos(0.4 * np.pi)) / 2, 0.05, 0.1 * (1 + np.cos(0.9 * np.pi)) / 2]
    )


@pytest.mark.parametrize(
    ("step_every", "given", "calls"),
    [(6, "50%", 5), (6, "2ep", 2), (6, "15%", 2), (7, "1ep", 1), (4, "10%", 2), (100, "100%", 1)],
)
def test_the_nearest_call_halves_up(step_every, given, calls):
    # 15 % are 9 updates, 1.5 calls of 6; 10 % are 6, 1.5 calls of 4; 60 are 0.6 calls of 100
    schedule = FromTorch(
        scheduler=PATH + "StepLR", lr=0.1, arguments={"step_size": given}, step_every=step_every
    )
    assert schedule.bind(H60).arguments == {"step_size": calls}


def refusal(name):
    return (
        rf"^step_every must be 1ep or 1, since {re.escape(name)} is a number without a unit, "
        r"got null; 1ep counts it in epochs, 1 in updates$"
    )


PLAIN = {
    "StepLR": "arguments['step_size']",
    "MultiStepLR": "arguments['milestones'][0]",
    "ConstantLR": "arguments['total_iters']",
    "LinearLR": "arguments['total_iters']",
    "CosineAnnealingLR": "arguments['T_max']",
    "CosineAnnealingWarmRestarts": "arguments['T_0']",
    "CyclicLR": "arguments['step_size_up']",
    "OneCycleLR": "arguments['total_steps']",
    "PolynomialLR": "arguments['total_iters']",
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_number_for_a_duration_must_be_one_of_epochs_or_of_updates(name):
    schedule = FromTorch(scheduler=PATH + name, lr=0.1, arguments=CLASSES[name])
    with pytest.raises(ValueError, match=refusal(PLAIN[name])):
        schedule.bind(H60)
    with pytest.raises(ValueError, match=refusal(PLAIN[name]).replace("^", r"^schedule\.")):
        Warmup(schedule=schedule, steps=1).bind(H60)
    for alike in (Horizon(6, 6), Horizon(60, 1)):  # where an epoch is the run, or an update
        assert schedule.bind(alike).step_every == 1


def test_a_number_within_schedulers_or_of_one_s_own_needs_a_step_too(mine):
    within = {
        "schedulers": [{"scheduler": PATH + "LinearLR", "arguments": {"total_iters": 6}}],
        "milestones": ["10%"],
    }
    sequential = FromTorch(scheduler=PATH + "SequentialLR", lr=0.1, arguments=within)
    with pytest.raises(
        ValueError, match=refusal("arguments['schedulers'][0].arguments['total_iters']")
    ):
        sequential.bind(H60)
    whole = FromTorch(scheduler=PATH + "MultiStepLR", lr=0.1, arguments={"milestones": [2.0]})
    with pytest.raises(ValueError, match=refusal("arguments['milestones'][0]")):
        whole.bind(H60)
    own = FromTorch(scheduler=mine.halving, lr=0.1, arguments={"every": 2})
    with pytest.raises(ValueError, match=refusal("arguments['every']")):
        own.bind(H60)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("StepLR", {"step_size": "30%", "gamma": 1}),
        ("CosineAnnealingWarmRestarts", {"T_0": "1ep", "T_mult": 2}),
        ("MultiStepLR", {"milestones": ["10%", "20%"], "last_epoch": -1}),
        ("ExponentialLR", {"gamma": 0.9}),
        ("LinearLR", None),
    ],
)
def test_without_a_number_for_a_duration_it_is_stepped_every_update(name, arguments):
    schedule = FromTorch(scheduler=PATH + name, lr=0.1, arguments=arguments)
    bound = schedule.bind(H60)
    assert bound == replace(schedule, step_every=1).bind(H60)
    assert bound.step_every == 1


def test_one_cycle_over_the_whole_run():
    schedule = FromTorch(
        scheduler=PATH + "OneCycleLR", lr=0.1, arguments={"max_lr": 0.1, "total_steps": "100%"}
    ).bind(H60)
    trace = schedule(np.arange(100))
    assert trace.max() == pytest.approx(0.1)
    assert trace[0] == pytest.approx(0.004)
    # Its step 60 would be a jump: the run has 60 updates, and the last one's rate is held.
    assert trace[59:].tolist() == [trace[59]] * 41


SEQUENTIAL = {
    "schedulers": [
        {"scheduler": PATH + "LinearLR", "arguments": {"start_factor": 0.1, "total_iters": "10%"}},
        {"scheduler": PATH + "CosineAnnealingLR", "arguments": {"T_max": "90%"}},
    ],
    "milestones": ["10%"],
}


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")  # of some versions
def test_schedulers_one_after_another():
    schedule = FromTorch(scheduler=PATH + "SequentialLR", lr=0.1, arguments=SEQUENTIAL).bind(H60)
    expected = by_hand(
        lambda sgd: theirs.SequentialLR(
            sgd,
            [
                theirs.LinearLR(sgd, start_factor=0.1, total_iters=6),
                theirs.CosineAnnealingLR(sgd, T_max=54),
            ],
            milestones=[6],
        )
    )
    assert schedule(np.arange(60)).tolist() == expected
    assert eval(repr(schedule), vars(schedules)) == schedule


def test_chained_schedulers():
    arguments = {
        "schedulers": [
            {"scheduler": PATH + "ConstantLR", "arguments": None},
            {"scheduler": PATH + "ExponentialLR", "arguments": {"gamma": 0.9}},
            {"scheduler": PATH + "PolynomialLR"},
        ]
    }
    schedule = FromTorch(scheduler=PATH + "ChainedScheduler", lr=0.1, arguments=arguments)
    expected = by_hand(
        lambda sgd: theirs.ChainedScheduler(
            [theirs.ConstantLR(sgd), theirs.ExponentialLR(sgd, gamma=0.9), theirs.PolynomialLR(sgd)]
        )
    )
    assert schedule.bind(H60)(np.arange(60)).tolist() == expected


MINE = """
import time
import warnings

import torch
from torch.optim import lr_scheduler

def halving(optimizer, every):
    return lr_scheduler.LambdaLR(optimizer, lambda n: 0.5 ** (n // every))

def short(opt):
    return lr_scheduler.ConstantLR(opt, factor=1.0)

def plateau(optimizer):
    return lr_scheduler.ReduceLROnPlateau(optimizer)

def nothing(optimizer):
    return None

def fails(optimizer):
    raise KeyError("why")

def gives(optimizer, rates):
    return Given(optimizer, rates)

def factor(n):
    return 0.5 ** n

def slow(optimizer):
    time.sleep(0.002)
    warnings.warn("never seen")
    return lr_scheduler.ConstantLR(optimizer)

class Given(lr_scheduler.LRScheduler):
    def __init__(self, optimizer, rates):
        self.rates = [float(rate) for rate in rates]
        super().__init__(optimizer)

    def get_lr(self):
        return [self.rates[self.last_epoch]]

def typed(optimizer, x):
    rate = {int: 0.25, bool: 0.5, float: 0.75}[type(x)]
    optimizer.param_groups[0]["lr"] = rate
    return lr_scheduler.ConstantLR(optimizer, factor=1.0)

class Plateau(lr_scheduler.ReduceLROnPlateau):
    pass

class Tensor:
    def __init__(self, optimizer):
        self.optimizer = optimizer
        optimizer.param_groups[0]["lr"] = torch.tensor(0.5)

    def step(self):
        self.optimizer.param_groups[0]["lr"] /= 2
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module of a person's own, on the path."""
    (tmp_path / "mine_torch.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    import mine_torch

    yield mine_torch
    del sys.modules["mine_torch"]


def test_a_function_or_class_of_one_s_own(mine):
    halving = FromTorch(scheduler="mine_torch.halving", lr=0.8, arguments={"every": "1ep"})
    assert halving.bind(H60)(np.array([0, 5, 6, 12])).tolist() == [0.8, 0.8, 0.4, 0.2]
    assert FromTorch(scheduler=mine.short, lr=0.8).bind(H60)(59) == 0.8
    given = FromTorch(scheduler=mine.Given, lr=0.1, arguments={"rates": [3, 1, 2]}, total_steps=3)
    assert given(np.arange(5)).tolist() == [3, 1, 2, 2, 2]
    tensor = FromTorch(scheduler="mine_torch.Tensor", lr=0.1, total_steps=3)
    assert tensor(np.arange(3)).tolist() == [0.5, 0.25, 0.125]


def test_a_function_that_changed_is_driven_anew(mine, monkeypatch):
    schedule = FromTorch(scheduler="mine_torch.short", lr=0.8, total_steps=5)
    assert schedule(4) == 0.8
    monkeypatch.setattr(mine, "short", mine.Tensor)
    assert schedule(1) == 0.25


@pytest.mark.parametrize("name", sorted(OF_FUNCTIONS))
def test_a_function_among_the_arguments(mine, name):
    kind, lr_lambda = getattr(theirs, name), {"function": "mine_torch.factor"}
    schedule = FromTorch(scheduler=PATH + name, lr=0.1, arguments={"lr_lambda": lr_lambda})
    expected = by_hand(lambda sgd: kind(sgd, lr_lambda=mine.factor))
    assert schedule.bind(H60)(np.arange(60)).tolist() == expected
    in_a_list = FromTorch(scheduler=PATH + name, lr=0.1, arguments={"lr_lambda": [lr_lambda]})
    assert in_a_list.bind(H60)(np.arange(60)).tolist() == expected
    assert eval(repr(schedule), vars(schedules)) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_a_function_among_the_arguments_that_changed_is_called_anew(mine, monkeypatch):
    arguments = {"lr_lambda": {"function": "mine_torch.factor"}}
    schedule = FromTorch(scheduler=PATH + "LambdaLR", lr=0.8, arguments=arguments, total_steps=5)
    assert schedule(2) == 0.2
    monkeypatch.setattr(mine, "factor", lambda n: 1.0)
    assert schedule(2) == 0.8


def test_arguments_of_another_type_have_a_trace_of_their_own(mine):
    rates = [
        FromTorch(scheduler=mine.typed, lr=0.8, arguments={"x": x}, total_steps=2)(0)
        for x in (1, True, 1.0)
    ]
    assert rates == [0.25, 0.5, 0.75]


def test_threads_leave_the_warning_filters_as_they_were(mine):
    before = list(warnings.filters)
    barrier = Barrier(16)

    def build(i):
        barrier.wait()
        for n in range(3):
            lr = 1 + i + n / 10
            FromTorch(scheduler="mine_torch.slow", lr=lr, total_steps=4)(3)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(build, range(16)))
    assert warnings.filters == before
    with pytest.warns(UserWarning, match=r"seen"):
        warnings.warn("seen", stacklevel=1)


def test_after_the_last_update():
    arguments = {"scheduler": PATH + "ExponentialLR", "lr": 0.8, "arguments": {"gamma": 0.5}}
    held = FromTorch(**arguments, total_steps=3)
    assert held(np.array([0, 1, 2, 3, 10**9])).tolist() == [0.8, 0.4, 0.2, 0.2, 0.2]
    refused = FromTorch(**arguments, total_steps=3, after="error")
    assert refused(np.array([2, 3])).tolist() == [0.2, 0.2]  # PyTorch asks for step 3 after all 3
    with pytest.raises(ValueError, match=r"^after must be .* beyond 3, the end of FromTorch"):
        refused(4)
    with pytest.raises(ValueError, match=r"^after must be 'hold' or 'error', got 'continue'$"):
        FromTorch(**arguments, after="continue")


def test_behind_a_warm_up_it_has_what_remains_of_the_run():
    cosine = FromTorch(scheduler=PATH + "CosineAnnealingLR", lr=0.1, arguments={"T_max": "100%"})
    schedule = Warmup(schedule=cosine, steps=10).bind(H60)
    expected = by_hand(lambda sgd: theirs.CosineAnnealingLR(sgd, T_max=50), 50)
    assert schedule(np.arange(10, 60)).tolist() == expected


def test_the_trace_is_taken_once_and_cannot_be_spoiled(monkeypatch):
    schedule = FromTorch(
        scheduler=PATH + "ExponentialLR", lr=0.1, arguments={"gamma": 0.99999}, total_steps=1000
    )
    t = np.arange(1000)
    first = schedule(t)
    first[:] = 0
    monkeypatch.delattr(theirs.ExponentialLR, "get_lr")  # it cannot be driven again
    assert schedule(t)[0] == 0.1
    assert schedule(t)[-1] == pytest.approx(0.1 * 0.99999**999)


def test_it_leaves_random_numbers_and_default_settings_alone():
    state = torch.random.get_rng_state()
    FromTorch(scheduler=PATH + "PolynomialLR", lr=0.1, total_steps=5)(0)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_it_compares_pickles_and_prints_by_value():
    schedule = FromTorch(scheduler=theirs.SequentialLR, lr=0.1, arguments=SEQUENTIAL)
    assert schedule.scheduler == "torch.optim.lr_scheduler.SequentialLR"
    for copy in (pickle.loads(pickle.dumps(schedule)), eval(repr(schedule), vars(schedules))):
        assert copy == schedule
        assert hash(copy) == hash(schedule)
        assert repr(copy) == repr(schedule)


def test_pytorch_s_warnings_do_not_appear(recwarn):
    FromTorch(scheduler=PATH + "SequentialLR", lr=0.1, arguments=SEQUENTIAL).bind(H60)(59)
    assert list(recwarn) == []


PLATEAU = r"got ReduceLROnPlateau: use schedules.ReduceOnPlateau\(counting='torch'\)$"


@pytest.mark.parametrize(
    ("scheduler", "arguments", "message"),
    [
        (
            PATH + "ReduceLROnPlateau",
            None,
            r"^scheduler must not listen to evaluations, " + PLATEAU,
        ),
        (
            "mine_torch.Plateau",
            None,
            r"^scheduler must not listen to evaluations, got Plateau: use",
        ),
        ("mine_torch.plateau", None, r"^scheduler must not listen to evaluations, " + PLATEAU),
        (
            PATH + "ChainedScheduler",
            {"schedulers": [{"scheduler": PATH + "ReduceLROnPlateau"}]},
            r"^arguments\['schedulers'\]\[0\] must not listen to evaluations, " + PLATEAU,
        ),
        (
            PATH + "ChainedScheduler",
            {"schedulers": [{"scheduler": PATH + "Nope"}]},
            r"^arguments\['schedulers'\]\[0\] must lead to a callable, got .*Nope': module",
        ),
        (
            PATH + "ChainedScheduler",
            {"schedulers": [{"scheduler": PATH + "StepLR", "step_size": 3}]},
            r"^arguments\['schedulers'\]\[0\] must have the keys scheduler and arguments only, "
            r"got 'step_size' too$",
        ),
        (
            PATH + "ChainedScheduler",
            {"schedulers": [{"scheduler": 3}]},
            r"^arguments\['schedulers'\]\[0\] must have a scheduler's path, got 3$",
        ),
        (
            PATH + "ChainedScheduler",
            {"schedulers": [{"scheduler": PATH + "StepLR", "arguments": [3]}]},
            r"^arguments\['schedulers'\]\[0\] must have a mapping of arguments, got \(3,\)$",
        ),
        (
            PATH + "ChainedScheduler",
            {"schedulers": [{"scheduler": PATH + "StepLR"}]},
            r"^arguments must suit .*lr_scheduler.StepLR, got \{\}: TypeError: .*step_size",
        ),
        (
            PATH + "LambdaLR",
            {"lr_lambda": {"function": "mine_torch.nope"}},
            r"^arguments\['lr_lambda'\] must lead to a callable, got 'mine_torch.nope': module",
        ),
        (
            PATH + "LambdaLR",
            {"lr_lambda": {"function": 3}},
            r"^arguments\['lr_lambda'\] must have a function's path, got 3$",
        ),
        (
            PATH + "LambdaLR",
            {"lr_lambda": {"function": "mine_torch.factor", "power": 2}},
            r"^arguments\['lr_lambda'\] must have the key function only, got 'power' too$",
        ),
        (
            PATH + "Nope",
            None,
            r"^scheduler must lead to a callable, got .* has no attribute 'Nope'$",
        ),
        (
            "nowhere.Nope",
            None,
            r"^scheduler must lead to a callable, got 'nowhere.Nope': No module",
        ),
        ("StepLR", None, r"^scheduler must be a dotted path such as .*, got 'StepLR'$"),
        (None, None, r"^scheduler must be a dotted path or a callable, got None$"),
        (lambda sgd: None, None, r"^scheduler must be found by its module and name"),
        (PATH + "StepLR", None, r"^arguments must suit .*StepLR, got \{\}: TypeError: .*step_size"),
        (
            PATH + "StepLR",
            {"stepsize": 3},
            r"^arguments must suit .* got \{'stepsize': 3\}: TypeEr",
        ),
        (PATH + "StepLR", {"optimizer": 3}, r"^arguments must suit .*StepLR, got .*: TypeError"),
        (
            PATH + "LinearLR",
            {"start_factor": 0},
            r"^arguments must suit .*LinearLR, got .*: ValueEr",
        ),
        (PATH + "LRScheduler", None, r"^arguments must suit .*LRScheduler, got .*NotImplemented"),
        (PATH + "StepLR", [3], r"^arguments must be a mapping of names to values, got \[3\]$"),
        ("mine_torch.nothing", None, r"^scheduler must give something with a step\(\), got None$"),
        ("mine_torch.fails", None, r"^arguments must suit mine_torch.fails, got \{\}: KeyError"),
        (
            PATH + "StepLR",
            {"step_size": "0.1%"},
            r"^arguments\['step_size'\] must be at least 1 call of step\(\), got '0.1%' = 0 steps",
        ),
    ],
)
def test_what_gives_no_schedule_is_refused(mine, scheduler, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        FromTorch(scheduler=scheduler, lr=0.1, arguments=arguments).bind(H60)


@pytest.mark.parametrize(
    ("scheduler", "arguments", "message"),
    [
        (
            PATH + "OneCycleLR",
            {"max_lr": 0.1, "total_steps": 10},
            r"^arguments must suit a scheduler that is stepped 59 times, got .*: ValueError: Tried",
        ),
        (
            PATH + "ExponentialLR",
            {"gamma": -1},
            r"^scheduler must give finite rates of at least 0, got -0.1 at step 1$",
        ),
        (
            "mine_torch.gives",
            {"rates": [1, "nan", *[1] * 60]},
            r"^scheduler must give finite rates of at least 0, got nan at step 1$",
        ),
        (
            "mine_torch.gives",
            {"rates": [1, 2]},
            r"^arguments must suit a scheduler that is stepped 59 times, got .*: IndexError",
        ),
    ],
)
def test_a_scheduler_that_fails_in_the_run_is_refused(mine, scheduler, arguments, message):
    schedule = FromTorch(scheduler=scheduler, lr=0.1, arguments=arguments, step_every=1)
    with pytest.raises(ValueError, match=message):
        schedule.bind(H60)(np.arange(60))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": -1}, r"^lr must be at least 0, got -1$"),
        ({"step_every": 0}, r"^step_every must be at least 1 step, got 0$"),
        ({"step_every": "0.01ep"}, r"^step_every must be at least 1 step, got '0.01ep' = 0"),
        ({"total_steps": 0}, r"^total_steps must be at least 1 step, got 0$"),
        (
            {"total_steps": 10**9},
            r"^total_steps must come to at most 10000000 calls of the scheduler's step\(\), got 10",
        ),
    ],
)
def test_an_argument_out_of_its_range(arguments, message):
    arguments = {"lr": 0.1, "scheduler": PATH + "PolynomialLR"} | arguments
    with pytest.raises(ValueError, match=message):
        FromTorch(**arguments).bind(H60)


def test_a_long_run_with_few_calls_is_no_matter():
    schedule = FromTorch(
        scheduler=PATH + "PolynomialLR", lr=0.1, total_steps=2**53, step_every=2**50
    )
    assert schedule(2**53) == 0.0


def test_pytorch_s_signatures_are_as_we_call_them():
    for name in theirs.__all__:
        assert "optimizer" in inspect.signature(getattr(theirs, name)).parameters
