"""What a person calls a thing that was recorded -> where MLflow's page has it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.results.view import SINGLE
from runner.tracking.mlflow import pages
from runner.tracking.mlflow.named import Store, parts
from runner.tracking.mlflow.views import TAG, key

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


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
    store = Store.of(client, address)
    if not name:
        newest = store.newest()
        return _around(store, newest) if newest else Place()
    ways = (_run, _experiment, _part, _viewed, _preset)
    place = next(filter(None, (way(store, name) for way in ways)), None)
    if place is None:
        raise store.unknown(name)
    return place


def _around(store: Store, run: "Run") -> Place:
    """Return the view of the study or sweep of a run, or of single runs; its experiment where there
    is none."""
    experiment = store.experiments[run.info.experiment_id]
    views = (key(name) for name in (*parts(run), SINGLE) if TAG + key(name) in experiment.tags)
    return Place(experiment.experiment_id, next(views, ""))


def _run(store: Store, name: str) -> Place | None:
    run = store.run(name)
    return Place(run.info.experiment_id, run_id=name) if run else None


def _experiment(store: Store, name: str) -> Place | None:
    found = store.experiment(name)
    if found is None:
        return None
    if TAG + key(name) in found.tags:
        return Place(found.experiment_id, key(name))
    newest = store.newest(ids=[found.experiment_id])
    return _around(store, newest) if newest else Place(found.experiment_id)


def _part(store: Store, name: str) -> Place | None:
    """Return where the newest run of a study or sweep is."""
    found = store.part(name)
    return _around(store, found[1]) if found else None


def _viewed(store: Store, name: str) -> Place | None:
    there = store.experiments.values()
    found = (one for one in there if TAG + key(name) in one.tags)
    return next((Place(one.experiment_id, key(name)) for one in found), None)


def _preset(store: Store, name: str) -> Place | None:
    """Return where the newest study of a preset is."""
    newest = store.preset(name)
    return _around(store, newest) if newest else None
