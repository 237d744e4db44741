"""Optuna's tables in a database: what was dropped of them is not made again, empty.

What lies in the others would belong to the next trials, whose numbers begin anew: one that finds
itself trained by an earlier trial of its number waits for itself.
"""

from typing import Any

from optuna.storages._rdb.models import BaseModel
from sqlalchemy import NullPool, create_engine, inspect, literal, select, table

from runner.errors import Mistake
from runner.passwords import hide

_STAMPS = {"version_info", "alembic_version"}  # which hold nothing of a study


def check(address: str, connecting: dict[str, Any]) -> None:
    """Raise Mistake for a database that holds something of studies and lacks a table of Optuna's.

    One without studies, as a start leaves it that was killed, is let be.

    connecting: what a connection is made with.
    """
    engine = create_engine(address, poolclass=NullPool, connect_args=connecting)
    needed = {*BaseModel.metadata.tables, *_STAMPS}
    with engine.connect() as connection:
        there = needed.intersection(inspect(connection).get_table_names())
        for name in there - _STAMPS:
            some = select(literal(1)).select_from(table(name)).limit(1)
            if connection.execute(some).first() is not None:
                break
        else:
            return
        # now, since another process may have made tables meanwhile
        lacking = sorted(needed.difference(inspect(connection).get_table_names()))
    if lacking:
        given = f"{hide(address)}: it lacks the table {', '.join(lacking[:3])}"
        must = "must be a database with all of Optuna's tables"
        raise Mistake("study.storage", must, given, "restore a copy or choose another storage")
