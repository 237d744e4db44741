"""What a person might not have meant by a schedule is said, and nothing where all is usual."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from runner.build.horizon import horizon
from runner.build.notes import notes
from runner.build.numbers import numbers
from runner.config.options import group_options
from schedules import steps_of

SAMPLES = 4096  # 32 batches of 128
NEED_WORDS = {"expression", "function"}
SCHEDULES = sorted(set(group_options()["schedule"]) - NEED_WORDS)
MANY = str([*range(30, 730)]).replace(" ", "")
OWN = """
from dataclasses import dataclass
from schedules import Schedule

@dataclass(frozen=True, kw_only=True)
class Listens(Schedule):
    lr: float
    after: str = "continue"
    end_steps: int | None = None
    listens = True
    monitor = "val/loss"

    def formula(self, t):
        return self.lr + 0.0 * t
"""


@pytest.fixture
def noted(settings: Any) -> Callable[..., list[str]]:
    """Gives the notes of a command line."""

    def find(line: str, samples: int = SAMPLES) -> list[str]:
        given = settings(line)
        length = horizon(given, samples)
        every = steps_of(given.train.eval_every, length)
        return notes(given, numbers(given, length), every)

    return find


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_nothing_is_said_of_a_schedule_as_it_comes(noted, schedule):
    assert noted(f"schedule={schedule}") == []


@pytest.mark.parametrize("experiment", group_options()["experiment"])
def test_nothing_is_said_of_a_preset(noted, experiment):
    samples = 0 if "quadratic" in experiment else SAMPLES
    assert noted(f"+experiment={experiment}", samples) == []


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (
            "schedule=piecewise schedule.boundaries=[50,800] schedule.factors=[1,0.5,0.1]",
            "schedule.boundaries 800 lies beyond the last step that it sees, 99",
        ),
        (
            "schedule=multistep schedule.boundaries=[50,95] warmup=linear warmup.steps=10",
            "schedule.boundaries 95 lies beyond the last step that it sees, 89",
        ),
        (
            f"schedule=multistep schedule.factor=1 schedule.boundaries={MANY}",
            "schedule.boundaries: 629 of 700, from 101 on, lie beyond the last step that it sees, "
            "99",
        ),
        (
            "schedule=clamp schedule.schedule._target_=schedules.MultiStep "
            "+schedule.schedule.boundaries=[20,200]",
            "schedule.schedule.boundaries 200 lies beyond the last step that it sees, 99",
        ),
        (
            "schedule=join schedule.schedules.1._target_=schedules.MultiStep "
            "+schedule.schedules.1.boundaries=[20,60]",
            "schedule.schedules[1].boundaries 60 lies beyond the last step that it sees, 49",
        ),
        (
            "clipping=global_norm clipping/max_norm_schedule=linear schedule.start=200 "
            "clipping.max_norm_schedule.boundaries=[0,350]",
            "clipping.max_norm_schedule.boundaries 350 lies beyond the last step that it sees, 299",
        ),
        (
            "schedule=repeat schedule.schedule._target_=schedules.MultiStep "
            "+schedule.schedule.boundaries=[20,30]",
            "schedule.schedule.boundaries 30 lies beyond the last step that it sees, 24",
        ),
        (
            "schedule=cosine schedule.decay_steps=201",
            "schedule.decay_steps 201 is more than twice the 100 steps that it sees",
        ),
        (
            "schedule.decay_steps=5000",
            "schedule.decay_steps 5000 is more than twice the 100 steps that it sees",
        ),
        (
            "schedule=product +schedule.schedules.1.decay_steps=5000",
            "schedule.schedules[1].decay_steps 5000 is more than twice the 100 steps that it sees",
        ),
        (
            "schedule=cosine schedule.decay_steps=49",
            "schedule.decay_steps ends at step 49 of 100, and the rate holds there",
        ),
        (
            "schedule=cosine schedule.start=100 schedule.decay_steps=1ep",
            "schedule.decay_steps ends at step 32 of 200, and the rate holds there",
        ),
        (
            "schedule=wsd schedule.total_steps=40 schedule.floor=1e-4",
            "schedule.total_steps ends at step 40 of 100, and the rate holds there",
        ),
        (
            "schedule=polynomial schedule.decay_steps=20%",
            "the rate is under a millionth of its peak from step 20 of 100 on",
        ),
        (
            "warmup=linear warmup.fraction=0.004",
            "warmup.fraction 0.004 comes to 0 steps of 100, which is no ramp",
        ),
        (
            "warmup=linear warmup.steps=0.01ep warmup.start=0",
            "warmup.steps 0.01ep comes to 0 steps of 100, which is no ramp",
        ),
        (
            "warmup=linear warmup.fraction=0.01",
            "warmup.fraction 0.01 comes to 1 step of 100, which is no ramp",
        ),
        (
            "schedule=wsd schedule.warmup_steps=0.2%",
            "schedule.warmup_steps 0.2% comes to 0 steps of 100, which is no ramp",
        ),
        *(
            (
                f"schedule=torch schedule.scheduler=torch.optim.lr_scheduler.{name} "
                f"schedule.arguments={arguments}",
                "schedule.step_every is null: a step() follows each update; with 1ep, each epoch",
            )
            for name, arguments in {
                "ExponentialLR": "{gamma:0.9}",
                "LinearLR": "{start_factor:0.1}",
                "SequentialLR": "{milestones:[9%],schedulers:[{scheduler:"
                "torch.optim.lr_scheduler.ConstantLR},{scheduler:"
                "torch.optim.lr_scheduler.CosineAnnealingLR,arguments:{T_max:90%}}]}",
            }.items()
        ),
        (
            "schedule=plateau train.eval_every=100",
            "the schedule cannot change the rate: it hears 0 evaluations of val/loss before the "
            "last step (train.eval_every 100)",
        ),
        (
            "schedule=plateau schedule.patience=1 train.eval_every=60",
            "the schedule cannot change the rate: it hears 1 evaluation of val/loss before the "
            "last step (train.eval_every 60)",
        ),
        (
            "schedule=plateau schedule.patience=1 train.eval_every=40 warmup=linear "
            "warmup.steps=50",
            "the schedule cannot change the rate: it hears 2 evaluations of val/loss before the "
            "last step (train.eval_every 40)",
        ),
    ],
)
def test_what_might_not_have_been_meant_is_said_once(noted, line, note):
    assert noted(f"train.steps=100 {line}") == [note]


def test_without_data_a_rate_of_every_epoch_vanishes(noted):
    # 0.9 ** 132 is the first power of 0.9 that is under a millionth.
    (note,) = noted("dataset=none model=quadratic train.steps=300", samples=0)
    assert note == (
        "the rate is under a millionth of its peak from step 132 of 300 on; "
        "without data an epoch is 1 step"
    )
    assert noted("dataset=none model=quadratic train.steps=264", samples=0) == []


@pytest.mark.parametrize(
    "line",
    [
        "schedule=cosine schedule.decay_steps=200",
        "schedule=cosine schedule.decay_steps=50",
        "schedule=cosine schedule.decay_steps=20% schedule.floor=10%",
        "schedule=constant schedule.after=hold schedule.end_steps=5",
        "schedule=constant schedule.after=hold schedule.end_steps=5000",
        "schedule=cosine schedule.start=200 schedule.decay_steps=300",
        "schedule=cosine schedule.start=200 warmup=linear",
        "schedule=polynomial warmup=linear",
        "train.steps=3",
        "schedule=constant lr=0",
        "warmup=linear warmup.fraction=0",
        "warmup=linear warmup.steps=0%",
        "warmup=linear warmup.steps=1",
        "warmup=linear warmup.steps=1e0",
        "warmup=linear warmup.fraction=0.01 warmup.start=0",
        "schedule=wsd schedule.warmup_steps=0",
        "schedule=torch schedule.scheduler=torch.optim.lr_scheduler.ExponentialLR "
        "schedule.arguments={gamma:0.9} schedule.step_every=1",
        "schedule=torch schedule.scheduler=torch.optim.lr_scheduler.StepLR "
        "schedule.arguments={step_size:30%}",
        "schedule=plateau schedule.patience=1 train.eval_every=40",
        "schedule=plateau schedule.patience=1 train.eval_every=1",
    ],
)
def test_nothing_is_said_of_what_a_person_may_well_mean(noted, line):
    assert noted(f"train.steps=100 {line}") == []


def test_a_schedule_of_one_s_own_is_said_to_hear_nothing_only(noted, tmp_path, monkeypatch):
    (tmp_path / "own_listener.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    line = "schedule=constant schedule._target_=own_listener.Listens train.steps=100"
    assert noted(f"{line} train.eval_every=50") == []
    (note,) = noted(f"{line} train.eval_every=100")
    assert "it hears 0 evaluations of val/loss" in note
    del sys.modules["own_listener"]
