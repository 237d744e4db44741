"""A study is found again, whichever version has made it, and gets the trials that it lacks."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from runner.errors import Mistake
from runner.study.queue import attributes
from runner.study.queue.storage import open_storage

STORES = Path(__file__).parents[2] / "stores"  # as the version before the rooms has written them
QUADRATIC = "model=quadratic dataset=none optimizer=sgd train.steps=4 tracking=off threads=1"
FINISHED = f"study=decay_rate study.confirm_seeds=0 {QUADRATIC}"
KILLED = (
    "-m hydra/sweeper=optuna study/sampler=grid study/pruner=patient study.confirm_seeds=0 "
    f"lr=0.1,0.2,0.3 {QUADRATIC} study.heartbeat_seconds=0.5"
)
SHORT = f"hydra/sweeper=optuna schedule=constant {QUADRATIC} 'lr=tag(log, interval(1e-3, 0.5))'"


@pytest.fixture(params=["sqlite:///optuna.db", "journal:optuna.journal"])
def store_of_old(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of a storage with a finished study and one whose worker was killed."""
    if request.param.startswith("journal"):
        shutil.copy(STORES / "optuna.journal", folder)
    else:
        with closing(sqlite3.connect(folder / "optuna.db")) as connection:
            connection.executescript((STORES / "optuna.sql").read_text())
    return str(request.param)


def study_of(address: str, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=open_storage(address))


def plain(trial: optuna.trial.FrozenTrial) -> tuple[Any, ...]:
    return trial.number, trial.state, trial.params, trial.values, trial.user_attrs


def test_a_finished_study_of_an_earlier_version_goes_on_under_its_name(
    store_of_old: str, command: Callable[[str], Any], undrawn
) -> None:
    name = "decay_rate-a117b395"
    before = [plain(trial) for trial in study_of(store_of_old, name).trials]
    done = command(f"{FINISHED} study.trials=3 study.storage={store_of_old}")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"study     {name}: 3 of 3 trials done\n")
    assert [plain(trial) for trial in study_of(store_of_old, name).trials] == before
    more = command(f"{FINISHED} study.trials=5 study.storage={store_of_old}")
    assert "[4/5] trial 3 " in more.out
    study = study_of(store_of_old, name)
    assert [plain(trial) for trial in study.trials[:3]] == before
    assert len(study.trials) == len(attributes.done(study)) == 5
    assert len(optuna.get_all_study_names(open_storage(store_of_old))) == 2


def test_a_killed_study_of_an_earlier_version_trains_what_it_lacks(
    store_of_old: str, command: Callable[[str], Any], undrawn
) -> None:
    """Of three cells and a baseline two were done; the worker of the third was killed."""
    name = "optuna-c6b95c3f"
    before = [plain(trial) for trial in attributes.done(study_of(store_of_old, name))]
    done = command(f"{KILLED} study.storage={store_of_old}")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"study     {name}: 2 of 4 trials done\n")
    assert "the worker of trial 2 is gone; queued again" in done.out
    ended = attributes.done(study_of(store_of_old, name))
    assert [plain(trial) for trial in ended[:2]] == before
    assert [trial.user_attrs.get(attributes.RETRY_OF) for trial in ended[2:]] == [None, 2]
    rates = [trial.user_attrs[attributes.VALUES]["lr"] for trial in ended]
    assert rates == [0.001, 0.1, 0.3, 0.2]


def restored(study: optuna.Study, change: Callable[[dict[str, Any]], None]) -> None:
    """Let another version have written what a study is."""
    stored = json.loads(study.user_attrs[attributes.DEFINITION])
    change(stored)
    study.set_user_attr(attributes.DEFINITION, json.dumps(stored))


def test_a_key_that_a_version_did_not_have_counts_as_its_default(started) -> None:
    study = started(SHORT)

    def earlier(stored: dict[str, Any]) -> None:
        del stored["base"]["train"]["keep"], stored["base"]["schedule"]["after"]
        del stored["max_failures"], stored["goals"][0]["last_k"]

    restored(study, earlier)
    assert started(f"{SHORT} train.keep=last").study_name == study.study_name
    restored(study, earlier)
    assert started(f"{SHORT} train.keep=best").study_name != study.study_name


def test_what_a_later_version_stores_is_passed_over(started) -> None:
    study = started(SHORT)

    def later(stored: dict[str, Any]) -> None:
        stored["planets"] = 8
        stored["goals"][0]["smooth"] = 0.5

    restored(study, later)
    assert started(SHORT).study_name == study.study_name


def test_a_default_that_has_changed_since_makes_a_new_study(started, capsys) -> None:
    study = started(SHORT)

    def earlier(stored: dict[str, Any]) -> None:
        stored["base"]["train"]["batch_size"] = 7

    restored(study, earlier)
    other = started(SHORT)
    assert other.study_name != study.study_name
    said = f"since it differs from {study.study_name} (train.batch_size: 7 there, 128 here)"
    assert said in capsys.readouterr().out
    assert started(SHORT).study_name == other.study_name


def test_a_study_of_a_persons_own_name_is_not_taken_for_one_without(started) -> None:
    named = started(f"{SHORT} study.name=optuna-mine")
    assert started(SHORT).study_name != named.study_name


def test_a_definition_says_how_the_last_start_goes(started) -> None:
    first = attributes.definition(started(f"{SHORT} study.trials=5"))
    second = attributes.definition(started(f"{SHORT} study.trials=7 study.max_failures=1"))
    assert second == replace(first, trials=7, max_failures=1, overrides=second.overrides)


def test_a_start_that_was_killed_before_it_said_what_it_makes_is_gone_on_with(started) -> None:
    storage = open_storage("sqlite:///optuna.db")
    optuna.create_study(storage=storage, study_name="mine", directions=["minimize"])
    study = started(f"{SHORT} study.name=mine")
    assert (study.study_name, attributes.definition(study).trials) == ("mine", 40)
    optuna.create_study(storage=storage, study_name="other", directions=["maximize"])
    with pytest.raises(Mistake, match=r"^study\.name must not be the name of a study that some"):
        started(f"{SHORT} study.name=other")
