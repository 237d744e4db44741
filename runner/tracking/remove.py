"""Runs that others take the place of."""

import contextlib

from runner.addresses import resolve
from runner.tracking.mlflow.store import client


def remove(uri: str | None, run_id: str) -> None:
    """Delete a run as the MLflow UI does, which can restore it; one that is gone is no error."""
    with contextlib.suppress(Exception):  # a stale run beside the new one does no harm
        client(resolve(uri)).delete_run(run_id)
