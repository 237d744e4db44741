"""The only room that knows MLflow."""

from runner.tracking.mlflow.store import fetch
from runner.tracking.mlflow.tracker import MLflow

__all__ = ["MLflow", "fetch"]
