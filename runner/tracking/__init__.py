"""The only room that knows MLflow: plain records -> runs, in batches, off the training thread."""

from runner.results.link import Link
from runner.tracking.delivery import deliver, deliver_waiting
from runner.tracking.mlflow.store import create_store, fetch, probe
from runner.tracking.run import Header
from runner.tracking.tracker import Tracker

__all__ = [
    "Header",
    "Link",
    "Tracker",
    "create_store",
    "deliver",
    "deliver_waiting",
    "fetch",
    "probe",
]
