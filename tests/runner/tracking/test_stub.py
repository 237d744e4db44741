"""Tracking servers that are silent, refuse, hang or ask for a password, played by a stub."""

import base64
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runner import deliver
from runner.errors import Mistake
from runner.tracking import Header, courier, outbox
from runner.tracking.courier import Courier
from runner.tracking.delivery import deliver_waiting
from runner.tracking.mlflow import MLflow
from runner.tracking.schema import Head

MS = 1_700_000_000_000
HEADER = Header("runs", "a", {"lr": "0.1"}, {"device": "cpu"})
RUN = "0123456789abcdef0123456789abcdef"


def points(steps: range) -> list[tuple[str, float, int, int]]:
    return [("lr", 0.1 / (1 + t), MS + t, t) for t in steps]


class Stub:
    """A server that speaks as much of MLflow's protocol as a run needs.

    status: what it answers to everything. hang: set to keep later requests waiting.
    """

    def __init__(self, status: int = 200, answers: bool = True) -> None:
        self.requests: list[tuple[str, str | None]] = []
        self.hang = threading.Event()
        self.leave = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stub.requests.append((self.path, self.headers.get("Authorization")))
                if not answers or stub.hang.is_set():
                    stub.leave.wait(30)
                    return
                code, answer = (status, {}) if status == 200 else (status, "go away")
                if status == 200:
                    code, answer = stub.answer(self.path, json.loads(body or "{}"))
                text = json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return status and body for a request."""
        if "get-by-name" in path:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}
        if path.endswith("experiments/create"):
            return 200, {"experiment_id": "7"}
        if "/runs/create" in path:
            return 200, {"run": {"info": {"run_id": RUN, "experiment_id": "7"}, "data": {}}}
        return (404, {}) if "server-info" in path else (200, {})

    def close(self) -> None:
        """Let waiting requests go and stop."""
        self.leave.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def stub(folder: Path) -> Iterator[Callable[..., Stub]]:
    """Starts stub servers, which stop with the test."""
    started: list[Stub] = []

    def start(kind: type[Stub] = Stub, **options: Any) -> Stub:
        started.append(kind(**options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_a_server_that_is_not_there_is_a_mistake_at_once(folder: Path) -> None:
    with pytest.raises(Mistake, match=r"within 5 s, got http://127.0.0.1:9 \(.*refused.*\); start"):
        MLflow("http://127.0.0.1:9").check()
    assert list(folder.iterdir()) == []


def test_a_server_that_accepts_and_says_nothing_is_a_mistake(folder: Path) -> None:
    says_so = pytest.raises(Mistake, match=r"answers within 5 s, got .* \(timed out\); start it")
    with socket.create_server(("127.0.0.1", 0)) as silent, says_so:
        MLflow(f"http://127.0.0.1:{silent.getsockname()[1]}").check()
    assert list(folder.iterdir()) == []


def test_a_port_with_another_protocol_is_a_mistake(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(Mistake, match=r"answers within 5 s, got .* \(SSH-2.0-OpenSSH\)"):
            MLflow(f"http://127.0.0.1:{other.getsockname()[1]}").check()
        thread.join()


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_server_that_refuses_is_a_mistake_with_its_words(stub: Any, status: int) -> None:
    server = stub(status=status)
    uri = f"http://127.0.0.1:{server.port}"
    MLflow(uri).check()
    with pytest.raises(Mistake, match=f"a store that takes runs, got {uri}: .*{status}"):
        MLflow(uri).prepare("runs")
    with pytest.raises(Mistake, match=f"a store that takes runs, got {uri}: .*{status}"):
        Courier(MLflow(uri)).start().open(HEADER)
    assert len(server.requests) <= 8  # it is not asked again and again
    assert list(Path().iterdir()) == []


def test_a_hanging_server_does_not_hold_up_the_run(stub: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(courier, "FLUSH_SECONDS", 0.01)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setattr("runner.tracking.mlflow.store.ANSWER_SECONDS", 0.5)
    server = stub()
    warnings: list[str] = []
    one = Courier(MLflow(f"http://127.0.0.1:{server.port}"), warn=warnings.append).start()
    one.open(HEADER)
    server.hang.set()
    for t in range(100):
        one.points(points(range(t, t + 1)))
        time.sleep(0.005)
    assert len(server.requests) < 20  # of 100 records, as each request hangs
    assert not one.close("FINISHED")
    assert len(warnings) == 1
    (box,) = outbox.waiting()
    sent = [point for _, m in box.messages() for point in m.get("points", [])]
    assert {tuple(point) for point in sent} >= set(points(range(1, 100)))


class Late(Stub):
    """A server that makes runs at once and says so when nobody listens any more, the first times.

    late: how many times. deletes: whether it removes runs.
    """

    def __init__(self, late: int, *, deletes: bool = True) -> None:
        self.late, self.made, self.ended = late, list[str](), list[str]()
        self.deletes = deletes
        super().__init__()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if "get-by-name" in path:
            place = {"artifact_location": "mlflow-artifacts:/7", "lifecycle_stage": "active"}
            return 200, {"experiment": {"experiment_id": "7", "name": "runs", **place}}
        if "/runs/create" in path:
            self.made.append(f"{len(self.made)}" * 32)
            run = {"info": {"run_id": self.made[-1], "experiment_id": "7"}, "data": {}}
            if len(self.made) <= self.late:
                self.leave.wait(3)
            return 200, {"run": run}
        if "/runs/search" in path:
            left = [run for run in self.made if run not in self.ended]
            return 200, {"runs": [{"info": {"run_id": run}, "data": {}} for run in left]}
        if "/runs/delete" in path and not self.deletes:
            return 400, {"error_code": "BAD_REQUEST", "message": "busy"}
        if "/runs/delete" in path or ("/runs/update" in path and body["status"] != "RUNNING"):
            self.ended.append(body["run_id"])
        return super().answer(path, body)


@pytest.mark.parametrize("late", [1, 2])
def test_a_run_that_was_made_too_late_ends(stub: Any, monkeypatch: Any, late: int) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setattr("runner.tracking.mlflow.tracker.SLOW_SECONDS", 0.5)
    server = stub(Late, late=late)
    one = Courier(MLflow(f"http://127.0.0.1:{server.port}"), warn=lambda line: None).start()
    if late == 1:  # MLflow asks twice
        assert one.open(HEADER).run_id == server.made[1]
        assert server.ended == [server.made[0]]
        assert one.close("FINISHED")
    else:
        with pytest.raises(Mistake, match=r"a store that takes runs, got .*timed out"):
            one.open(HEADER)
    assert set(server.ended) == set(server.made)
    assert not outbox.ROOT.exists() or list(outbox.ROOT.iterdir()) == []


def test_a_server_that_answers_too_late_is_a_mistake_and_keeps_no_run(
    stub: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("runner.tracking.mlflow.tracker.RUN_SECONDS", 0.3)
    server = stub(Late, late=1)
    one = Courier(MLflow(f"http://127.0.0.1:{server.port}"), warn=lambda line: None).start()
    with pytest.raises(Mistake, match=r"a store that takes runs, got .*: no answer within 0.3 s"):
        one.open(HEADER)
    server.leave.set()
    one.join()
    assert server.ended == server.made == ["0" * 32]
    assert not outbox.ROOT.exists()


def test_a_run_that_was_made_too_late_and_cannot_be_removed_is_ended_by_the_next_start(
    stub: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("runner.tracking.mlflow.tracker.RUN_SECONDS", 0.3)
    server = stub(Late, late=1, deletes=False)
    tracker = MLflow(f"http://127.0.0.1:{server.port}")
    one = Courier(tracker, warn=lambda line: None).start()
    with pytest.raises(Mistake, match=r"no answer within 0.3 s"):
        one.open(HEADER)
    server.leave.set()
    one.join()
    assert server.ended == []
    assert [box.run_id for box in outbox.waiting()] == server.made
    assert [sent for _, sent in deliver_waiting([tracker], warn=print)] == [True]
    assert server.ended == server.made
    assert list(outbox.waiting()) == []


def test_a_run_of_which_nobody_knows_whether_it_is_there_is_asked_for_by_the_next_start(
    stub: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    server = stub(Late, late=2)
    uri = f"http://127.0.0.1:{server.port}"
    find = MLflow.find
    monkeypatch.setattr(MLflow, "find", lambda *given: 1 / 0)  # it hangs still
    with pytest.raises(Mistake, match=r"a store that takes runs, got .*timed out"):
        Courier(MLflow(uri), warn=lambda line: None).start().open(HEADER)
    assert len(outbox.waiting()) == 1
    monkeypatch.setattr(MLflow, "find", find)
    assert deliver.main([f"tracking.uri={uri}"]) == 0
    assert server.ended[0] in server.made
    assert outbox.waiting() == []


def test_runs_that_wait_for_one_silent_server_wait_together(
    stub: Any, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("runner.tracking.mlflow.store.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("runner.tracking.delivery.SLOW_SECONDS", 0.25)
    server = stub(answers=False)
    for name in "abcdefgh":
        box = outbox.Outbox(Head(name * 32, f"http://127.0.0.1:{server.port}"))
        box.create()
        box.release()
    assert deliver.main([f"tracking.uri=http://127.0.0.1:{server.port}"]) == 1
    assert len(server.requests) == 1
    assert capsys.readouterr().out.count("(timed out)") == 8


@pytest.mark.parametrize("password", ["secret", "p%40s%2Fs", "p@ss", "p:ss"])
def test_a_password_is_used_and_never_seen(
    stub: Any, password: str, monkeypatch: Any, capfd: Any
) -> None:
    server = stub()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{password}@127.0.0.1:{server.port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    warnings: list[str] = []
    MLflow(None).check()
    one = Courier(MLflow(None), warn=warnings.append).start()
    link = one.open(HEADER)
    server.server.socket.close()
    server.server.shutdown()
    one.points(points(range(3)))
    assert not one.close("FINISHED")
    assert deliver.main([]) == 1
    files = "".join(file.read_text() for file in outbox.ROOT.rglob("*") if file.is_file())
    seen = "".join([*warnings, str(link), files, *capfd.readouterr()])
    assert f"http://me:***@127.0.0.1:{server.port}" in seen
    home = f"http://127.0.0.1:{server.port}/#/experiments/7/runs/{RUN}"
    assert link.look == f"{home}/model-metrics?workflowType=machine_learning"
    plain = urllib.request.unquote(password)
    assert password not in seen
    assert plain not in seen
    expected = "Basic " + base64.b64encode(f"me:{plain}".encode()).decode()
    said = {auth for path, auth in server.requests if "/runs/create" in path}
    assert said == {expected}


def test_a_later_delivery_takes_the_password_from_the_environment(
    stub: Any, monkeypatch: Any, capfd: Any
) -> None:
    server = stub()
    box = outbox.Outbox(Head(RUN, f"http://me:***@127.0.0.1:{server.port}"))
    box.create()
    box.append({"status": "FINISHED", "end_ms": MS})
    box.release()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{server.port}")
    assert deliver.main([]) == 0
    ended = [auth for path, auth in server.requests if "runs/update" in path]
    assert ended == ["Basic " + base64.b64encode(b"me:secret").decode()]
    assert capfd.readouterr() == (f"run {RUN}: delivered\n", "")
    assert outbox.waiting() == []
