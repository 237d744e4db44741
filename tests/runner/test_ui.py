"""python -m runner.ui: a real server, and one line for what cannot be shown."""

import contextlib
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner import ui
from runner.errors import Mistake
from runner.tracking import Header
from runner.tracking.mlflow import MLflow, server

MOVED = "import sys; sys.modules['mlflow.server.fastapi_app'] = None"  # another MLflow
LOOK = re.compile(r"look      (http://127\.0\.0\.1:(\d+))(/#/\S*)\n")


class Served:
    """A started `python -m runner.ui`."""

    def __init__(self, command: list[str]) -> None:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, start_new_session=True, **pipes)

    def wait(self) -> None:
        """Wait until it serves."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = LOOK.fullmatch(line)
        if not found:
            self.process.kill()
        assert found, f"{line}{self.process.communicate()}"
        self.base, self.port, self.place = found[1], int(found[2]), found[3]
        assert self.process.stdout.readline() == "Ctrl-C ends it\n"

    def get(self, path: str, data: Any = None, **headers: str) -> bytes:
        """Return what is answered."""
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json", **headers}
        asked = urllib.request.Request(f"{self.base}{path}", data=body, headers=headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return bytes(answer.read())

    def end(self, number: int) -> tuple[int, str, str]:
        """Send a signal; return the status and what was printed since it serves."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Served]]:
    """Starts the command without a browser."""
    started: list[Served] = []

    def begin(*words: str, before: str = "") -> Served:
        code = f"{before}\nimport sys\nfrom runner.ui import main, exit_with\nexit_with(main())"
        how = ["-c", code] if before else ["-m", "runner.ui"]
        started.append(Served([sys.executable, *how, "--no-browser", *words]))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            for child in psutil.Process(one.process.pid).children(recursive=True):
                child.kill()
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def recorded(store: Any, tmp_path: Path) -> str:
    """A run with a metric and a file, made as the runner makes it; its id."""
    tracker = MLflow(None)
    link = tracker.open(Header("mine", "a", {}, {"study": "deep-0000abcd"}))
    tracker.points(link.run_id, [("lr", 0.1, 1_700_000_000_000, 0)])
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "config.yaml").write_text("lr: 0.1\n")
    tracker.artifacts(link.run_id, tmp_path / "files")
    return link.run_id


def test_one_process_serves_the_page_to_this_machine_and_ends_with_ctrl_c(
    start: Any, recorded: str, store: Any, command: Any, capsys: Any
) -> None:
    served = start("deep")
    served.wait()
    experiment = store.client.get_run(recorded).info.experiment_id
    chart = "workflowType=machine_learning&compareRunsMode=CHART"
    assert served.place == f"/#/experiments/{experiment}/runs?{chart}"
    assert b"<title>MLflow</title>" in served.get("/")
    found = served.get("/ajax-api/2.0/mlflow/experiments/search", {"max_results": 5})
    assert [one["name"] for one in json.loads(found)["experiments"]] == ["mine", "Default"]
    assert served.get(f"/get-artifact?run_id={recorded}&path=config.yaml") == b"lr: 0.1\n"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        served.get("/", Host="evil.example")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        served.get("/ajax-api/2.0/mlflow/experiments/search", {}, Origin="http://evil.example")
    process = psutil.Process(served.process.pid)
    listening = {c.laddr for c in process.net_connections("inet") if c.status == "LISTEN"}
    assert listening == {("127.0.0.1", served.port)}
    assert process.children(recursive=True) == []
    capsys.readouterr()
    assert ui.main(["--no-browser", "deep", f"tracking.uri={served.base}"]) == 0  # a server's own
    assert capsys.readouterr().out == f"look      {served.base}{served.place}\n"
    assert served.end(signal.SIGINT) == (130, "", "interrupted\n")
    assert sorted(one.name for one in Path().iterdir()) == [".runner", "mlartifacts", "mlflow.db"]


def test_a_port_that_is_taken_is_left_and_one_that_is_asked_for_is_a_mistake(
    store: Any, capsys: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal(capsys, "--port", str(port)) == (
            f"--port must be a port that is free, got {port} (Address already in use); "
            "leave it out for any that is"
        )
    with server.listening(port) as one:
        assert one.getsockname() == ("127.0.0.1", port)
        with pytest.raises(Mistake, match=f"must be a port that is free, got {port}"):
            server.listening(port)
    with server.listening(None) as one, server.listening(None) as other:
        assert one.getsockname()[1] != other.getsockname()[1] != server.PORT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--port", "--port must be a number from 1 to 65535, got ''"),
        ("--port x", "--port must be a number from 1 to 65535, got 'x'"),
        ("--port 65536", "--port must be a number from 1 to 65535, got '65536'"),
        ("a b", "NAME must be one, got 'a' and 'b'; quote one with spaces, 'a b'"),
        ("zzz", "NAME must be an experiment, a study, a sweep or a run's id in {store}, got 'zzz'"),
        ("--open", "unknown flag --open; .*"),
        ("nope=1", "unknown key 'nope'.*"),
        ("tracking=off", "tracking must be MLflow's for its page to be shown, got off"),
        (
            "tracking=tensorboard",
            "tracking must .* got TensorBoard at (/.*/runs); tensorboard --logdir \\1 shows that",
        ),
        ("tracking.uri=file:///x", "tracking.uri must be sqlite:///FILE, http://HOST:PORT .*"),
        ("tracking.uri=http://me:pw1234567@host", "tracking.uri must hold no password; .*"),
        ("tracking.uri=http://127.0.0.1:9", "tracking.uri must be a server that answers .*"),
        ("tracking.uri=sqlite:///no/x.db", "tracking.uri must .* there is no folder .*/no; .*"),
        (
            "tracking.uri=sqlite:///no.db",
            "tracking.uri must be a store that is there, got .*no.db; .*",
        ),
    ],
)
def test_what_cannot_be_shown_is_one_line_and_nothing_is_created(
    folder: Path, store: Any, capsys: Any, words: str, said: str
) -> None:
    said = said.replace("{store}", "sqlite:///mlflow.db")
    assert re.fullmatch(said, refusal(capsys, *words.split()))
    assert [one.name for one in folder.iterdir()] == ["mlflow.db"]


def test_a_folder_without_a_database_is_one_line(folder: Path, capsys: Any) -> None:
    assert refusal(capsys) == (
        "tracking.uri must be a store that is there, got sqlite:///mlflow.db; "
        "python -m runner records, and tracking.uri=... names another place"
    )
    assert list(folder.iterdir()) == []


def test_a_place_that_is_neither_database_nor_server_is_one_line(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks")
    must = "tracking.uri must be a database, or a server's address such as http://host:5000"
    assert refusal(capsys) == f"{must}, got databricks"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    assert refusal(capsys).startswith(
        "tracking.uri must be a store that is there, got sqlite:///mi"
    )


def test_an_upgrade_copies_old_keys_once_and_serves_nothing(
    recorded: str, store: Any, capsys: Any
) -> None:
    store.client.set_terminated(recorded)
    for said in ("1 run, 1 metric point", "0 runs, 0 metric points"):
        capsys.readouterr()
        assert ui.main(["--upgrade"]) == 0
        assert capsys.readouterr().out.startswith(f"upgraded  {said}\n")
    assert store.history(store.client.get_run(recorded), "train/lr") == {0: 0.1}


def test_help_says_what_can_be_asked_for(folder: Path, capsys: Any) -> None:
    assert ui.main(["-h"]) == 0
    assert "--no-browser  print the address only\n" in capsys.readouterr().out
    assert list(folder.iterdir()) == []


def test_a_folder_of_options_is_no_name(folder: Path, store: Any, capsys: Any) -> None:
    Path("groups").mkdir()
    assert refusal(capsys, "--config-dir", "groups", "zzz").endswith("got 'zzz'")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def refusal(capsys: Any, *words: str) -> str:
    """Return the one line that a mistake is, without what every one begins with."""
    capsys.readouterr()
    assert ui.main(["--no-browser", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[:7]) == ("", 1, "error: ")
    return str(err[7:-1])


ENDS = [
    (signal.SIGINT, 130, "interrupted\n"),
    (signal.SIGTERM, -signal.SIGTERM, ""),
    (signal.SIGHUP, -signal.SIGHUP, ""),
]


@pytest.mark.stress
def test_two_serve_one_store(start: Any, recorded: str) -> None:
    both = [start(), start("--port", str(free_port()))]
    for served in both:
        served.wait()
    for (number, status, said), served in zip(ENDS[1:], both, strict=True):
        path = f"/get-artifact?run_id={recorded}&path=config.yaml"
        assert served.get(path) == b"lr: 0.1\n"
        assert served.end(number) == (status, "", said)


@pytest.mark.stress
@pytest.mark.parametrize(("number", "status", "said"), ENDS)
def test_processes_of_another_mlflow_end_with_the_command(
    start: Any, recorded: str, number: int, status: int, said: str
) -> None:
    served = start(before=MOVED)
    served.wait()
    process = psutil.Process(served.process.pid)
    family = [process, *process.children(recursive=True)]
    listening = [c for one in family for c in one.net_connections("inet") if c.status == "LISTEN"]
    assert {c.laddr for c in listening} == {("127.0.0.1", served.port)}
    path = f"/get-artifact?run_id={recorded}&path=config.yaml"
    assert served.get(path) == b"lr: 0.1\n"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        served.get("/", Host="evil.example")
    assert not any("mlflow.db" in " ".join(one.cmdline()) for one in family)  # nor a password
    assert served.end(number) == (status, "", said)
    assert len(family) == 3
    assert not any(left.is_running() for left in family)


@pytest.mark.stress
@pytest.mark.parametrize("seconds", [0.2, 0.6, 1, 1.5, 2, 3, 4])
def test_ctrl_c_while_it_loads_is_one_line(
    start: Any, recorded: str, folder: Path, eventually: Any, seconds: float
) -> None:
    served = start()
    loaded = psutil.Process(served.process.pid).memory_maps
    eventually(lambda: any("numpy" in library.path for library in loaded()))
    time.sleep(seconds)
    status, out, err = served.end(signal.SIGINT)
    assert (status, err) == (130, "interrupted\n")
    assert "Traceback" not in out


@pytest.mark.stress
def test_an_error_of_the_server_is_one_line(start: Any, recorded: str) -> None:
    served = start()
    served.wait()
    with contextlib.closing(sqlite3.connect("mlflow.db")) as connection:
        connection.execute("ALTER TABLE experiments RENAME TO lost")
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError, match="50"):
            served.get("/ajax-api/2.0/mlflow/experiments/search", {"max_results": 5})
    status, out, err = served.end(signal.SIGINT)
    said = r"MLflow: Error in _search_experiments: \(sqlite3.OperationalError\) no such .*\n"
    assert (status, out) == (130, "")
    assert re.fullmatch(f"{said}interrupted\n", err)


@pytest.mark.stress
def test_a_server_that_ends_itself_is_one_line(start: Any, recorded: str) -> None:
    served = start(before=f"{MOVED}\nimport os; os.environ['MLFLOW_WORKERS'] = '1'")
    served.wait()
    [worker] = psutil.Process(served.process.pid).children()
    worker.kill()
    _, err = served.process.communicate(timeout=60)
    assert (served.process.returncode, err.count("\n")) == (1, 1)
    assert err.startswith("error: mlflow server ended")
    assert not worker.is_running()


@pytest.mark.stress
@pytest.mark.parametrize("before", ["", MOVED], ids=["here", "apart"])
def test_a_database_with_a_password_is_served_and_the_password_shown_nowhere(
    start: Any, new_postgres: Any, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    uri = new_postgres().replace("postgres@", "postgres:pw1234567@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    MLflow(None).prepare("shared")
    served = start("shared", before=before)
    served.wait()
    found = served.get("/ajax-api/2.0/mlflow/experiments/search", {"max_results": 5})
    assert b'"shared"' in found
    process = psutil.Process(served.process.pid)
    family = [process, *process.children(recursive=True)]
    assert not any("pw1234567" in " ".join(one.cmdline()) for one in family)
    assert served.end(signal.SIGINT) == (130, "", "interrupted\n")
