"""Trials of a database are as Optuna's own storage reads them, with fewer statements."""

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError

from runner.study.queue import attributes, queue
from runner.study.queue.claim import claim, same
from runner.study.queue.database import Database, _held
from runner.study.queue.storage import open_storage


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.stress)])
def database(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{folder}/optuna.db"
    return str(request.getfixturevalue("new_postgres")())


def of_all_kinds(storage: Any) -> optuna.Study:
    """A study with every state, kind of parameter, value and attribute."""
    study = optuna.create_study(
        storage=storage, study_name="all", directions=["minimize", "maximize"]
    )
    trial = study.ask()
    trial.suggest_float("rate", 1e-4, 1, log=True)
    trial.suggest_int("steps", 10, 100, step=5)
    trial.suggest_categorical("among", ["one", None, 3, 0.5, True])
    trial.set_user_attr("text", {"a": [1, "ü%"]})
    study.tell(trial, [math.inf, -math.inf])
    study.enqueue_trial({"rate": 0.5}, user_attrs={"baseline": True})
    study.enqueue_trial({})
    running = study.ask()
    for step, value in ((30, math.nan), (20, math.inf), (10, -math.inf), (40, 0.1)):
        storage.set_trial_intermediate_value(running._trial_id, step, value)
    study.tell(study.ask(), state=TrialState.FAIL)
    study.tell(study.ask(), state=TrialState.PRUNED)
    return study


def test_trials_are_read_as_optuna_reads_them(database: str) -> None:
    shared = open_storage(database)
    study = of_all_kinds(shared)
    optunas = RDBStorage(database)
    wanted = optunas.get_all_trials(study._study_id)
    optunas.engine.dispose()
    assert len({trial.state for trial in wanted}) == 4
    for found in (
        study.get_trials(),
        study.get_trials(),
        open_storage(database).get_all_trials(study._study_id),
        [shared.get_trial(trial._trial_id) for trial in wanted],
    ):
        assert list(map(repr, found)) == list(map(repr, wanted))  # where NaN is NaN
        assert [list(trial.params) for trial in found] == [list(trial.params) for trial in wanted]
    for trial in wanted:
        one = [t.number for t in study.get_trials(states=(trial.state,))]
        assert one == [t.number for t in wanted if t.state == trial.state]
        same = shared.get_trial_system_attrs(trial._trial_id)
        assert same == trial.system_attrs


def test_what_is_not_there_is_said_as_optuna_says_it(database: str) -> None:
    shared = open_storage(database)
    with pytest.raises(KeyError, match="Record does not exist"):
        shared.get_trial(7)
    with pytest.raises(KeyError, match="Record does not exist"):
        shared.get_all_trials(7)


def test_trials_of_another_study_are_not_read(database: str, queues) -> None:
    study = queues.new_study(database, 2)
    own = claim(study)
    own.store(attributes.IDENTITY, "digest")
    other = optuna.create_study(storage=study._storage, study_name="other")
    other.enqueue_trial({}, user_attrs={attributes.IDENTITY: "digest"})
    assert same(study, "digest", before=None).number == own.number
    assert same(study, "digest", before=own.number) is None
    assert queue.left(study) == (1, 1)


def test_more_trials_than_one_statement_takes(database: str, queues, monkeypatch) -> None:
    monkeypatch.setattr("runner.study.queue.trial_rows._AT_ONCE", 2)
    study = queues.new_study(database, 9)
    for x in range(7):
        study.enqueue_trial({"x": x})
    found = [trial.system_attrs["fixed_params"] for trial in study.get_trials()]
    assert found == [{}] * 3 + [{"x": x} for x in range(7)]


def test_a_claim_reads_what_runs_once_however_many(database: str, queues) -> None:
    study = queues.new_study(database, 100)
    for _ in range(30):
        study.ask()
    queue.fill(study)
    read: list[int] = []
    engine = study._storage._backend.engine

    @event.listens_for(engine, "before_cursor_execute")
    def _count(*given: Any) -> None:
        statement = given[2]
        if "FROM trial_params" in statement:
            read.append(statement.count(","))

    assert claim(study) is not None
    assert queue.left(study) == (queue.AHEAD - 1, 31)
    assert sum(commas > 20 for commas in read) == 1
    assert len(read) <= 3


def test_every_access_is_tried_again(database: str, queues, monkeypatch) -> None:
    study = queues.new_study(database, 3)
    usual, away = Database.count, [1, 2]

    def count(self: Database, *given: Any) -> list[int]:
        if away:
            away.pop()
            raise StorageInternalError("the database is away")
        return usual(self, *given)

    monkeypatch.setattr(Database, "count", count)
    monkeypatch.setattr("runner.study.queue.storage._PAUSE_SECONDS", 0)
    assert queue.left(study) == (3, 0)


def test_a_database_that_restarts_while_a_name_is_held_harms_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = create_engine("sqlite://").connect()

    def close() -> None:
        raise OperationalError("ROLLBACK", {}, Exception("the connection is lost"))

    monkeypatch.setattr(connection, "close", close)
    with _held(connection):
        assert not connection.invalidated
    assert connection.invalidated
