"""The only room that knows MLflow."""

from runner.tracking.mlflow.store import fetch
from runner.tracking.mlflow.tracker import MLflow, mlflow_of

__all__ = ["MLflow", "fetch", "mlflow_of"]
