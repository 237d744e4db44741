"""A command line's study, before anything is created: its name, space, goals, baseline and grid."""

import functools
import re
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from runner.config.options import group_options
from runner.errors import Mistake
from runner.results.definition import Definition, Goal
from runner.study.plan.plan import Plan
from runner.study.plan.plan import plan as planned
from runner.training import devices

SMALL = "model=linear train.epochs=2 tracking=off threads=1"
QUADRATIC = "model=quadratic dataset=none optimizer=sgd train.steps=20 tracking=off threads=1"
PRESETS = [name for name in group_options()["study"] if name != "none"]


def plan(line: str, **more: Any) -> Plan:
    return planned(shlex.split(line), None, **more)


@functools.cache
def usual_name() -> str:
    return plan(f"study=decay_rate {SMALL}").name


def searched(found: Plan) -> dict[str, str]:
    return {entry.key: entry.spec.text() for entry in found.configurator.space.entries}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_plans_a_study_of_its_name_and_creates_nothing(preset, folder: Path) -> None:
    found = plan(f"study={preset} {SMALL} tracking=mlflow")
    assert re.fullmatch(rf"{preset}-[0-9a-f]{{8}}", found.name)
    assert found.definition.goals == (Goal("val/accuracy", "maximize", "kept", 1),)
    assert set(found.baseline) <= set(searched(found))
    assert found.configurator.space.encode(found.baseline) is not None
    assert found.definition.trials == (24 if preset == "quickstart" else 40)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        "study.workers=2",
        "study.trials=7",
        "study.timeout=60",
        "study/sampler=random study.seed=3",
        "study/pruner=median",
        "study.confirm_seeds=2",
        "study.baseline=false study.max_failures=0",
        "study.storage=sqlite:///other.db",
        "threads=2",
        "device=cpu",
        "tracking=mlflow tracking.uri=sqlite:///other.db",
        "study.metric=val/accuracy study.direction=maximize study.last_k=9",
        "study.of=last",
        "'lr=tag(log, interval(0.0001, 0.1))'",
    ],
)
def test_a_name_stays_where_the_search_does(words: str, folder: Path) -> None:
    assert plan(f"study=decay_rate {SMALL} {words}").name == usual_name()


@pytest.mark.parametrize(
    "words",
    [
        "'lr=tag(log, interval(0.0001, 0.2))'",
        "lr=0.1",
        "schedule.staircase=true",
        "train.epochs=3",
        "seed=1",
        "model=mlp",
        "study.metric=val/loss",
        "study.of=mean",
        "study.direction=minimize",
        "study.seeds=2",
    ],
)
def test_a_name_changes_with_the_search(words: str, folder: Path) -> None:
    assert plan(f"study=decay_rate {SMALL} {words}").name != usual_name()


def test_a_search_of_the_command_line_is_named_after_the_sweeper(folder: Path) -> None:
    assert plan(f"{QUADRATIC} 'lr=interval(0.1, 1)'").name.startswith("optuna-")
    assert plan(f"{QUADRATIC} 'lr=interval(0.1, 1)' study.name=mine").name == "mine"


def test_without_data_the_metric_is_the_loss(folder: Path) -> None:
    goals = plan(f"{QUADRATIC} 'lr=interval(0.1, 1)'").definition.goals
    assert goals == (Goal("val/loss", "minimize", "kept", 1),)


@pytest.mark.parametrize(("keep", "of"), [("last", "best"), ("best", "last")])
def test_what_counts_is_of_the_weights_that_are_kept(keep: str, of: str, folder: Path) -> None:
    with pytest.raises(Mistake) as refused:
        plan(f"study=decay_rate {SMALL} train.keep={keep} study.of={of}")
    assert str(refused.value) == (
        f"study.of must be {keep} or mean beside train.keep={keep}, got {of}; "
        f"train.keep={of} keeps the weights of that evaluation"
    )


def test_several_metrics_each_have_their_direction(folder: Path) -> None:
    line = f"study=decay_rate {SMALL} study.metric=[val/accuracy,val/loss] study.of=mean"
    assert plan(line).definition.goals == (
        Goal("val/accuracy", "maximize", "mean", 3),
        Goal("val/loss", "minimize", "mean", 3),
    )
    turned = plan(f"{line} study.direction=[minimize,maximize] study.last_k=2").definition.goals
    assert [(goal.direction, goal.last_k) for goal in turned] == [("minimize", 2), ("maximize", 2)]


def test_a_plain_override_fixes_a_searched_key(folder: Path) -> None:
    found = plan(f"study=decay_rate {SMALL} schedule.decay_rate=0.9")
    assert searched(found) == {"lr": "tag(log, interval(0.0001, 0.1))"}
    assert found.settings.schedule["decay_rate"] == 0.9


def test_a_search_of_the_command_line_replaces_that_of_the_preset(folder: Path) -> None:
    found = plan(f"study=decay_rate {SMALL} lr=0.1,0.2 warmup=none,linear")
    assert searched(found) == {
        "warmup": "choice(none, linear)",
        "lr": "choice(0.1, 0.2)",
        "schedule.decay_rate": "interval(0.5, 0.99)",
    }


def test_a_fixed_group_keeps_what_is_searched_under_it(folder: Path) -> None:
    found = plan(f"study=schedule {SMALL} schedule=exponential")
    assert list(searched(found)) == ["lr", "schedule.decay_rate"]


def test_a_key_that_is_added_begins_at_its_first_value(folder: Path) -> None:
    found = plan(f"{QUADRATIC} +optimizer.maximize=false,true")
    assert found.definition.overrides[-1] == "+optimizer.maximize=false"
    assert found.baseline == {"optimizer.maximize": False}
    settings = found.configurator.settings({"optimizer.maximize": True})
    assert settings.optimizer["maximize"] is True


def test_the_baseline_has_the_values_of_the_configuration(folder: Path) -> None:
    assert plan(f"study=quickstart {SMALL}").baseline == {
        "schedule": "exponential",
        "schedule.decay_rate": 0.9,
        "warmup.fraction": 0.1,
    }


def test_a_baseline_of_lists_is_read_from_the_configuration(folder: Path) -> None:
    line = f"study=boundaries {SMALL} warmup=linear 'warmup.fraction=interval(0, 0.2)'"
    found = plan(f"{line} schedule.boundaries=[50%,75%],[20%,40%] warmup.start=0.0,0.0001")
    assert found.baseline == {
        "lr": 0.001,
        "schedule.boundaries": ["50%", "75%"],
        "warmup.fraction": None,
        "warmup.start": None,
    }


def test_a_baseline_may_lie_outside_of_the_space(folder: Path) -> None:
    found = plan(f"{QUADRATIC} schedule=cosine,linear 'lr=interval(0.1, 1)'")
    assert found.baseline == {"schedule": "exponential", "lr": 0.001}
    assert found.configurator.space.encode(found.baseline) is None


def test_a_grid_has_every_combination_and_their_number_as_its_total(folder: Path) -> None:
    line = f"{QUADRATIC} study/sampler=grid lr=0.001,0.01 schedule.decay_rate=0.5,0.9,0.99"
    found = plan(line)
    cells = [(cell["lr"], cell["schedule.decay_rate"]) for cell in found.grid]
    assert cells == [(lr, rate) for lr in (0.001, 0.01) for rate in (0.5, 0.9, 0.99)]
    assert found.definition.trials == 6
    assert plan(f"{line} study.trials=4").definition.trials == 4


def test_a_baseline_beside_the_grid_is_one_trial_more(folder: Path) -> None:
    line = f"{QUADRATIC} study/sampler=grid lr=0.1,0.2,0.3"
    assert plan(line).definition.trials == 4
    assert plan(f"{line} study.baseline=false").definition.trials == 3


def test_a_grid_tells_conditional_keys_apart(folder: Path) -> None:
    line = "schedule=cosine,exponential 'schedule.decay_rate=choice(0.5, 0.9)' study/sampler=grid"
    assert plan(f"{QUADRATIC} {line}").grid == (
        {"schedule": "cosine"},
        {"schedule": "exponential", "schedule.decay_rate": 0.5},
        {"schedule": "exponential", "schedule.decay_rate": 0.9},
    )


@pytest.mark.parametrize(
    ("words", "is_here", "threads"),
    [
        ("", True, 8),
        ("study.workers=2", True, 8),
        ("study.workers=16", True, 8),
        ("study.workers=2", False, None),
        ("study.workers=2 threads=3", True, 3),
        ("model.hidden=[16]", True, 1),
        ("model.hidden=[16] study.workers=2", True, 1),
        ("'model.hidden=choice([16],[2048,2048])' study.workers=2", True, 8),
    ],
)
def test_any_number_of_workers_trains_with_the_same_threads(
    words, is_here, threads, folder, monkeypatch
) -> None:
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 8)
    line = "model=mlp model.hidden=[2048,2048] train.steps=4 tracking=off 'lr=interval(0.1, 1)'"
    found = plan(f"{line} {words}", is_here=is_here)
    assert found.definition.threads == threads


@pytest.mark.parametrize(
    ("words", "cards", "workers"),
    [
        ("model.hidden=[16] study.workers=auto", 0, 8),
        ("model.hidden=[2048,2048] study.workers=auto", 0, 1),
        ("model.hidden=[16] threads=3 study.workers=auto", 0, 2),
        ("model.hidden=[16] device=cpu study.workers=auto", 4, 8),
        ("model.hidden=[16] study.workers=3", 0, 3),
    ],
)
def test_auto_is_as_many_workers_as_there_is_room_for(
    words, cards, workers, folder, monkeypatch
) -> None:
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 8)
    monkeypatch.setattr(devices, "count", lambda: cards)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=2**40))
    line = "model=mlp train.steps=4 tracking=off 'lr=interval(0.1, 1)'"
    assert plan(f"{line} {words}").study.workers == workers


def test_only_this_machine_knows_its_room(folder: Path) -> None:
    line = "model=mlp train.steps=4 tracking=off 'lr=interval(0.1, 1)' study.workers=auto"
    must = "study.workers must be a number where others than this machine work, got auto"
    with pytest.raises(Mistake, match=must):
        plan(line, is_here=False)


def test_two_studies_say_in_what_they_differ(folder: Path) -> None:
    one = plan(f"study=decay_rate {SMALL}").definition
    other = plan(f"study=decay_rate {SMALL} seed=3 'lr=interval(0.1, 1)' study.seeds=2").definition
    assert one.differences(one) == []
    assert other.differences(one) == [
        "search of lr: tag(log, interval(0.0001, 0.1)) there, interval(0.1, 1) here",
        "study.seeds: 1 there, 2 here",
        "seed: 0 there, 3 here",
    ]


def test_a_definition_is_read_back_as_it_was_written(folder: Path) -> None:
    found = plan(f"study=everything {SMALL} study/pruner=median").definition
    assert Definition.from_json(found.as_json()) == found


def test_a_key_with_a_default_renames_no_study(folder: Path) -> None:
    found = plan(f"study=decay_rate {SMALL}")
    usual = {**found.definition.base, "planets": {"count": 8, "rings": ["saturn"]}}
    more = replace(found.definition, base=usual)
    assert more.name(usual) == found.definition.name(found.definition.base)
    assert more.name({**usual, "planets": {"count": 9}}) != more.name(usual)
    assert found.name == usual_name()


def test_a_key_that_is_null_is_as_one_that_is_not_there(folder: Path) -> None:
    line = f"{QUADRATIC} 'lr=interval(0.1, 1)'"
    found = plan(line).definition
    task = {**found.base["task"], "standardize": None}
    before = replace(found, base={**found.base, "task": task})
    assert before.differences(found) == found.differences(before) == []
    assert replace(found, base={**found.base, "seed": 1}).differences(found) == [
        "seed: 0 there, 1 here"
    ]
