"""Runs of earlier versions, whose numbers of each update had no section (`lr`, now `train/lr`):
their histories are copied to today's keys, so that one chart shows old runs and new ones, and the
experiments with nothing else in them are marked as ours, so that their pages are arranged."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from runner.addresses import resolve
from runner.results.events import step_key
from runner.tracking.mlflow.claims import TOKEN
from runner.tracking.mlflow.experiments import OURS
from runner.tracking.mlflow.limits import POINTS
from runner.tracking.mlflow.store import client, probe, refusal
from runner.trial.numbers import ROOMS, SUFFIX

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

KEYS, NOW = "keys", "2"  # the tag of a run whose histories are copied
SAY_SECONDS = 5.0  # between lines
_PAGE = 1000  # runs or experiments of an answer
_COMMAND = "python -m runner"
_ALWAYS = {"lr", "grad_norm", "clipped"}
_SCHEDULED = re.compile(rf"(?:{'|'.join(ROOMS)})[./](\w+){SUFFIX}(?:\.|$)")  # key of a parameter


@dataclass(frozen=True)
class Upgraded:
    """What an upgrade has done.

    runs, points: that were copied. running: runs that a later upgrade copies, since they may get
    more points yet.
    """

    runs: int
    points: int
    running: int


def upgrade(uri: str | None = None, say: Callable[[str], None] = lambda line: None) -> Upgraded:
    """Copy the histories of all runs of ours that an earlier version has recorded, each once.

    The old keys stay as they are. Doing it again, after a kill too, changes nothing that is there.
    Runs of other programs, deleted runs and deleted experiments are left alone.

    uri: of the store, None for MLFLOW_TRACKING_URI or sqlite:///mlflow.db. say: called with a line
    every few seconds. Raises Mistake where the store is none, or refuses.
    """
    address = resolve(uri)
    probe(address)
    try:
        return _upgrade(client(address), say)
    except Exception as error:
        raise refusal(address, error) from error


def is_ours(run: "Run") -> bool:
    """Return whether a run was recorded here."""
    return run.data.tags.get("command", "").startswith(_COMMAND) or TOKEN in run.data.tags


def old_keys(run: "Run") -> list[str]:
    """Return the metrics of a run that have a key of today too: what was recorded at each update
    of every run, and what its parameters say followed a schedule."""
    if not is_ours(run) or run.data.tags.get(KEYS) == NOW:
        return []
    scheduled = {found[1] for key in run.data.params if (found := _SCHEDULED.match(key))}
    return sorted((_ALWAYS | scheduled) & run.data.metrics.keys())


def _upgrade(store: "MlflowClient", say: Callable[[str], None]) -> Upgraded:
    found = {run_id: (keys, status) for run_id, keys, status in _found(store)}
    waiting = {run_id: keys for run_id, (keys, status) in found.items() if status != "RUNNING"}
    points, said = 0, time.monotonic()
    for number, (run_id, keys) in enumerate(waiting.items(), start=1):
        for sent in _copied(store, run_id, keys):
            points += sent
            if time.monotonic() - said > SAY_SECONDS:
                say(f"run {number} of {len(waiting)}, {points:,} points so far")
                said = time.monotonic()
        store.set_tag(run_id, KEYS, NOW)
    _mark(store)
    return Upgraded(len(waiting), points, len(found) - len(waiting))


def _mark(store: "MlflowClient") -> None:
    """Mark the experiments that hold runs of ours alone."""
    for one in _all(store.search_experiments):
        if OURS in one.tags:
            continue
        ours = [is_ours(run) for run in _all(partial(store.search_runs, [one.experiment_id]))]
        if ours and all(ours):
            store.set_experiment_tag(one.experiment_id, OURS, "1")


def _found(store: "MlflowClient") -> Iterator[tuple[str, list[str], str]]:
    """Yield the id, the old keys and the status of each run that has such keys."""
    ids = [one.experiment_id for one in _all(store.search_experiments)]
    for run in _all(partial(store.search_runs, ids)) if ids else ():
        if keys := old_keys(run):
            yield run.info.run_id, keys, run.info.status


def _all(search: Callable[..., Any]) -> Iterator[Any]:
    """Yield what a search finds, page by page."""
    token = None
    while True:
        page = search(max_results=_PAGE, page_token=token)
        yield from page
        if not (token := page.token):
            return


def _copied(store: "MlflowClient", run_id: str, keys: Iterable[str]) -> Iterator[int]:
    """Copy histories, and yield after each request how many points it took."""
    points = _points(store, run_id, keys)
    while batch := list(islice(points, POINTS)):
        store.log_batch(run_id, metrics=batch)
        yield len(batch)


def _points(store: "MlflowClient", run_id: str, keys: Iterable[str]) -> Iterator["Metric"]:
    from mlflow.entities import Metric

    for key in keys:
        for one in store.get_metric_history(run_id, key):
            yield Metric(step_key(key), one.value, one.timestamp, one.step)
