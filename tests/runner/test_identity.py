"""Which starts are the same run."""

from typing import Any

import pytest

from runner.identity import identity
from runner.results.view import JOB, KIND

LINE = "model=quadratic dataset=none schedule=constant optimizer=sgd lr=0.1 train.steps=3 threads=1"


@pytest.fixture
def identity_of(job: Any) -> Any:
    def found(words: str, name: str = "a") -> str:
        setup = job(f"{LINE} {words}")
        return identity(setup.settings, setup.trial, name)

    return found


@pytest.mark.parametrize(
    "words",
    [
        "",
        "tracking.uri=http://host:5000",
        "tracking=mlflow_tensorboard",
        "schedule=constant",
        "train.epochs=null",
    ],
)
def test_the_same_training_under_the_same_name_is_the_same_run(
    identity_of: Any, words: str
) -> None:
    assert identity_of(words) == identity_of("")


@pytest.mark.parametrize(
    "words",
    [
        "seed=1",
        "lr=0.2",
        "train.steps=4",
        "train.eval_every=1",
        "train.keep=best",
        "model.w=4.0",
        "threads=2",
        "tracking.experiment=mine",
        "+tracking.tags.note=second",
    ],
)
def test_what_differs_is_another_run(identity_of: Any, words: str) -> None:
    assert identity_of(words) != identity_of("")


def test_another_name_is_another_run(identity_of: Any) -> None:
    assert identity_of("", "a") != identity_of("", "b")


def test_a_job_of_a_sweep_is_never_gone_on_with(identity_of: Any) -> None:
    assert identity_of(f"+tracking.tags.{KIND}={JOB}") == ""
