"""Pages of the MLflow UI, and how to open them."""

import shlex
import urllib.parse

from runner.addresses import DEFAULT, without_user
from runner.passwords import MARK
from runner.results.result import Link
from runner.results.view import SINGLE, View
from runner.tracking.mlflow import views

HOST, PORT = "127.0.0.1", 5000
_MODE = "workflowType=machine_learning"  # without it the page opens for chats


def link(run_id: str, experiment_id: str, experiment: str, uri: str, folder: str = "") -> Link:
    """Return where a run of a store is, with how to open its page.

    folder: of the run's files, "" where no folder of this machine has them.

    >>> link("7", "1", "runs", "http://host:5000").look
    'http://host:5000/#/experiments/1/runs/7/model-metrics?workflowType=machine_learning'
    >>> link("7", "1", "runs", "sqlite:///mine.db").look[:60]
    'python -m runner.ui tracking.uri=sqlite:///mine.db, then htt'
    """
    look = f"{_how(uri)}{of_run(base(uri), experiment_id, run_id)}"
    return Link(run_id, experiment_id, experiment, uri, look, folder=folder)


def view_link(uri: str, experiment_id: str, experiment: str, view: View, *, has_view: bool) -> str:
    """Return how to open the page that shows a view of an experiment.

    has_view: whether the experiment has it; else the link filters and sorts itself.

    >>> runs = View("mine", lines=(), prefix="trial ", metric="val/loss", descending=False)
    >>> view_link("http://host", "1", "e", runs, has_view=True).partition("?")[2]
    'workflowType=machine_learning&compareRunsMode=CHART&viewStateShareKey=mine'
    """
    shows = saved(views.key(view.name)) if has_view else views.query(view)
    name = experiment if view.name == SINGLE else view.name
    return f"{_how(uri, name)}{of_runs(base(uri), experiment_id, shows)}"


def of_run(base: str, experiment_id: str, run_id: str) -> str:
    """Return the address of a run's page."""
    return f"{base}/#/experiments/{experiment_id}/runs/{run_id}/model-metrics?{_MODE}"


def of_runs(base: str, experiment_id: str, shows: str = "") -> str:
    """Return the address of the page that charts an experiment's runs. shows: what of them."""
    more = f"&{shows}" if shows else ""
    return f"{base}/#/experiments/{experiment_id}/runs?{_MODE}&compareRunsMode=CHART{more}"


def saved(key: str) -> str:
    """Return what an address says of a saved view."""
    return f"viewStateShareKey={urllib.parse.quote(key, safe='')}"


def base(uri: str) -> str:
    """Return where the pages of a store are: those of a database at the usual port, once
    `python -m runner.ui` shows them."""
    is_server = uri.startswith("http")
    return without_user(uri).rstrip("/") if is_server else f"http://{HOST}:{PORT}"


def _how(uri: str, name: str = "") -> str:
    """Return what is to be done before an address opens."""
    if uri.startswith("http"):
        return ""
    words = ["python", "-m", "runner.ui", *([name] if name else [])]
    is_whole = MARK not in uri  # else the environment has it
    words += [f"tracking.uri={uri}"] if uri != DEFAULT and is_whole else []
    return f"{shlex.join(words)}, then "
