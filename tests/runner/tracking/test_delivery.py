"""Records that wait on disk reach MLflow later: whole, once, whoever is killed meanwhile."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runner import deliver
from runner.results.result import Link
from runner.tracking import Header, Tracker, courier, deliver_waiting, outbox
from runner.tracking.courier import Courier
from runner.tracking.mlflow import MLflow, rows
from runner.tracking.outbox import Outbox
from runner.tracking.remote import Remote
from runner.tracking.schema import Head

MS = 1_700_000_000_000
Points = list[tuple[str, float, int, int]]


def points(steps: range) -> Points:
    return [("train/loss", 0.1 * t, MS + t, t) for t in steps]


def history(store: Any, run_id: str) -> Points:
    found = store.client.get_metric_history(run_id, "train/loss")
    return sorted(((p.key, p.value, p.timestamp, p.step) for p in found), key=lambda p: p[3])


@pytest.fixture
def opened(store: Any) -> Callable[..., tuple[Courier, str, list[str]]]:
    """Opens a tracker; gives it with its run's id and its warnings."""

    def start() -> tuple[Courier, str, list[str]]:
        warnings: list[str] = []
        made = Courier(MLflow(None), warn=warnings.append).start()
        return made, made.open(Header("runs", "a", {"lr": 0.1}, {})).run_id, warnings

    return start


@pytest.fixture
def waiting(store: Any) -> Callable[..., str]:
    """Leaves a run with 3,000 points in the outbox; gives its id."""

    def leave(status: str | None = "FINISHED") -> str:
        MLflow(None).prepare("runs")
        experiment = store.client.get_experiment_by_name("runs").experiment_id
        run_id = str(store.client.create_run(experiment).info.run_id)
        box = Outbox(Head(run_id, "sqlite:///mlflow.db"), run_id)
        box.create()
        for start in range(0, 3000, 500):
            box.append({"points": points(range(start, start + 500))})
            box.append({"tags": {"at": str(start)}})
        if status:
            box.append({"status": status, "end_ms": MS + 3000})
        box.release()
        return run_id

    return leave


def python(script: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Calling it ends a time in which MLflow takes nothing."""
    with pytest.MonkeyPatch.context() as patch:

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise ConnectionError("the server is gone")

        patch.setattr(rows, "_write", refuse)
        yield patch.undo


def test_records_wait_while_mlflow_takes_nothing_and_one_line_says_so(
    store: Any, opened: Any, outage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(courier, "RETRY_SECONDS", 0.01)
    one, run_id, warnings = opened()
    one.points(points(range(10)))
    time.sleep(0.2)
    one.tags({"diverged": "train/loss is nan"})
    assert not one.close("FAILED")
    end_ms = time.time() * 1000
    assert warnings == [
        "tracking: sqlite:///mlflow.db does not take records (the server is gone); training goes "
        "on, they wait in .runner/outbox"
    ]
    outage()
    time.sleep(0.1)
    (box,) = outbox.waiting()
    assert deliver.main([]) == 0
    run = store.client.get_run(run_id)
    assert history(store, run_id) == points(range(10))
    assert (run.data.params, run.info.status) == ({"lr": "0.1"}, "FAILED")
    assert run.data.tags["diverged"] == "train/loss is nan"
    assert run.info.end_time <= end_ms
    assert not box.folder.exists()


def test_a_run_delivers_what_waited_when_mlflow_is_back(
    store: Any, opened: Any, outage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "FLUSH_SECONDS", 0.01)
    one, run_id, warnings = opened()
    one.points(points(range(10)))
    time.sleep(0.2)
    outage()
    one.points(points(range(10, 20)))
    assert one.close("FINISHED")
    assert history(store, run_id) == points(range(20))
    assert (len(warnings), outbox.waiting()) == (1, [])


def test_the_next_run_delivers_what_waits(store: Any, opened: Any, outage: Any) -> None:
    first, first_id, _ = opened()
    first.points(points(range(10)))
    first.close("FINISHED")
    outage()
    second, _, warnings = opened()
    assert second.close("FINISHED")
    assert warnings == [f"tracking: delivered the waiting records of run {first_id}"]
    assert history(store, first_id) == points(range(10))


def test_ctrl_c_in_close_leaves_all_in_the_outbox_at_once(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def hang(*args: Any, **kwargs: Any) -> bool:
        asked.set()
        answer.wait(20)
        return True

    def interrupt() -> None:
        asked.wait(20)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    monkeypatch.setattr(rows, "_write", hang)
    one, _, _ = opened()
    one.points(points(range(10)))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests behind & ignore it
    timer = threading.Timer(0.1, interrupt)
    timer.start()
    assert not one.close("KILLED")  # while the server still hangs
    signal.signal(signal.SIGINT, before)
    timer.join()
    (box,) = outbox.waiting()
    assert [next(iter(m)) for _, m in box.messages()] == ["params", "points", "status"]
    answer.set()
    one._thread.join()


ODD = [("acc@1", 0.5, MS, 0), ("acc@1", 0.6, MS + 1, 1), ("x" * 300, 0.5, MS, 0)]


def test_what_mlflow_refuses_for_good_is_set_aside_and_the_rest_arrives(
    store: Any, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "FLUSH_SECONDS", 0.01)
    one, run_id, warnings = opened()
    one.points([*points(range(10)), *ODD])
    one.flush(20)
    one.points([*points(range(10, 20)), *ODD])
    one.tags({"after": "it"})
    assert one.close("FINISHED")
    run = store.client.get_run(run_id)
    assert history(store, run_id) == points(range(20))
    assert (run.info.status, run.data.tags["after"]) == ("FINISHED", "it")
    assert outbox.waiting() == []
    odd, long = warnings
    assert odd.startswith("tracking: acc@1 is refused (")
    assert odd.endswith("); it is set aside in .runner/set-aside")
    assert long.startswith("tracking: xxx")
    assert run.data.tags["refused"].startswith("acc@1 is refused (")
    kept = [json.loads(file.read_text())["points"] for file in outbox.ASIDE.glob("[0-9a-f]*")]
    assert sorted(len(one) for one in kept) == [1, 1, 2, 2]
    assert [list(point) for point in ODD[:2]] in kept


def test_a_run_that_waits_with_what_mlflow_refuses_gets_its_end(
    store: Any, waiting: Any, capsys: Any
) -> None:
    run_id = waiting(None)
    (box,) = outbox.waiting()
    for number, message in enumerate(({"points": ODD}, {"status": "FINISHED", "end_ms": MS})):
        (box.folder / f"1{number:07d}").write_text(json.dumps(message))
    assert deliver.main([]) == 0
    told = capsys.readouterr()
    assert told.out == f"run {run_id}: delivered\n"
    assert told.err.count(" is refused (") == 2
    assert store.client.get_run(run_id).info.status == "FINISHED"
    assert history(store, run_id) == points(range(3000))
    assert list(outbox.ROOT.iterdir()) == []


def test_nothing_waiting_is_said(folder: Any, capsys: Any) -> None:
    assert deliver.main([]) == 0
    assert capsys.readouterr().out == "nothing waits in .runner/outbox\n"


def test_a_training_run_is_left_to_its_process(opened: Any, capsys: Any) -> None:
    one, run_id, _ = opened()
    assert deliver.main([]) == 0
    expected = f"run {run_id}: left to the process that trains or delivers it\n"
    assert capsys.readouterr().out == expected
    assert one.close("FINISHED")


def test_a_run_that_mlflow_has_lost_does_not_hold_up_the_others(
    store: Any, waiting: Any, capsys: Any
) -> None:
    ids = sorted(waiting() for _ in range(3))
    store.client.delete_run(ids[0])
    assert deliver.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"run {ids[0]}: waits in " in lines[0]
    assert "Current state is deleted" in lines[0]
    assert lines[1:] == [f"run {ids[1]}: delivered", f"run {ids[2]}: delivered"]


def test_to_load_a_tracker_does_not_count_as_its_silence(
    store: Any, waiting: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Remote.load

    def load(self: Remote) -> None:
        time.sleep(2.2)
        real(self)

    ids = sorted(waiting() for _ in range(2))
    store.client.delete_run(ids[0])
    monkeypatch.setattr("runner.tracking.delivery.SLOW_SECONDS", 2.0)
    monkeypatch.setattr(Remote, "load", load)
    assert deliver.main([]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [f"run {ids[1]}: delivered"]


def test_records_of_a_database_that_is_gone_wait_and_make_none(
    folder: Any, store: Any, waiting: Any, capsys: Any
) -> None:
    waiting()
    (folder / "mlflow.db").unlink()
    assert deliver.main([]) == 1
    assert "there is no database" in capsys.readouterr().out
    assert not (folder / "mlflow.db").exists()


def test_a_killed_run_keeps_its_records_and_ends_as_failed(store: Any, opened: Any) -> None:
    script = (
        "import os, signal; from runner.tracking import Header\n"
        "from runner.tracking.courier import Courier; from runner.tracking.mlflow import MLflow\n"
        "one = Courier(MLflow(None)).start(); one.open(Header('runs', 'killed', {'lr': 0.1}, {}))\n"
        "one.points([('train/loss', 0.1 * t, 1700000000000 + t, t) for t in range(500)])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    before_ms = time.time() * 1000
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    after_ms = time.time() * 1000
    killed = store.runs()[0]
    assert killed.info.status == "RUNNING"
    one, _, warnings = opened()
    one.close("FINISHED")
    run = store.client.get_run(killed.info.run_id)
    assert warnings == [f"tracking: delivered the waiting records of run {run.info.run_id}"]
    assert history(store, run.info.run_id) == points(range(500))
    assert (run.info.status, run.data.params) == ("FAILED", {"lr": "0.1"})
    assert run.data.tags["reason"] == "the run's process was killed"
    assert before_ms <= run.info.end_time <= after_ms


@pytest.mark.stress
@pytest.mark.parametrize("moment", ["_write", "end", "remove"])
def test_a_delivery_that_is_killed_is_done_by_the_next(
    store: Any, waiting: Any, moment: str
) -> None:
    run_id = waiting()
    script = (
        "import os, signal; from runner.tracking.mlflow import rows\n"
        "from runner import deliver; from runner.tracking.outbox import Outbox\n"
        "from runner.tracking.mlflow import MLflow; MLflow.is_apart = False\n"
        "calls = iter(range(4))\n"
        f"owner = Outbox if {moment!r} == 'remove' else rows\n"
        f"real = owner.{moment}\n"
        "def die(*args, **kwargs):\n"
        f"    if {moment!r} == '_write' and next(calls) < 3: return real(*args, **kwargs)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"owner.{moment} = die; deliver.main([])"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    assert deliver.main([]) == 0
    assert history(store, run_id) == points(range(3000))
    run = store.client.get_run(run_id)
    assert (run.info.status, run.info.end_time) == ("FINISHED", MS + 3000)
    assert run.data.tags["at"] == "2500"
    assert list(outbox.ROOT.iterdir()) == []


@pytest.mark.stress
def test_two_processes_deliver_each_run_once(store: Any, waiting: Any) -> None:
    ids = [waiting() for _ in range(4)]
    both = [python("from runner import deliver; deliver.main([])") for _ in range(2)]
    said = "".join(process.communicate()[0] for process in both)
    assert [said.count(f"run {run_id}: delivered") for run_id in ids] == [1] * 4
    for run_id in ids:
        assert history(store, run_id) == points(range(3000))
    assert list(outbox.ROOT.iterdir()) == []


@pytest.mark.parametrize("is_apart", [True, False])
def test_an_end_that_comes_after_the_run_was_disowned_elsewhere_changes_nothing(
    store: Any, waiting: Any, is_apart: bool
) -> None:
    run_id, other = waiting(), waiting()
    tracker = Remote(MLflow(None)) if is_apart else MLflow(None)
    MLflow(None).disown(run_id, "queued again as another trial")
    for _ in deliver_waiting([tracker], print):
        pass
    run = store.client.get_run(run_id)
    assert (run.info.status, run.data.tags["lost"]) == ("FAILED", "queued again as another trial")
    assert len(history(store, run_id)) == 3000
    assert store.client.get_run(other).info.status == "FINISHED"


def test_a_pipe_that_closes_stops_no_delivery(store: Any, waiting: Any) -> None:
    for _ in range(2):
        waiting()
    process = python("from runner import deliver; raise SystemExit(deliver.main([]))")
    assert process.stdout
    process.stdout.close()
    assert process.wait() == 0
    assert list(outbox.ROOT.iterdir()) == []


def test_an_end_that_was_sent_before_it_was_asked_for_is_sent_once(folder: Any) -> None:
    ends: list[str] = []

    class Counts(Tracker):
        address = "counted"

        def open(self, header: Header) -> Link:
            return Link("0" * 32, "1", header.experiment, self.address)

        def points(self, run_id: str, points: Any) -> None:
            pass

        def close(self, run_id: str, status: str, end_ms: int) -> None:
            ends.append(status)

    one = Courier(Counts(), warn=print).start()
    one.open(Header("runs", "a", {}, {}))
    one._box.append({"status": "FINISHED", "end_ms": MS})  # as close does first
    one.flush(wait_seconds=10)
    one._closing.set()
    one._wake.set()
    assert one.join()
    assert ends == ["FINISHED"]
    assert outbox.waiting() == []
