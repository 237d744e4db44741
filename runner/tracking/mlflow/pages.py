"""Pages of the MLflow UI, and how to open them."""

import shlex
import urllib.parse

from runner.addresses import DEFAULT, without_user
from runner.passwords import MARK
from runner.results.result import Link
from runner.results.view import View
from runner.tracking.mlflow import views

PORT = 5000
_MODE = "workflowType=machine_learning"  # without it the page opens for chats


def link(run_id: str, experiment_id: str, experiment: str, uri: str) -> Link:
    """Return where a run of a store is, with how to open its page and that of its experiment.

    >>> link("7", "1", "runs", "http://host:5000").look
    'http://host:5000/#/experiments/1/runs/7/model-metrics?workflowType=machine_learning'
    >>> link("7", "1", "runs", "sqlite:///mine.db").look[:60]
    'python -m runner.ui tracking.uri=sqlite:///mine.db, then htt'
    """
    look = f"{_how(uri)}{of_run(uri, experiment_id, run_id)}"
    return Link(run_id, experiment_id, experiment, uri, look)


def of_run(uri: str, experiment_id: str, run_id: str) -> str:
    """Return the address of a run's page."""
    return f"{_runs(uri, experiment_id)}/{run_id}/model-metrics?{_MODE}"


def of_view(uri: str, experiment_id: str, view: View, *, saved: bool) -> str:
    """Return how to open the page that shows a view.

    saved: whether the experiment has it; else the link filters and sorts itself.

    >>> runs = View("mine", lines=(), prefix="trial ", metric="val/loss", descending=False)
    >>> of_view("http://host", "1", runs, saved=True).partition("?")[2]
    'workflowType=machine_learning&compareRunsMode=CHART&viewStateShareKey=mine'
    """
    shows = f"viewStateShareKey={urllib.parse.quote(views.key(view.name), safe='')}"
    page = f"{_runs(uri, experiment_id)}?{_MODE}&compareRunsMode=CHART"
    return f"{_how(uri, view.name)}{page}&{shows if saved else views.query(view)}"


def base(uri: str) -> str:
    """Return where the pages of a store are: those of a database at the usual port, once
    `python -m runner.ui` shows them."""
    is_server = uri.startswith("http")
    return without_user(uri).rstrip("/") if is_server else f"http://127.0.0.1:{PORT}"


def _runs(uri: str, experiment_id: str) -> str:
    return f"{base(uri)}/#/experiments/{experiment_id}/runs"


def _how(uri: str, name: str = "") -> str:
    """Return what is to be done before an address opens."""
    if uri.startswith("http"):
        return ""
    words = ["python", "-m", "runner.ui", *([name] if name else [])]
    is_whole = MARK not in uri  # else the environment has it
    words += [f"tracking.uri={uri}"] if uri != DEFAULT and is_whole else []
    return f"{shlex.join(words)}, then "
