"""What a person calls a thing that was recorded -> where MLflow's page has it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from runner.errors import Mistake, nearest
from runner.passwords import hide
from runner.results.definition import HEX
from runner.results.view import SINGLE, STUDY, SWEEP
from runner.tracking.mlflow import pages
from runner.tracking.mlflow.views import TAG, key

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

_PARTS = (STUDY, SWEEP)  # of what a run is a part
_RUN = re.compile(r"[0-9a-f]{32}")
_RECENT, _SHOWN = 100, 3  # runs that are asked for their names; names that are told
_PAGE, _RUNS = 1000, 20  # experiments and runs of an answer


@dataclass(frozen=True)
class Place:
    """A place in MLflow's page, which is the list of experiments where there is none.

    view: the key of a saved view of the experiment. run_id: a run in it.
    """

    experiment_id: str = ""
    view: str = ""
    run_id: str = ""


def page(base: str, place: Place) -> str:
    """Return the address of a place.

    >>> page("http://h", Place("1", "quickstart-d17b1247"))[:70]
    'http://h/#/experiments/1/runs?workflowType=machine_learning&compareRun'
    >>> page("http://h", Place("1", run_id="7"))
    'http://h/#/experiments/1/runs/7/model-metrics?workflowType=machine_learning'
    """
    if not place.experiment_id:
        return f"{base}/#/experiments"
    if place.run_id:
        return pages.of_run(base, place.experiment_id, place.run_id)
    return pages.of_runs(base, place.experiment_id, pages.saved(place.view) if place.view else "")


def find(client: "MlflowClient", name: str, address: str) -> Place:
    """Return where a name is, the newest that was recorded where it is "".

    name: of an experiment, a study or a sweep, a run's id, or the preset of studies, whose newest
    is meant. Raises Mistake for what is not there, or deleted.
    """
    store = _Store(client, {one.experiment_id: one for one in _experiments(client)})
    if not name:
        newest = store.newest()
        return store.around(newest) if newest else Place()
    ways = (store.run, store.experiment, store.part, store.viewed, store.preset)
    place = next(filter(None, (way(name) for way in ways)), None)
    if place is None:
        raise store.unknown(name, address)
    return place


@dataclass(frozen=True)
class _Store:
    """A store and its experiments by id, the deleted ones left out."""

    client: "MlflowClient"
    experiments: Mapping[str, "Experiment"]

    def runs(self, where: str = "", ids: Iterable[str] = ()) -> Iterator["Run"]:
        """Yield runs, the newest first; it is asked for one, and for more only where they are."""
        places, size, token = [*(ids or self.experiments)], 1, None
        while places:
            order = ["attributes.start_time DESC"]
            found = self.client.search_runs(
                places, where, max_results=size, order_by=order, page_token=token
            )
            yield from found
            if not (token := found.token):
                return
            size = _RUNS

    def newest(self, where: str = "", ids: Iterable[str] = ()) -> "Run | None":
        return next(self.runs(where, ids), None)

    def around(self, run: "Run") -> Place:
        """Return the view of the study or sweep of a run, or of single runs; its experiment where
        there is none."""
        experiment = self.experiments[run.info.experiment_id]
        views = (key(name) for name in (*_parts(run), SINGLE) if TAG + key(name) in experiment.tags)
        return Place(experiment.experiment_id, next(views, ""))

    def run(self, name: str) -> Place | None:
        from mlflow.exceptions import MlflowException

        if not _RUN.fullmatch(name):
            return None
        try:
            info = self.client.get_run(name).info
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        if info.lifecycle_stage != "active":
            whole = info.experiment_id not in self.experiments
            own = f"runs restore --run-id {name}"
            raise _deleted("run", name, _restore(info.experiment_id) if whole else own)
        return Place(info.experiment_id, run_id=name)

    def experiment(self, name: str) -> Place | None:
        found = self.client.get_experiment_by_name(name)
        if found is None:
            return None
        if found.lifecycle_stage != "active":
            raise _deleted("experiment", name, _restore(found.experiment_id))
        if TAG + key(name) in found.tags:
            return Place(found.experiment_id, key(name))
        newest = self.newest(ids=[found.experiment_id])
        return self.around(newest) if newest else Place(found.experiment_id)

    def part(self, name: str) -> Place | None:
        """Return where the newest run of a study or sweep is."""
        plain = re.sub(r"[^\w .,:/+-]", "_", name)  # MLflow knows no quote within quotes
        how = "=" if plain == name else "LIKE"
        for tag in _PARTS:
            for run in islice(self.runs(f"tags.{tag} {how} '{plain}'"), _RECENT):
                if run.data.tags[tag] == name:
                    return self.around(run)
        return None

    def viewed(self, name: str) -> Place | None:
        found = (one for one in self.experiments.values() if TAG + key(name) in one.tags)
        return next((Place(one.experiment_id, key(name)) for one in found), None)

    def preset(self, name: str) -> Place | None:
        """Return where the newest study of a preset is; earlier ones have no tags."""
        plain = re.sub(r"[^\w-]", "_", name)
        fits = re.compile(rf"{re.escape(name)}-[0-9a-f]{{{HEX}}}").fullmatch
        tagged = islice(self.runs(f"tags.study LIKE '{plain}-%'"), _RECENT)
        ids = [one.experiment_id for one in self.experiments.values() if fits(one.name)]
        found = [
            next((run for run in tagged if fits(run.data.tags["study"])), None),
            self.newest(ids=ids) if ids else None,
        ]
        newest = max(filter(None, found), key=lambda run: run.info.start_time, default=None)
        return self.around(newest) if newest else None

    def unknown(self, name: str, address: str) -> Mistake:
        """Return the mistake to report for a name that nothing has."""
        recent = [*dict.fromkeys(self._names())]
        views = (tag.removeprefix(TAG) for one in self.experiments.values() for tag in one.tags)
        known = {one.name for one in self.experiments.values()} | {*recent, *views}
        hint = nearest(name, known)
        if not hint and recent:
            hint = f" (the newest: {', '.join(map(repr, recent[:_SHOWN]))})"
        must = "must be an experiment, a study, a sweep or a run's id"
        return Mistake("NAME", f"{must} in {hide(address)}", f"'{name}'{hint}")

    def _names(self) -> Iterator[str]:
        for run in islice(self.runs(), _RECENT):
            yield from _parts(run) or [self.experiments[run.info.experiment_id].name]


def _experiments(client: "MlflowClient") -> Iterator["Experiment"]:
    token: str | None = None
    while token != "":
        found = client.search_experiments(max_results=_PAGE, page_token=token)
        yield from found
        token = found.token or ""


def _parts(run: "Run") -> list[str]:
    return [run.data.tags[tag] for tag in _PARTS if tag in run.data.tags]


def _restore(experiment_id: str) -> str:
    return f"experiments restore --experiment-id {experiment_id}"


def _deleted(what: str, name: str, restore: str) -> Mistake:
    return Mistake("NAME", f"must not be a deleted {what}", f"'{name}'", f"mlflow {restore}")
