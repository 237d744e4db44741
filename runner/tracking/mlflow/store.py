"""MLflow stores: whether one answers, a client for it, its experiments and artifacts."""

import atexit
import contextlib
import functools
import http.client
import logging
import os
import shutil
import socket
import ssl
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.addresses import brief, host_port, local_file, resolve, without_user
from runner.databases import creating, making_tables
from runner.errors import Mistake
from runner.passwords import hide
from runner.tracking.mlflow import database, files
from runner.tracking.mlflow.experiments import OURS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

ANSWER_SECONDS = 5.0
_ENVIRONMENT = {  # what a person has set stays
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it may hold a password
}


def probe(uri: str | None) -> None:
    """Raise Mistake unless the tracking server answers, or the local file can be a store."""
    address = resolve(uri)
    if file := local_file(address):
        database.check(file)
    where = host_port(address)
    if where is None:
        return
    try:
        if address.startswith("http"):
            _ask(without_user(address))
        else:
            socket.create_connection(where, timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Mistake(
            f"tracking.uri must be a server that answers within {ANSWER_SECONDS:g} s, "
            f"got {hide(address)} ({brief(reason)}); start it, or use tracking=off"
        ) from error


def _ask(address: str) -> None:
    try:
        urllib.request.urlopen(address, timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError as answer:  # MLflow will say more of it
        answer.close()
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLError):  # MLflow has settings for certificates
            raise


def load() -> None:
    """Import MLflow, which takes a second, and quiet it."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401

    for name in ("mlflow", "alembic", "urllib3", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # errors come to us, to be told once


def load_early() -> None:
    """Import what the usual store needs."""
    load()
    load_store(resolve(None))


def load_store(uri: str) -> None:
    """Import what a client of a store needs when it is made, which takes another second."""
    if not uri.startswith("http"):
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


def client(uri: str, *, create: bool = False) -> "MlflowClient":
    """Return a client of a store. A local database is made only where `create` says so."""
    load()
    from mlflow import MlflowClient

    file = local_file(uri)
    if file is None:
        with making_tables(uri) if create else contextlib.nullcontext():
            return MlflowClient(uri)
    if not create and not file.exists():
        raise Mistake(f"there is no database {file}")
    return _local_client(file, file.stat().st_ino if file.exists() else 0)


@functools.lru_cache(maxsize=4)
def _local_client(file: Path, inode: int) -> "MlflowClient":
    """Return the client of a local database, kept since it takes 10 ms to make.

    inode: of the file, so that another file in its place gets another client.
    """
    from mlflow import MlflowClient
    from mlflow.store.db.base_sql_model import Base

    database.check(file)
    own = file.parent / ".runner"
    with creating(own / "mlflow.lock"):
        if not file.exists():
            database.make(file, own / f"{file.name}.new")
        made = MlflowClient(f"sqlite:///{file}")  # MLflow keeps it beyond a change of folder
        database.check_complete(file, database.tables(file), Base.metadata.tables)
    return made


def experiment(client: "MlflowClient", name: str, uri: str) -> "Experiment":
    """Return an experiment, created where it does not exist.

    Databases without a server keep the artifacts in `mlartifacts` in the working folder.
    """
    from mlflow.entities import Experiment, ExperimentTag
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        place = files.of_new_experiment(uri)
        try:
            tags = files.mark(uri) | {OURS: "1"}
            made = client.create_experiment(name, artifact_location=place, tags=tags)
            kept = [ExperimentTag(key, value) for key, value in tags.items()]
            return Experiment(made, name, place or "", "active", tags=kept)
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise Mistake(
            f"tracking.experiment must not be a deleted experiment, got '{name}'; "
            f"choose another name or restore it in the MLflow UI"
        )
    files.check(found.artifact_location, name, uri, found.tags.get(files.TAG, ""))
    return found


def version(uri: str) -> str:
    """Return the version of the MLflow that shows a store; "" where a server does not say it."""
    load()
    if not uri.startswith("http"):
        from mlflow.version import VERSION

        return str(VERSION)
    from mlflow.utils import credentials, rest_utils

    user_of: Any = credentials.get_default_host_creds
    ask: Any = rest_utils.http_request
    try:
        answer = ask(user_of(uri), "/version", "GET")
        return str(answer.text) if answer.status_code == http.client.OK else ""
    except Exception:  # a link without views opens everywhere
        return ""


def refusal(address: str, error: BaseException) -> Mistake:
    """Return the mistake to report for a store that takes no runs."""
    if isinstance(error, Mistake):
        return error
    if isinstance(error, Warning):
        whose = f"MLflow does not work where warnings are errors: {type(error).__name__}"
        return Mistake(f"{whose}: {brief(error)}; leave out -W error")
    return Mistake(
        f"tracking.uri must be a store that takes runs, got {hide(address)}: {brief(error)}"
    )


def fetch(uri: str | None, run_id: str, artifact: str) -> Path:
    """Return a copy of an artifact of a run, which stays until the process ends.

    Raises Mistake where there is no such run or artifact.
    """
    address = resolve(uri)
    probe(uri)
    folder = tempfile.mkdtemp(prefix="runner-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        return Path(client(address).download_artifacts(run_id, artifact, folder))
    except Exception as error:
        raise Mistake(
            f"model.weights must be a run in {hide(address)} that has {artifact}, "
            f"got {run_id}: {brief(error)}"
        ) from error
