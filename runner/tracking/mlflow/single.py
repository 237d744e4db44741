"""One run of a store, by what a person calls it, and copies of its files."""

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import Mistake, nearest
from runner.passwords import hide
from runner.tracking.mlflow import reading, table
from runner.tracking.mlflow.named import Store
from runner.tracking.mlflow.store import refusal

if TYPE_CHECKING:
    from mlflow.entities import Run

_BEGINNING = re.compile(r"[0-9a-f]{4,31}")
_RECENT, _SHOWN = 100, 3


def fetch(uri: str, name: str, files: Sequence[str], folder: Path) -> str:
    """Copy some files of a run, as far as it has them, into a folder; return its id.

    name: a run's id or the beginning of one, its name, or what has one run only. Raises Mistake
    for what is no run, or several.
    """
    reading.check(uri)
    try:
        client = reading.open_store(uri)
        run_id = str(_run(Store.of(client, uri), name).info.run_id)
        there = {file.path for file in client.list_artifacts(run_id)}
        for file in sorted(there.intersection(files)):
            client.download_artifacts(run_id, file, str(folder))
    except Exception as error:
        raise refusal(uri, error) from error
    return run_id


def _run(store: Store, name: str) -> "Run":
    if (run := store.run(name)) is not None:
        return run
    found = _named(store, name)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(run.info.run_id for run in found[-_SHOWN:])
        more = "" if len(found) <= _SHOWN else ", the newest of them"
        given = f"'{name}', which {len(found)} runs have: {ids}{more}"
        raise Mistake("RUN", "must be one run", given, "give an id")
    recent = [run.info.run_name for run in islice(store.runs(), _RECENT)]
    must = f"must be a run's id, the beginning of one, or its name in {hide(store.address)}"
    raise Mistake("RUN", must, f"'{name}'{nearest(name, recent)}")


def _named(store: Store, name: str) -> list["Run"]:
    """Return the runs of a name, the oldest first; else those of whose ids it is the beginning;
    else those that an experiment, a study or a sweep has."""
    plain = re.sub(r"[^\w .,:/+=-]", "_", name)  # MLflow knows no quote in quotes
    found = [
        run
        for run in store.runs(f"attributes.run_name LIKE '{plain}'", first=_RECENT)
        if run.info.run_name == name
    ]
    if not found and _BEGINNING.fullmatch(name):
        found = [*store.runs(f"attributes.run_id LIKE '{name}%'", first=_RECENT)]
    if found:
        return found[::-1]
    try:
        return table.runs(store, name)
    except Mistake:  # nothing of that name
        return []
