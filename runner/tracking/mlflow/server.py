"""MLflow's page of a store, served by this process alone.

`mlflow ui` starts a process for each of its workers and of its jobs, each of which loads MLflow. It
is no documented way to serve: where a version of MLflow has it no more, `apart` does.
"""

import contextlib
import gc
import logging
import os
import re
import socket
import uuid
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from runner.addresses import brief, without_user
from runner.culprit import told
from runner.errors import Mistake
from runner.interrupts import Loading
from runner.tracking.mlflow import apart, reading
from runner.tracking.mlflow.find import find, page
from runner.tracking.mlflow.pages import HOST, PORT
from runner.tracking.mlflow.store import refusal

_MORE = re.compile(r" \[SQL:|\. Set MLFLOW_LOGGING_LEVEL")  # what follows is for programmers
_GRACE_SECONDS = 2  # for requests that are being answered when it ends


def show(
    uri: str,
    name: str,
    port: int | None,
    ready: Callable[[str, bool], None],
    warn: Callable[[str], None],
) -> None:
    """Serve the page of a store until a signal ends it; a server's own is there already.

    name: what the page begins with, see `find`. port: None for 5000 or, where that is taken, any.
    ready: called with the address when the page answers, and whether it is served from here. warn:
    called with what goes wrong later.

    Raises Mistake, with nothing created, for what cannot be shown.
    """
    reading.check(uri)
    if uri.startswith("http"):
        if port is not None:
            raise Mistake("--port", "must stand beside a database", without_user(uri))
        ready(_page(uri, name, without_user(uri).rstrip("/")), False)
        return
    with listening(port) as socket_, _quiet(warn):
        base = f"http://{HOST}:{socket_.getsockname()[1]}"
        with Loading(), _uncollected():
            address = _page(uri, name, base)
            app = _app(uri)
        if app is None:
            apart.serve(reading.absolute(uri), socket_, lambda: ready(address, True))
        else:
            _serve(app, socket_, lambda: ready(address, True))


def listening(port: int | None) -> socket.socket:
    """Return a socket that is this process's alone from now on.

    Raises Mistake for a port that cannot be had.
    """
    try:
        return socket.create_server((HOST, PORT if port is None else port))
    except OSError as error:
        if port is None:
            return socket.create_server((HOST, 0))
        must = "must be a port that is free"
        given = f"{port} ({os.strerror(error.errno or 0)})"
        raise Mistake("--port", must, given, "leave it out for any that is") from None


def _page(uri: str, name: str, base: str) -> str:
    """Return the address of what a name means, or of the newest that was recorded."""
    try:
        return page(base, find(reading.open_store(uri), name, uri))
    except Exception as error:
        raise refusal(uri, error) from error


def _app(uri: str) -> Any:
    """Return MLflow's server; None where this version of MLflow has it elsewhere."""
    try:
        import uvicorn  # noqa: F401  # where it is, MLflow guards all its answers
        from mlflow.environment_variables import _MLFLOW_IN_JOB_EXECUTOR as EXECUTES
        from mlflow.environment_variables import _MLFLOW_SERVER_BOOT_ID as BOOT
        from mlflow.environment_variables import _MLFLOW_SGI_NAME as SERVED_BY
        from mlflow.environment_variables import MLFLOW_SERVER_ENABLE_JOB_EXECUTION as JOBS
        from mlflow.server import constants

        os.environ |= {
            JOBS.name: "false",
            EXECUTES.name: "false",  # with the next: no code that is stored is run here
            BOOT.name: uuid.uuid4().hex,
            SERVED_BY.name: "uvicorn",
            constants.BACKEND_STORE_URI_ENV_VAR: reading.absolute(uri),
            constants.SERVE_ARTIFACTS_ENV_VAR: "true",
            constants.ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
            constants.ARTIFACTS_DESTINATION_ENV_VAR: "./mlartifacts",
        }
        from mlflow.server.fastapi_app import app
    except (ImportError, AttributeError):
        return None
    return app


def _serve(app: Any, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer until SIGINT or SIGTERM, which then do what they do elsewhere."""
    import uvicorn

    for library in ("mlflow", "uvicorn"):  # not before: what goes wrong is a mistake until now
        logger = logging.getLogger(library)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.ERROR)
    logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)  # who has asked it says the same

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    config = uvicorn.Config(
        app,
        lifespan="off",  # it removes what other servers have left in Docker
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    Server(config).run([listening])


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Let what is loaded meanwhile be; looking for garbage in it takes a quarter of the time."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@contextlib.contextmanager
def _quiet(warn: Callable[[str], None]) -> Iterator[None]:
    """Keep warnings and logs of libraries to themselves; an error is one line, once."""
    root = logging.getLogger()
    before, root.handlers = root.handlers, [_Told(warn)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.handlers = before


class _Told(logging.Handler):
    def __init__(self, warn: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._warn = warn
        self._lines = set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = told(error) if error else brief(Exception(record.getMessage()))
        line = _MORE.split(text)[0]
        if line not in self._lines and "graceful shutdown" not in line:
            self._lines.add(line)
            self._warn(f"MLflow: {line}")
