"""MLflow as a tracker."""

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.addresses import local_file, resolve
from runner.errors import Mistake
from runner.passwords import hide
from runner.results.events import Point
from runner.results.result import Link, Status
from runner.results.view import ENDING, View
from runner.tracking.base import Header, Tracker, Unanswered
from runner.tracking.mlflow import experiments, files, pages, rows
from runner.tracking.mlflow.claims import HEARTBEAT, IDENTITY, TOKEN, claim
from runner.tracking.mlflow.limits import PARAM_CHARACTERS, PARAMS, POINTS, TAG_CHARACTERS, fitted
from runner.tracking.mlflow.store import (
    client,
    experiment,
    load,
    load_store,
    probe,
    refusal,
    version,
)
from runner.tracking.remote import here

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run
    from pandas import DataFrame

    from runner.tracking.mlflow.upgrade import Upgraded

LOST = "lost"  # the tag that says why a run counts no more
RUN_SECONDS = 8.0  # that a server may take to make a run
SLOW_SECONDS = 5.0  # after which a request may be sent again
_STATUS: dict[str, str] = {Status.DIVERGED: Status.FAILED, Status.PRUNED: Status.KILLED}


class MLflow(Tracker):
    """A tracking server or a database.

    uri: its address, None for MLFLOW_TRACKING_URI or sqlite:///mlflow.db.
    """

    is_apart = True

    def __init__(self, uri: str | None = None) -> None:
        self._uri = resolve(uri)  # may hold a password, from the environment
        self.address = hide(self._uri)
        self._places: dict[str, str] = {}  # of the files of runs that are open, on this machine
        if self._uri.startswith("http"):
            self.answer_seconds = RUN_SECONDS

    def check(self) -> None:
        probe(self._uri)

    def prepare(self, name: str) -> None:
        try:
            experiment(client(self._uri, create=True), name, self._uri)
        except Exception as error:
            raise self.refusal(error) from error

    def load(self) -> None:
        load()
        load_store(self._uri)

    def open(self, header: Header) -> Link:
        target = client(self._uri, create=True)
        found = experiment(target, header.experiment, self._uri)
        named = {TOKEN: header.token} | (_lives(header) if header.identity else {})
        tags = fitted({**header.tags, **named}, TAG_CHARACTERS)
        began = time.monotonic()
        try:
            run = target.create_run(found.experiment_id, run_name=header.name, tags=tags)
        except Exception as error:  # too late, perhaps
            raise Unanswered(error) from error
        if time.monotonic() - began > SLOW_SECONDS:  # it may have been asked twice
            for other in set(self._with(header.token, [found.experiment_id])) - {run.info.run_id}:
                self.remove(other)
        return self._link(run, found, header)

    def arrange(
        self, experiment: str, views: Sequence[View], warn: Callable[[str], None]
    ) -> Mapping[str, str]:
        found = self._client.get_experiment_by_name(experiment)
        return {} if found is None else self._arranged(found, views, warn)

    def describe(self, experiment: str, name: str, text: str) -> None:
        if (found := self._client.get_experiment_by_name(experiment)) is not None:
            experiments.describe(self._client, found, name, text)

    def find(self, token: str, experiment: str = "") -> Sequence[str]:
        file = local_file(self._uri)
        if file is not None and not file.exists():  # killed before it was made
            return ()
        named = [self._client.get_experiment_by_name(experiment)] if experiment else []
        found = named or self._client.search_experiments()
        places = [one.experiment_id for one in found if one]
        return self._with(token, places) if places else []

    def reopen(self, run_id: str, header: Header) -> Link | None:
        if not self.has(run_id):
            return None
        run = self._client.get_run(run_id)
        if run.info.status != "RUNNING" or run.data.tags.get(TOKEN) != header.token:
            return None
        for key in run.data.tags.keys() & set(ENDING):
            self._client.delete_tag(run_id, key)
        self.tags(run_id, _lives(header))
        return self._link(run, self._client.get_experiment(run.info.experiment_id), header)

    def claim(self, header: Header, here: Collection[str]) -> str:
        target = client(self._uri, create=True)
        found = target.get_experiment_by_name(header.experiment)
        if found is None:
            return ""
        return claim(target, found.experiment_id, header.identity, header.token, here)

    def owns(self, run_id: str, token: str) -> bool:
        return bool(self._client.get_run(run_id).data.tags.get(TOKEN) == token)

    def beat(self, run_id: str, time_ms: int) -> None:
        self._client.set_tag(run_id, HEARTBEAT, str(time_ms))

    def recorded(self, run_id: str) -> Mapping[str, int]:
        latest = self._client.get_run(run_id).data.to_proto().metrics  # by step
        return {one.key: one.step for one in latest}

    def params(self, run_id: str, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        whole = fitted(params, PARAM_CHARACTERS)
        if rows.params(self._client, run_id, whole):
            return
        found = [Param(key, value) for key, value in whole.items()]
        for start in range(0, len(found), PARAMS):
            self._client.log_batch(run_id, params=found[start : start + PARAMS])

    def points(self, run_id: str, points: Sequence[Point]) -> None:
        from mlflow.entities import Metric

        for start in range(0, len(points), POINTS):
            some = points[start : start + POINTS]
            if not rows.points(self._client, run_id, some):
                found = [Metric(key, value, ms, step) for key, value, ms, step in some]
                self._client.log_batch(run_id, metrics=found)

    def tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        whole = fitted(tags, TAG_CHARACTERS)
        if not rows.tags(self._client, run_id, whole):
            self._client.log_batch(run_id, tags=[RunTag(*one) for one in whole.items()])

    def artifacts(self, run_id: str, folder: Path) -> None:
        if (place := self._places.get(run_id)) is None:
            self._client.log_artifacts(run_id, str(folder))
            return
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        files: Any = get_artifact_repository(place)
        files.log_artifacts(str(folder))

    def has(self, run_id: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            run = self._client.get_run(run_id)
        except MlflowException as error:
            return str(error.error_code) != "RESOURCE_DOES_NOT_EXIST"
        return bool(run.info.lifecycle_stage == "active")

    def fetch(self, run_id: str, names: Sequence[str], folder: Path) -> None:
        there = {file.path for file in self._client.list_artifacts(run_id)}
        for name in there.intersection(names):
            self._client.download_artifacts(run_id, name, str(folder))

    def close(self, run_id: str, status: str, end_ms: int) -> None:
        self._places.pop(run_id, None)
        known = _STATUS.get(status, status)
        if not rows.end(self._client, run_id, known, end_ms):
            self._client.set_terminated(run_id, status=known, end_time=end_ms)

    def disown(self, run_id: str, reason: str) -> None:
        run = self._client.get_run(run_id)
        if LOST not in run.data.tags:
            self._client.set_tag(run_id, LOST, reason)
        if run.info.status in ("RUNNING", "FINISHED"):
            end_ms = run.info.end_time or time.time_ns() // 1_000_000
            self._client.set_terminated(run_id, status="FAILED", end_time=end_ms)

    def disowned(self, run_id: str) -> str:
        return str(self._client.get_run(run_id).data.tags.get(LOST, ""))

    def remove(self, run_id: str) -> bool:
        """Delete a run as the MLflow UI does, which can restore it."""
        with contextlib.suppress(Exception):
            self._client.delete_run(run_id)
            return True
        return False

    def show(
        self,
        name: str,
        port: int | None,
        ready: Callable[[str, bool], None],
        warn: Callable[[str], None],
    ) -> None:
        """Serve MLflow's page of the store until a signal ends it; see `server.show`."""
        from runner.tracking.mlflow import server

        server.show(self._uri, name, port, ready, warn)

    def table(self, name: str) -> "DataFrame":
        """Return what is recorded of a study, a sweep or an experiment; see `table.table`."""
        from runner.tracking.mlflow.table import table

        return table(self._uri, name)

    def copy(self, name: str, files: Sequence[str], folder: Path) -> str:
        """Copy files of one run, as a person calls it, and return its id; see `single.fetch`."""
        from runner.tracking.mlflow import single

        return single.fetch(self._uri, name, files, folder)

    def upgrade(self, say: Callable[[str], None]) -> "Upgraded":
        """Bring what earlier versions have recorded into today's charts; see `upgrade.upgrade`."""
        from runner.tracking.mlflow.upgrade import upgrade

        return upgrade(self._uri, say)

    def refuses(self, run_id: str, error: Exception) -> bool:
        from mlflow.exceptions import MlflowException

        is_invalid = (
            isinstance(error, MlflowException)
            and str(error.error_code) == "INVALID_PARAMETER_VALUE"
        )
        return is_invalid and self.has(run_id)  # it is also said of a run that is deleted

    def refusal(self, error: BaseException) -> Mistake:
        return refusal(self._uri, error)

    def _link(self, run: "Run", found: "Experiment", header: Header) -> Link:
        place = run.info.artifact_uri or ""
        folder = str(files.local(place) or "")
        if folder:
            self._places[run.info.run_id] = place
        made = pages.link(run.info.run_id, found.experiment_id, found.name, self.address, folder)
        compare = self._arranged(found, header.views, lambda line: None).values()
        return replace(made, compare=next(iter(compare), ""))

    def _arranged(
        self, found: "Experiment", views: Sequence[View], warn: Callable[[str], None]
    ) -> dict[str, str]:
        return experiments.arrange(
            self._client, found, views, self.address, lambda: self._version, warn
        )

    @cached_property
    def _version(self) -> str:
        return version(self._uri)

    def _with(self, token: str, experiments: list[str]) -> list[str]:
        found = self._client.search_runs(experiments, f"tags.`{TOKEN}` = '{token}'")
        return [str(run.info.run_id) for run in found]

    @cached_property
    def _client(self) -> "MlflowClient":
        return client(self._uri)


def _lives(header: Header) -> dict[str, str]:
    """Return the tags of a run that may be gone on with."""
    return {IDENTITY: header.identity, HEARTBEAT: str(time.time_ns() // 1_000_000)}


def mlflow_of(trackers: Sequence[Tracker], purpose: str) -> MLflow:
    """Return the one of some trackers that is MLflow. Raises Mistake where there is none.

    purpose: what it is for, as the message says it.
    """
    if found := [one for one in map(here, trackers) if isinstance(one, MLflow)]:
        return found[0]
    given = (
        " and ".join(f"{type(one).__name__} at {one.address}" for one in map(here, trackers))
        or "off"
    )
    advice = " or ".join(filter(None, (one.look() for one in trackers)))
    must = f"must be MLflow's for {purpose}"
    raise Mistake("tracking", must, given, advice and f"{advice} shows that")
