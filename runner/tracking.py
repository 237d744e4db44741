"""The only room that knows MLflow: plain records -> runs, in batches, off the training thread."""

import contextlib
import logging
import os
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock

from runner import outbox
from runner.errors import Mistake, one_line, redact
from runner.outbox import Message, Outbox
from runner.records import Point
from runner.tracking_uri import host_port, local_folder, resolve, restore

if TYPE_CHECKING:
    from mlflow import MlflowClient

BATCH = 1000  # points, MLflow's limit
FLUSH_SECONDS = 5.0
RETRY_SECONDS = 30.0
ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class Header:
    """What is known of a run before its first step."""

    experiment: str
    name: str
    params: Mapping[str, Any]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Link:
    """Where a run is to be found."""

    run_id: str
    experiment_id: str
    experiment: str
    uri: str

    def page(self) -> str:
        """Return the run's page in the MLflow UI."""
        return f"{self._experiment()}/runs/{self.run_id}"

    def experiment_page(self) -> str:
        """Return the page that compares all runs of the experiment."""
        return f"{self._experiment()}?workflowType=machine_learning"

    def _experiment(self) -> str:
        base = self.uri if self.uri.startswith("http") else "http://127.0.0.1:5000"
        return f"{base.rstrip('/')}/#/experiments/{self.experiment_id}"


def probe(uri: str | None) -> None:
    """Raise Mistake unless the tracking server answers; local files always do."""
    address = resolve(uri)
    where = host_port(address)
    if where is None:
        return
    try:
        if address.startswith("http"):
            with contextlib.suppress(urllib.error.HTTPError):  # an answer, too
                urllib.request.urlopen(redact(address), timeout=ANSWER_SECONDS).close()
        else:
            import socket

            socket.create_connection(where, timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Mistake(
            f"tracking.uri must be a server that answers within {ANSWER_SECONDS:g} s, "
            f"got {redact(address)} ({reason}); start it, or use tracking=off"
        ) from error


def client(uri: str) -> "MlflowClient":
    """Return a client whose store exists; MLflow is imported here, late."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    folder = local_folder(uri)
    if folder is None:
        return MlflowClient(uri)
    lock = folder / ".runner" / "mlflow.lock"  # two processes may not create the tables at once
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        return MlflowClient(uri)


def experiment_id(client: "MlflowClient", name: str, uri: str) -> str:
    """Return the id of an experiment, created where it does not exist.

    Local databases keep the artifacts in `mlartifacts` in the working folder.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        artifacts = None if uri.startswith("http") else Path("mlartifacts").absolute().as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=artifacts))
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise Mistake(
            f"tracking.experiment must not be a deleted experiment, got '{name}'; "
            f"choose another name or restore it in the MLflow UI"
        )
    return str(found.experiment_id)


def create_store(uri: str | None, experiment: str) -> str:
    """Create database and experiment, once, before any worker starts; return its id."""
    address = resolve(uri)
    return experiment_id(client(address), experiment, address)


def fetch(uri: str | None, run_id: str, artifact: str) -> Path:
    """Return a local copy of an artifact of a run.

    Raises Mistake where there is no such run or artifact.
    """
    import tempfile

    address = resolve(uri)
    try:
        folder = tempfile.mkdtemp(prefix="runner-")
        return Path(client(address).download_artifacts(run_id, artifact, folder))
    except Exception as error:
        raise Mistake(
            f"model.weights must be a run in {redact(address)} that has {artifact}, "
            f"got {run_id}: {one_line(error)}"
        ) from error


def send(client: "MlflowClient", run_id: str, message: Message) -> None:
    """Deliver one message."""
    from mlflow.entities import Metric, Param, RunTag

    if "points" in message:
        metrics = [Metric(key, value, ms, step) for key, value, ms, step in message["points"]]
        for start in range(0, len(metrics), BATCH):
            client.log_batch(run_id, metrics=metrics[start : start + BATCH])
    if "params" in message:
        params = [Param(key, value) for key, value in message["params"].items()]
        for start in range(0, len(params), 100):
            client.log_batch(run_id, params=params[start : start + 100])
    if "tags" in message:
        client.log_batch(run_id, tags=[RunTag(k, v) for k, v in message["tags"].items()])
    if "artifacts" in message:
        client.log_artifacts(run_id, message["artifacts"])
    if "status" in message:
        client.set_terminated(run_id, status=message["status"], end_time=message["end_ms"])


def deliver(box: Outbox) -> bool:
    """Send the waiting messages of one run; return False if another process is at it.

    Raises whatever MLflow raises when they cannot be sent; they then go on waiting.
    """
    if not box.acquire(wait=False):
        return False
    try:
        target = client(restore(box.uri))
        for message in box.messages():
            send(target, box.run_id, message)
    except BaseException:
        box.release()
        raise
    box.remove()
    return True


@dataclass
class Tracker:
    """One run's way into MLflow. The calling thread never waits for the server, save in
    `open` and `close`."""

    uri: str | None
    warn: Any = print
    link: Link | None = None
    _queue: "queue.SimpleQueue[Message | None]" = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self._address = resolve(self.uri)
        self._header: queue.SimpleQueue[Header | None] = queue.SimpleQueue()
        self._opened: queue.SimpleQueue[Link | BaseException] = queue.SimpleQueue()
        self._abandon = threading.Event()
        self._points: list[Point] = []
        self._last_flush = time.monotonic()
        self._failed_at: float | None = None
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)

    def start(self) -> Self:
        """Begin to load MLflow, while the caller loads what it needs."""
        self._thread.start()
        return self

    def open(self, header: Header) -> Link:
        """Create the run and return where it is.

        Raises Mistake when the server refuses.
        """
        self._header.put(header)
        answer = self._opened.get()
        if isinstance(answer, Mistake):
            raise answer
        if isinstance(answer, BaseException):
            raise Mistake(
                f"tracking.uri must be a store that takes runs, got {redact(self._address)}: "
                f"{one_line(answer)}"
            ) from answer
        self.link = answer
        return answer

    def points(self, points: Iterable[Point]) -> None:
        """Record metric points."""
        self._queue.put({"points": list(points)})

    def tags(self, tags: Mapping[str, str]) -> None:
        """Record tags."""
        self._queue.put({"tags": dict(tags)})

    def artifacts(self, folder: Path) -> None:
        """Record the files of a folder, which must stay until `close`."""
        self._queue.put({"artifacts": str(folder)})

    def close(self, status: str) -> bool:
        """End the run as FINISHED, FAILED or KILLED; return whether all is delivered.

        What cannot be delivered waits in the outbox.
        """
        self._queue.put({"status": status, "end_ms": time.time_ns() // 1_000_000})
        self._queue.put(None)
        try:
            self._thread.join()
        except KeyboardInterrupt:
            self._abandon.set()
            self._thread.join()
        return self._failed_at is None

    def cancel(self) -> None:
        """Give up before the run exists."""
        self._header.put(None)

    def _work(self) -> None:
        try:
            from mlflow import MlflowClient  # noqa: F401  (the slow import, while others load)

            header = self._header.get()
            if header is None:
                return
            self._client = client(self._address)
            link = self._create(header)
        except BaseException as error:
            self._opened.put(error)
            return
        self._box = Outbox(link.run_id, link.uri)
        self._opened.put(link)
        self._deliver_earlier()
        while (message := self._next()) is not None:
            self._handle(message)
        self._finish()

    def _create(self, header: Header) -> Link:
        experiment = experiment_id(self._client, header.experiment, self._address)
        run = self._client.create_run(experiment, run_name=header.name, tags=dict(header.tags))
        send(self._client, run.info.run_id, {"params": dict(header.params)})
        return Link(run.info.run_id, experiment, header.experiment, redact(self._address))

    def _next(self) -> Message | None:
        while True:
            try:
                return self._queue.get(timeout=FLUSH_SECONDS if self._points else None)
            except queue.Empty:
                self._flush()

    def _handle(self, message: Message) -> None:
        if "points" in message:
            self._points += message["points"]
            if time.monotonic() - self._last_flush > FLUSH_SECONDS:
                self._flush()
            return
        self._flush()
        self._send(message)

    def _flush(self) -> None:
        if self._points:
            self._send({"points": self._points})
        self._points = []
        self._last_flush = time.monotonic()

    def _send(self, message: Message) -> None:
        """Send a message, or put it into the outbox behind those that wait there."""
        waited = self._failed_at is not None and time.monotonic() - self._failed_at < RETRY_SECONDS
        if self._abandon.is_set() or waited or (self._failed_at and not self._retry()):
            self._box.append(message)
            return
        try:
            send(self._client, self._box.run_id, message)
        except Exception as error:
            if self._failed_at is None:
                self.warn(
                    f"tracking: {self._box.uri} does not take records ({_short(error)}); training "
                    f"goes on, they wait in {outbox.ROOT}"
                )
            self._failed_at = time.monotonic()
            self._box.append(message)

    def _retry(self) -> bool:
        """Send what waits in this run's outbox; return whether it is empty now."""
        try:
            for message in self._box.messages():
                send(self._client, self._box.run_id, message)
        except Exception:
            self._failed_at = time.monotonic()
            return False
        self._box.remove()
        self._failed_at = None
        return True

    def _finish(self) -> None:
        if self._failed_at is not None and not self._abandon.is_set() and not self._retry():
            self._box.release()

    def _deliver_earlier(self) -> None:
        for box in outbox.waiting():
            try:
                if deliver(box):
                    self.warn(f"tracking: delivered the waiting records of run {box.run_id}")
            except Exception as error:
                self.warn(
                    f"tracking: run {box.run_id} still waits in {outbox.ROOT} ({_short(error)})"
                )


def _short(error: BaseException) -> str:
    text = one_line(error)
    return text if len(text) < 200 else f"{text[:200]}..."
