"""Trials in a database, of which no more is read than is asked for.

Of a thousand workers each reads, for each claim, a thousand trials that run and as many that have
ended since its last one: that is done once, and whatever else is asked is a statement of its own.
"""

import copy
import json
from collections.abc import Container, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from zlib import crc32

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from runner.study.queue.trial_rows import TRIALS, as_text, read

_KEY = 0x747269616C >> 8  # "tria": what other programs lock is numbered otherwise
_ATTRIBUTES = models.TrialUserAttributeModel.__table__.c
_FEW = {TrialState.WAITING, TrialState.FAIL}


class Database(RDBStorage):
    """Optuna's storage in a database, with other ways to read trials. It writes as Optuna does."""

    def get_trial(self, trial_id: int) -> FrozenTrial:
        with _create_scoped_session(self.scoped_session) as session:
            for found in read(session.connection(), TRIALS.trial_id == trial_id):
                return found
            raise KeyError(models.NOT_FOUND_MSG)

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        wanted = [TRIALS.study_id == study_id]
        if states is not None:
            wanted.append(TRIALS.state.in_([state for state in TrialState if state in states]))
        known = {i for i in included_trial_ids if i <= trial_id_greater_than}
        wanted.append(
            or_(TRIALS.trial_id > trial_id_greater_than, TRIALS.trial_id.in_(as_text(known)))
        )
        with _create_scoped_session(self.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session)
            return read(session.connection(), *wanted)

    def count(self, study_id: int, *states: TrialState) -> list[int]:
        """Return how many trials of a study are in each of some states, at one moment."""
        counted = select(TRIALS.state, func.count()).where(TRIALS.study_id == study_id)
        with _create_scoped_session(self.scoped_session) as session:
            found = dict(map(tuple, session.execute(counted.group_by(TRIALS.state)).all()))
        return [found.get(state, 0) for state in states]

    def with_attribute(self, study_id: int, key: str, value: Any) -> list[FrozenTrial]:
        """Return the trials of a study that have a user attribute of a value."""
        have = select(_ATTRIBUTES.trial_id).where(
            _ATTRIBUTES.key == key, _ATTRIBUTES.value_json == json.dumps(value)
        )
        with _create_scoped_session(self.scoped_session) as session:
            of_study = TRIALS.study_id == study_id
            return read(session.connection(), of_study, TRIALS.trial_id.in_(have))


class Trials(_CachedStorage):
    """Optuna's memory of the trials that have ended, asked only where it helps."""

    _backend: Database

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        if states is None or any(state in states for state in set(TrialState) - _FEW):
            return super().get_all_trials(study_id, deepcopy, states)
        # reading all would take many for few
        found = self._backend._get_trials(study_id, states, set(), -1)
        return copy.deepcopy(found) if deepcopy else found

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        return self._backend.get_trial_system_attrs(trial_id)

    def count(self, study_id: int, *states: TrialState) -> list[int]:
        """Return how many trials of a study are in each of some states, at one moment."""
        return self._backend.count(study_id, *states)

    def with_attribute(self, study_id: int, key: str, value: Any) -> list[FrozenTrial]:
        """Return the trials of a study that have a user attribute of a value."""
        return self._backend.with_attribute(study_id, key, value)

    def hold(self, name: str) -> AbstractContextManager[object] | None:
        """Keep all others that share the database from holding a name until what is returned is
        left; None where the database cannot."""
        if self._backend.engine.dialect.name != "postgresql":
            return None
        try:
            connection = self._backend.engine.connect()
            lock = func.pg_advisory_xact_lock(_KEY, crc32(name.encode()) >> 1)
            try:
                connection.execute(select(lock))
            except BaseException:
                connection.close()
                raise
        except SQLAlchemyError as error:
            raise StorageInternalError(str(error)) from error
        return _held(connection)


@contextmanager
def _held(connection: Connection) -> Iterator[None]:
    try:
        yield
    finally:
        try:
            connection.close()
        except SQLAlchemyError:  # the database has restarted, and let go
            connection.invalidate()
