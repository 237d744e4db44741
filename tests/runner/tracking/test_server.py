"""A real `mlflow server` that stops in mid-run and starts again."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner import deliver
from runner.tracking import Header, courier, outbox
from runner.tracking.courier import Courier
from runner.tracking.mlflow import MLflow
from runner.tracking.mlflow.upgrade import Upgraded, upgrade

MS = 1_700_000_000_000


def points(steps: range) -> list[tuple[str, float, int, int]]:
    return [("lr", 0.1 / (1 + t), MS + t, t) for t in steps]


class Server:
    """A real `mlflow server` in a folder of its own, which can stop and start again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers."""
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        stores = ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "files"]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words, *stores],
            cwd=self.folder,
            env=os.environ | quiet,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.uri}/health", timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("mlflow server does not start")

    def stop(self) -> None:
        """End it and its worker at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[Server]:
    """A started server."""
    (tmp_path / "server").mkdir()
    made = Server(tmp_path / "server")
    made.start()
    yield made
    made.stop()


@pytest.mark.stress
def test_a_store_of_an_earlier_version_is_upgraded_through_its_server(server: Server) -> None:
    tracker = MLflow(server.uri)
    run_id = tracker.open(Header("runs", "a", {}, {}, "0" * 32)).run_id
    tracker.points(run_id, points(range(26_000)))  # more than an answer holds
    assert upgrade(server.uri) == Upgraded(runs=0, points=0, running=1)
    tracker.close(run_id, "FINISHED", MS)
    for runs in (1, 0):
        assert upgrade(server.uri) == Upgraded(runs, points=runs * 26_000, running=0)
    with closing(sqlite3.connect(server.folder / "server.db")) as connection:
        asked = "SELECT value, timestamp, step FROM metrics WHERE key = ? ORDER BY step"
        old, new = (connection.execute(asked, (key,)).fetchall() for key in ("lr", "train/lr"))
    assert old == new == [point[1:] for point in points(range(26_000))]


@pytest.mark.stress
def test_a_server_that_stops_in_mid_run_has_everything_when_it_is_back(
    server: Server, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    from mlflow import MlflowClient

    monkeypatch.setattr(courier, "FLUSH_SECONDS", 0.05)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "config.yaml").write_text("lr: 0.1")
    warnings: list[str] = []
    one = Courier(MLflow(server.uri), warn=warnings.append).start()
    link = one.open(Header("runs", "a", {"lr": "0.1"}, {"device": "cpu"}))
    one.points(points(range(1500)))
    while len(MlflowClient(server.uri).get_metric_history(link.run_id, "lr")) < 1500:
        time.sleep(0.1)
    server.stop()
    one.points(points(range(1500, 3000)))
    one.artifacts(tmp_path / "files")
    began_ms = time.time() * 1000
    assert not one.close("FINISHED")
    ended_ms = time.time() * 1000
    assert len(warnings) == 1
    assert warnings[0].endswith("; training goes on, they wait in .runner/outbox")
    assert deliver.main([f"tracking.uri={server.uri}"]) == 1
    server.start()
    assert deliver.main([f"tracking.uri={server.uri}"]) == 0
    client = MlflowClient(server.uri)
    run = client.get_run(link.run_id)
    history = client.get_metric_history(link.run_id, "lr")
    assert sorted((p.key, p.value, p.timestamp, p.step) for p in history) == sorted(
        points(range(3000))
    )
    assert began_ms - 1 <= run.info.end_time <= ended_ms
    assert (run.info.status, run.data.params) == ("FINISHED", {"lr": "0.1"})
    assert Path(client.download_artifacts(link.run_id, "config.yaml")).read_text() == "lr: 0.1"
    assert outbox.waiting() == []
    assert capsys.readouterr().out.endswith(f"run {link.run_id}: delivered\n")
