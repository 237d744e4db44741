"""Samplers, pruners and objectives: each runs a small study, seeded, and refuses what is odd."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from omegaconf import OmegaConf

from runner.config.options import CONF
from runner.errors import Mistake
from runner.interrupts import Interrupts
from runner.results.answer import front
from runner.study.plan.plan import plan
from runner.study.queue import attributes
from runner.study.queue.attributes import rows
from runner.study.queue.create import create
from runner.study.work.worker import work

QUADRATIC = (
    "model=quadratic dataset=none optimizer=sgd schedule=constant train.steps=20 "
    "train.eval_every=4 tracking=off threads=1 study.confirm_seeds=0"
)
RATE = "'lr=tag(log, interval(1e-3, 0.5))'"
MORE = f"{RATE} 'optimizer.momentum=interval(0, 0.9)' schedule=constant,cosine"
SAMPLERS = ["tpe", "random", "qmc", "gp", "cmaes", "nsga2"]
EARLY = {  # so that the first model is made within a few trials
    "tpe": "study.sampler.n_startup_trials=3",
    "gp": "study.sampler.n_startup_trials=3",
    "nsga2": "study.sampler.population_size=3",
}

LOSSES = [36 * 1.04 ** (2 * step) for step in (4, 8, 12, 16, 20)]  # of lr=1.02
Searched = Callable[..., optuna.Study]


class Stops(Interrupts):
    """Asks to stop after so many questions."""

    def __init__(self, questions: int) -> None:
        super().__init__()
        self.left = questions

    def requested(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.fixture
def searched(folder: Path) -> Searched:
    """Runs a study to its end, in memory where no other storage is given."""

    def run(line: str, storage: Any = None, interrupts: Interrupts | None = None) -> optuna.Study:
        planned = plan(shlex.split(f"{QUADRATIC} {line}"), None)
        study = create(planned, storage or optuna.storages.InMemoryStorage())
        work(study, interrupts or Interrupts(), None, None)
        return study

    return run


def values(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.user_attrs[attributes.VALUES] for trial in attributes.done(study)]


def options(group: str) -> list[str]:
    return sorted(file.stem for file in (CONF / "study" / group).glob("*.yaml"))


def test_every_sampler_is_tested() -> None:
    assert options("sampler") == sorted([*SAMPLERS, "grid"])


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_command_gives_the_same_trials(searched: Searched, name: str) -> None:
    line = f"{MORE} study/sampler={name} study.trials=8 {EARLY.get(name, '')}"
    first = values(searched(line))
    assert len(first) == 8
    assert values(searched(line)) == first
    assert values(searched(f"{line} study.seed=1"))[1:] != first[1:]


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes", "nsga2"])
def test_a_sampler_learns_from_the_trials_before(searched: Searched, name: str) -> None:
    line = f"{MORE} study/sampler={name} study.trials=9 {EARLY.get(name, '')}"
    down = values(searched(line))
    up = values(searched(f"{line} study.direction=maximize"))
    assert down[:2] == up[:2]
    assert down != up


def test_trials_are_those_that_optuna_itself_draws(searched: Searched) -> None:
    line = f"{RATE} study/sampler=random study.trials=4 study.baseline=false study.seed=7"
    drawn = []
    for number in range(4):
        (seed,) = np.random.SeedSequence([7, number]).generate_state(1)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=int(seed)))
        drawn.append(study.ask().suggest_float("lr", 1e-3, 0.5, log=True))
    assert [trial["lr"] for trial in values(searched(line))] == drawn


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_option_of_a_sampler_is_taken_as_it_stands_there(folder: Path, name: str) -> None:
    given = OmegaConf.load(CONF / "study" / "sampler" / f"{name}.yaml")
    words = [f"study.sampler.{key}={value}" for key, value in given.items() if key != "_target_"]
    line = f"{QUADRATIC} {RATE} study/sampler={name} {' '.join(words)}"
    assert plan(shlex.split(line), None).definition.sampler == given


@pytest.mark.parametrize(
    "words",
    [
        "median study.pruner.n_startup_trials=2 study.pruner.n_min_trials=1",
        "hyperband",
        "asha study.pruner.min_resource=20",
        "threshold study.pruner.upper=5.0",
        "wilcoxon study.seeds=4 study.pruner.p_threshold=0.5",
    ],
)
def test_every_pruner_stops_some_trials_and_never_the_best(searched: Searched, words: str) -> None:
    line = f"{RATE} study/sampler=random study.trials=12"
    study = searched(f"{line} study/pruner={words}")
    pruned = [t for t in attributes.done(study) if t.state == optuna.trial.TrialState.PRUNED]
    assert len(attributes.done(study)) == 12
    assert 0 < len(pruned) < 12
    best = searched(line).best_trial.user_attrs[attributes.VALUES]
    assert study.best_trial.user_attrs[attributes.VALUES] == best


def test_a_study_stops_trials_that_improve_no_more(searched: Searched) -> None:
    line = f"{RATE} study/sampler=random study.trials=6 study/pruner=patient study.pruner.patience"
    ended = attributes.done(searched(f"{line}=1 study.direction=maximize"))
    assert [max(trial.intermediate_values) for trial in ended] == [100, *[40] * 5]  # the baseline


def test_nothing_is_pruned_within_a_warm_up(searched: Searched) -> None:
    line = f"{RATE} study.trials=4 warmup=linear warmup.fraction=0.5 study/pruner=threshold"
    study = searched(f"{line} study.pruner.upper=1e-9 study.pruner.n_warmup_steps=0")
    steps = {min(trial.intermediate_values) for trial in attributes.done(study)}
    assert steps == {60}


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_interrupted_study_gives_the_trials_of_an_uninterrupted_one(
    searched: Searched, name: str
) -> None:
    line = f"{MORE} study/sampler={name} study.trials=9 {EARLY.get(name, '')}"
    storage = optuna.storages.InMemoryStorage()
    study = searched(line, storage, Stops(75))
    assert 0 < len(attributes.done(study)) < 9
    resumed = searched(line, storage)
    assert sum(attributes.RETRY_OF in trial.user_attrs for trial in attributes.done(resumed)) == 1
    assert sorted(map(str, values(resumed))) == sorted(map(str, values(searched(line))))


def test_a_grid_is_trained_once_and_goes_on_where_it_stopped(searched: Searched) -> None:
    line = "study/sampler=grid lr=0.001,0.01,0.1 optimizer.momentum=0.0,0.5"
    storage = optuna.storages.InMemoryStorage()
    first = searched(f"{line} study.trials=4", storage)
    assert len(attributes.done(first)) == 4
    whole = values(searched(line, storage))
    assert len(whole) == 6
    cells = {(trial["lr"], trial["optimizer.momentum"]) for trial in whole}
    assert cells == {(lr, momentum) for lr in (0.001, 0.01, 0.1) for momentum in (0.0, 0.5)}
    assert len(attributes.done(searched(f"{line} study.trials=20", storage))) == 6


def test_the_baseline_is_trial_0_even_outside_of_the_space(searched: Searched) -> None:
    study = searched("'lr=interval(0.1, 0.5)' optimizer.momentum=0.5,0.9 study.trials=3")
    first, *others = attributes.done(study)
    assert (first.number, first.user_attrs["baseline"]) == (0, True)
    assert first.user_attrs[attributes.VALUES] == {"lr": 0.001, "optimizer.momentum": 0.0}
    assert all(trial.user_attrs[attributes.VALUES]["lr"] >= 0.1 for trial in others)
    again = searched("'lr=interval(0.1, 0.5)' study.trials=3 study.baseline=false")
    assert not any(trial.user_attrs.get("baseline") for trial in again.get_trials())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", LOSSES[-1]),
        ("train.keep=best", min(LOSSES)),
        ("train.keep=best study.of=best", min(LOSSES)),
        ("study.of=last", LOSSES[-1]),
        ("study.of=mean study.last_k=2", (LOSSES[-1] + LOSSES[-2]) / 2),
        ("study.of=mean study.last_k=99", sum(LOSSES) / len(LOSSES)),
        ("study.direction=maximize", LOSSES[-1]),
    ],
)
def test_an_objective_is_made_of_the_evaluations(searched, words: str, expected: float) -> None:
    line = f"lr=1.02,0.1 study.baseline=false study/sampler=grid {words}"
    first, _ = attributes.done(searched(line))
    assert first.values == [pytest.approx(expected, rel=1e-6)]


def test_several_metrics_leave_the_trials_that_no_other_beats(searched: Searched) -> None:
    line = "model=linear dataset=mnist_5k train.steps=6 train.eval_every=3"
    study = searched(f"{line} {RATE} study.metric=[val/accuracy,val/loss] study.trials=5")
    ended = attributes.done(study)
    assert all(len(trial.values) == 2 for trial in ended)
    definition = attributes.definition(study)
    numbers = {row.number for row in front(rows(ended, definition), definition)}
    assert numbers == {trial.number for trial in study.best_trials}
    with pytest.raises(Mistake, match=r"study.metric must be one metric with a pruner, got \["):
        plan(
            shlex.split(f"{line} {RATE} study.metric=[val/accuracy,val/loss] study/pruner=asha"),
            None,
        )
