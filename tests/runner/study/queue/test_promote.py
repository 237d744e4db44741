"""A pruned trial that is promoted goes on from where it was stopped, and counts once."""

import shlex
from typing import Any

import optuna
import pytest

from runner.errors import Mistake
from runner.study.plan.plan import plan
from runner.study.queue import attributes, queue
from runner.study.queue.create import create
from runner.study.queue.draws import _Draws, places
from runner.study.queue.storage import open_storage

LINE = (
    "model=mlp model.hidden=[8] dataset.train_size=512 train.batch_size=64 train.steps=24 "
    "train.eval_every=8 threads=1 lr=tag(log,interval(0.001,0.1)) study.trials=3 "
    "study.confirm_seeds=0 study/sampler=random study.metric=val/loss study/pruner=threshold "
    "study.pruner.lower=-1 study.pruner.upper=0 study.name=one"
)


@pytest.fixture
def pruned(worked: Any) -> Any:
    """A study of a baseline and two trials that were pruned."""
    study = worked(LINE)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "PRUNED"]
    return study


def test_it_goes_on_from_its_last_state_to_the_end(pruned: Any, worked: Any, store: Any) -> None:
    study = worked(f"{LINE} study.promote=[1]")
    *_, old, _, new = study.trials
    assert (new.number, new.state.name, new.params) == (3, "COMPLETE", old.params)
    assert new.intermediate_values.keys() == {33, 66, 100}
    assert old.intermediate_values.keys() == {33}
    assert new.intermediate_values[33] == old.intermediate_values[33]
    (run,) = [one for one in store.runs() if store.label(one) == "trial 3"]
    assert run.data.tags["reused_steps"] == "8"
    assert len(store.history(run, "train/loss")) == 24


def test_it_counts_once(pruned: Any, worked: Any) -> None:
    study = worked(f"{LINE} study.promote=[1]")
    assert len(study.trials) == 4
    assert [trial.number for trial in attributes.done(study)] == [0, 2, 3]
    rows = attributes.rows(study.trials, attributes.definition(study))
    assert [row.number for row in rows] == [0, 2, 3]
    seen = _Draws(study, study.trials, is_over=True).get_trials()
    assert [trial.number for trial in seen] == [0, 1, 2]
    assert [trial.state.name for trial in seen] == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert places(study.trials) == {0: 0, 1: 1, 2: 2, 3: 1}
    assert queue.left(study) == (0, 0)
    assert queue.fill(study) == 0


def test_the_same_command_promotes_once_and_a_longer_study_draws_what_it_would_have_drawn(
    pruned: Any, worked: Any, folder: Any
) -> None:
    worked(f"{LINE} study.promote=[1]")
    assert len(worked(f"{LINE} study.promote=[1]").trials) == 4
    longer = worked(f"{LINE.replace('trials=3', 'trials=4')} study.promote=[1]")
    plain = worked(LINE.replace("trials=3", "trials=4").replace("name=one", "name=other"))
    assert longer.trials[-1].params == plain.trials[-1].params
    assert len(longer.trials) == 5


def test_a_promoted_trial_that_is_lost_is_made_again_in_the_same_place(
    pruned: Any, worked: Any
) -> None:
    planned = plan(shlex.split(f"{LINE} study.promote=[1]"), None)
    study = create(planned, open_storage(planned.study.storage))
    assert queue.left(study) == (1, 0)
    assert queue.requeue(study, study.trials[3], attributes.GONE)
    study = worked(f"{LINE} study.promote=[1]")
    assert [trial.state.name for trial in study.trials[3:]] == ["FAIL", "COMPLETE"]
    assert [trial.number for trial in attributes.done(study)] == [0, 2, 4]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("[0]", "study.promote must list trials of one that were pruned, got 0, which is complete"),
        ("[9]", "study.promote must list trials of one that were pruned, got 9, which is not ther"),
        ("[-1]", "study.promote must list numbers of trials, such as"),
        ("7", "study.promote must list numbers of trials, such as"),
        ("[a]", "study.promote must list numbers of trials, such as"),
    ],
)
def test_what_was_not_pruned_is_one_line(pruned: Any, started: Any, given: str, told: str) -> None:
    with pytest.raises(Mistake, match=r"study\.promote") as refused:
        started(f"{LINE} study.promote={given}")
    assert told in str(refused.value)
    assert len(pruned.trials) == 3


def test_a_new_study_that_is_refused_is_not_made(started: Any, folder: Any) -> None:
    with pytest.raises(Mistake, match="were pruned, got 7, which is not there"):
        started(f"{LINE} study.promote=[7]")
    assert optuna.get_all_study_names("sqlite:///optuna.db") == []


def test_a_number_that_is_given_twice_is_promoted_once(pruned: Any, started: Any) -> None:
    assert len(started(f"{LINE} study.promote=[1,1]").trials) == 4
