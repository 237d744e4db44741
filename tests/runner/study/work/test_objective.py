"""What a trial's runs are worth: by hand."""

import math
from typing import Any

import pytest

from runner.execution import Pruned
from runner.results.definition import Goal
from runner.results.events import Evaluation
from runner.results.result import Link, Result, Status
from runner.study.work.objective import Objective, Outcome, diverged_value
from runner.training.state import BestKeeper
from runner.training.tasks import Classification

QUADRATIC = "model=quadratic dataset=none optimizer=sgd schedule=constant train.steps=40 threads=1"
LOSS = Goal("val/loss", "minimize", of="best")
ACCURACY = Goal("val/accuracy", "maximize", of="best")


def evaluation(step: int, loss: float, accuracy: float = 0.5) -> Evaluation:
    return Evaluation(step, {"val/loss": loss, "val/accuracy": accuracy, "other": 1.0}, 0)


def is_pruned(objective: Objective, event: Evaluation) -> bool:
    try:
        objective.hear(event)
    except Pruned:
        return True
    return False


def test_an_objective_takes_the_best_of_the_evaluations_for_each_goal(job: Any) -> None:
    objective = Objective(job(QUADRATIC), (LOSS, ACCURACY), None)
    assert objective.values() is None
    for step, loss, accuracy in ((10, 3.0, 0.5), (20, 1.0, 0.7), (30, 2.0, 0.6)):
        objective.hear(evaluation(step, loss, accuracy))
    assert objective.values() == (1.0, 0.7)


def test_what_counts_is_what_the_weights_that_are_kept_find(job: Any) -> None:
    setup = job(QUADRATIC)
    setup.state.task = Classification()  # accuracy decides
    kept = [Goal(goal.metric, goal.direction) for goal in (LOSS, ACCURACY)]
    objective = Objective(setup, tuple(kept), None)
    keeper = BestKeeper(setup.state)
    found = []
    for step, loss, accuracy in ((10, 3.0, 0.5), (20, 1.5, 0.7), (30, 1.0, 0.6)):
        event = evaluation(step, loss, accuracy)
        objective.hear(event)
        found.append(objective.values())
        keeper.hear(event)
    assert found == [(3.0, 0.5), (3.0, 0.5), (1.5, 0.7)]
    assert objective.values() == (1.5, 0.7)
    assert Objective(job(QUADRATIC), tuple(kept), None).values() is None


def test_a_goal_that_is_never_finite_has_no_value(job: Any) -> None:
    objective = Objective(job(QUADRATIC), (LOSS,), None)
    objective.hear(evaluation(10, math.nan))
    assert objective.values() is None


def test_reports_begin_behind_the_warm_up_and_the_last_one_stops_nothing(job: Any) -> None:
    reports = []

    def report(percent: int, value: float) -> bool:
        reports.append((percent, value))
        return True

    line = f"{QUADRATIC} warmup=linear warmup.fraction=0.5"
    objective = Objective(job(line), (LOSS,), report)
    stops = [is_pruned(objective, evaluation(step, 1 / step)) for step in (10, 20, 30, 40)]
    assert reports == [(75, 1 / 30), (100, 1 / 40)]
    assert stops == [False, False, True, False]


@pytest.mark.parametrize(
    ("goal", "finite", "classes", "expected"),
    [
        (LOSS, [0.3, 0.9, 0.5], 10, 0.9),
        (ACCURACY, [0.3, 0.9, 0.5], 10, 0.3),
        (LOSS, [], 10, 10 * math.log(10)),
        (LOSS, [], 1, 10.0),
        (ACCURACY, [], 10, 0.0),
        (Goal("val/accuracy", "minimize"), [], 10, 1.0),
        (Goal("val/loss", "maximize"), [], 10, 0.0),
    ],
)
def test_a_diverged_trial_is_told_as_the_worst(goal, finite, classes, expected) -> None:
    assert diverged_value(goal, finite, classes) == pytest.approx(expected)


def test_an_outcome_stores_what_each_seed_gave() -> None:
    link = Link("run 1", "0", "mine", "sqlite:///mlflow.db")
    one = Result("", Status.FINISHED, {"val/loss": 1.0, "test/loss": 2.0}, seconds=1.5, link=link)
    outcome = Outcome([(1.0, 0.5), (3.0, 0.7)], [one, Result("", Status.FINISHED, seconds=2.0)])
    assert outcome.mean() == pytest.approx([2.0, 0.6])
    assert outcome.stored(diverged="step 3") == {
        "per_seed": [[1.0, 0.5], [3.0, 0.7]],
        "seconds": 3.5,
        "run_ids": ["run 1"],
        "test": [{"test/loss": 2.0}, {}],
        "diverged": "step 3",
    }
