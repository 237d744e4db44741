"""Records as rows of MLflow's tables, written many at a time.

MLflow's own way makes an object of each row, 0.18 ms a point, and reads the run anew for each kind.
Here its tables, sessions and checks are used without that: a point takes a tenth. Whatever is out
of the ordinary (another version, a server, a parameter that is there already, a key that MLflow
refuses) is left to MLflow, and nothing is written of it then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from itertools import starmap
from typing import TYPE_CHECKING, Any

from runner.results.events import Point
from runner.tracking.mlflow.known import is_known

if TYPE_CHECKING:
    from mlflow import MlflowClient

_STORE = "mlflow.store.tracking.sqlalchemy_store.SqlAlchemyStore"
_DIALECTS = ("sqlite", "postgresql")  # that can insert what is not there yet
# Errors behind which MLflow finds a way, or says why there is none.
_FOR_MLFLOW = ("BAD_REQUEST", "INTERNAL_ERROR", "INVALID_PARAMETER_VALUE")
_RUN_NAME = "mlflow.runName"  # a tag that MLflow keeps twice


def points(client: "MlflowClient", run_id: str, points: Sequence[Point]) -> bool:
    """Write points of a run's metrics; return whether that was done."""
    from mlflow.utils.validation import _validate_metric

    check: Any = _validate_metric

    def write(session: Any, store: Any) -> None:
        from mlflow.store.tracking.dbmodels.models import SqlMetric

        rows: list[dict[str, Any]] = []
        latest: dict[str, tuple[tuple[int, int, float], dict[str, Any]]] = {}
        for key, given, ms, step in points:
            if key not in latest:
                check(key, given, ms, step)
            is_nan, value = store.sanitize_metric_value(given)
            row = {"key": key, "value": value, "timestamp": ms, "step": step, "is_nan": is_nan}
            rows.append(row | {"run_uuid": run_id})
            age = (step, ms, value)
            if key not in latest or age > latest[key][0]:
                latest[key] = age, rows[-1]
        session.execute(_insert(SqlMetric.__table__, store).on_conflict_do_nothing(), rows)
        newest = [SqlMetric(**row) for _, row in latest.values()]
        store._update_latest_metrics_if_necessary(newest, session)

    return bool(points) and _write(client, run_id, write)


def params(client: "MlflowClient", run_id: str, params: Mapping[str, str]) -> bool:
    """Write parameters of a run; return whether that was done."""
    from mlflow.utils.validation import _validate_param

    check: Any = _validate_param

    def write(session: Any, store: Any) -> None:
        from mlflow.store.tracking.dbmodels.models import SqlParam

        session.execute(SqlParam.__table__.insert(), _texts(run_id, starmap(check, params.items())))

    return bool(params) and _write(client, run_id, write)


def tags(client: "MlflowClient", run_id: str, tags: Mapping[str, str]) -> bool:
    """Write tags of a run in place of those of the same keys; return whether that was done."""
    from mlflow.utils.validation import _validate_tag

    check: Any = _validate_tag

    def write(session: Any, store: Any) -> None:
        from mlflow.store.tracking.dbmodels.models import SqlTag

        insert = _insert(SqlTag.__table__, store)
        told = insert.on_conflict_do_update(
            index_elements=["key", "run_uuid"], set_={"value": insert.excluded.value}
        )
        session.execute(told, _texts(run_id, starmap(check, tags.items())))

    return bool(tags) and _RUN_NAME not in tags and _write(client, run_id, write)


def end(client: "MlflowClient", run_id: str, status: str, end_ms: int) -> bool:
    """Write the end of a run, with a status of MLflow's; return whether that was done."""

    def write(session: Any, store: Any) -> None:
        from mlflow.store.tracking.dbmodels.models import SqlRun

        table = SqlRun.__table__
        this = table.update().where(table.c.run_uuid == run_id)
        session.execute(this.values(status=status, end_time=end_ms))

    return _write(client, run_id, write)


def _texts(run_id: str, found: Iterable[Any]) -> list[dict[str, str]]:
    """Return the rows of a run's parameters or tags."""
    return [{"key": one.key, "value": one.value, "run_uuid": run_id} for one in found]


def _write(client: "MlflowClient", run_id: str, write: Callable[[Any, Any], None]) -> bool:
    """Write to an active run in one transaction; return whether that was done.

    Raises what MLflow raises where the database does not answer.
    """
    store: Any = client._tracking_client.store
    if not _is_usual(store):
        return False
    from mlflow.exceptions import MlflowException
    from mlflow.store.tracking.dbmodels.models import SqlRun

    try:
        with store.ManagedSessionMaker(read_only=False) as session:
            (stage,) = session.query(SqlRun.lifecycle_stage).filter_by(run_uuid=run_id).one()
            if stage != "active":
                return False
            write(session, store)
    except MlflowException as error:
        if str(error.error_code) in _FOR_MLFLOW or "deadlock" in str(error).lower():
            return False
        raise
    return True


def _insert(table: Any, store: Any) -> Any:
    """Return the statement of a database that inserts rows into a table."""
    dialect: Any = import_module(f"sqlalchemy.dialects.{store.db_type}")
    return dialect.insert(table)


def _is_usual(store: Any) -> bool:
    """Return whether a store is a database whose tables are known here."""
    from mlflow.version import VERSION

    kind = f"{type(store).__module__}.{type(store).__qualname__}"
    return is_known(VERSION) and kind == _STORE and store.db_type in _DIALECTS
