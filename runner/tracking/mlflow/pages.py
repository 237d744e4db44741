"""Pages of the MLflow UI, and how to open them."""

import shlex

from runner.addresses import DEFAULT, without_user
from runner.results.result import Link

_MODE = "workflowType=machine_learning"  # without it the page opens for chats


def link(run_id: str, experiment_id: str, experiment: str, uri: str, folder: str = "") -> Link:
    """Return where a run of a store is, with how to open the pages that chart it.

    folder: of the run's files, "" where no folder of this machine has them.

    >>> link("7", "1", "runs", "http://host:5000").compare
    'http://host:5000/#/experiments/1/runs?workflowType=machine_learning&compareRunsMode=CHART'
    >>> link("7", "1", "runs", "sqlite:///mine.db").look[:58]
    'mlflow ui --backend-store-uri sqlite:///mine.db, then http'
    """
    if uri.startswith("http"):
        base, how = without_user(uri).rstrip("/"), ""
    else:
        store = "" if uri == DEFAULT else f" --backend-store-uri {shlex.quote(uri)}"
        base, how = "http://127.0.0.1:5000", f"mlflow ui{store}, then "
    page = f"{how}{base}/#/experiments/{experiment_id}/runs"
    look = f"{page}/{run_id}/model-metrics?{_MODE}"
    compare = f"{page}?{_MODE}&compareRunsMode=CHART"
    return Link(run_id, experiment_id, experiment, uri, look, compare, folder)
