"""Trials as plain rows of Optuna's tables, which SQLAlchemy does not keep track of.

As objects that it keeps track of they take five times as long.
"""

import functools
import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    String,
    bindparam,
    select,
    type_coerce,
)

_AT_ONCE = 1000  # trials of one statement
_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


def _columns(table: type[Any], *names: str) -> list[Any]:
    """Return columns of a table with its trials' ids in front; of an enumeration the names."""
    found = [table.__table__.c[name] for name in ("trial_id", *names)]
    return [type_coerce(one, String) if one.name.endswith("_type") else one for one in found]


_BETWEEN = ("step", "intermediate_value", "intermediate_value_type")
TRIALS = models.TrialModel.__table__.c
_DETAILS = [
    _columns(models.TrialParamModel, "param_id", "param_name", "param_value", "distribution_json"),
    _columns(models.TrialValueModel, "objective", "value", "value_type"),
    _columns(models.TrialIntermediateValueModel, *_BETWEEN),
    _columns(models.TrialUserAttributeModel, "key", "value_json"),
    _columns(models.TrialSystemAttributeModel, "key", "value_json"),
]
_distribution = functools.lru_cache(maxsize=1024)(json_to_distribution)


def read(connection: Connection, *wanted: ColumnElement[bool]) -> list[FrozenTrial]:
    """Return the trials that meet some conditions, by id.

    Their states are read first, in one statement: of a trial that has ended then, whatever is read
    afterwards is final.
    """
    times = TRIALS.datetime_start, TRIALS.datetime_complete
    rows = select(TRIALS.trial_id, TRIALS.number, TRIALS.state, *times).where(*wanted)
    trials = connection.execute(rows.order_by(TRIALS.trial_id)).all()
    ids = [trial_id for trial_id, *_ in trials]
    details = [_by_trial(connection, ids, *columns) for columns in _DETAILS]
    return [_trial(*row, *(detail[row[0]] for detail in details)) for row in trials]


def _by_trial(
    connection: Connection, ids: Sequence[int], trial_id: Any, *columns: Any
) -> dict[int, list[Any]]:
    """Return the rows of another table by the id of their trials, which is in front of each."""
    found: dict[int, list[Any]] = defaultdict(list)
    for i in range(0, len(ids), _AT_ONCE):
        some = select(trial_id, *columns).where(trial_id.in_(as_text(ids[i : i + _AT_ONCE])))
        for row in connection.execute(some).all():
            found[row[0]].append(row)
    return found


def as_text(ids: Collection[int]) -> BindParameter[Any]:
    """Return what stands in a statement as it is: so many parameters take longer than the rest."""
    return bindparam("ids", list(ids), expanding=True, literal_execute=True)


def _trial(
    trial_id: int,
    number: int,
    state: TrialState,
    start: datetime | None,
    complete: datetime | None,
    params: Iterable[Any],
    values: Iterable[Any],
    between: Iterable[Any],
    user: Iterable[Any],
    system: Iterable[Any],
) -> FrozenTrial:
    params = sorted(params, key=lambda row: row[1])
    distributions = {name: _distribution(text) for *_, name, _, text in params}
    return FrozenTrial(
        number=number,
        state=state,
        value=None,
        values=[_number(value, kind) for _, _, value, kind in sorted(values)] or None,
        datetime_start=_local(start),
        datetime_complete=_local(complete),
        params={name: distributions[name].to_external_repr(v) for *_, name, v, _ in params},
        distributions=distributions,
        user_attrs={key: json.loads(text) for _, key, text in user},
        system_attrs={key: json.loads(text) for _, key, text in system},
        intermediate_values={step: _number(value, kind) for _, step, value, kind in between},
        trial_id=trial_id,
    )


def _number(stored: float | None, kind: str) -> float:
    """Return a value of one of Optuna's kinds, of which only the finite ones are stored as such."""
    return _NOT_FINITE[kind] if stored is None else stored


def _local(stored: datetime | None) -> datetime | None:
    """Return a time as it is here, of one that is stored as UTC."""
    return stored and stored.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
