"""Records -> a local MLflow database: all of them, once, and not on the caller's thread."""

import itertools
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.tracking import Header, courier, outbox
from runner.tracking.courier import Courier
from runner.tracking.delivery import send
from runner.tracking.mlflow import MLflow, rows

START_MS = 1_700_000_000_000
KEYS = ("train/lr", "train/loss", "train/grad_norm", "train/clipped")
Points = list[tuple[str, float, int, int]]


def points(steps: range) -> Points:
    return [(key, 0.1 * t + i, START_MS + t, t) for t in steps for i, key in enumerate(KEYS)]


def history(store: Any, run_id: str) -> Points:
    found = [p for key in KEYS for p in store.client.get_metric_history(run_id, key)]
    return sorted(((p.key, p.value, p.timestamp, p.step) for p in found), key=lambda p: p[3])


def by_step(points: Points) -> Points:
    return sorted(sorted(points, key=lambda p: KEYS.index(p[0])), key=lambda p: p[3])


@pytest.fixture
def opened(store: Any) -> Iterator[Callable[..., tuple[Courier, str, list[str]]]]:
    """Opens a tracker; gives it with its run's id and its warnings."""

    def start(**header: Any) -> tuple[Courier, str, list[str]]:
        warnings: list[str] = []
        made = Courier(MLflow(None), warn=warnings.append).start()
        whole = {"experiment": "runs", "name": "a", "params": {}, "tags": {}} | header
        return made, made.open(Header(**whole)).run_id, warnings

    return start


def test_every_point_arrives_with_its_value_time_and_step(store: Any, opened: Any) -> None:
    one, run_id, warnings = opened()
    for start in range(0, 700, 100):
        one.points(points(range(start, start + 100)))
        one.points([("val/loss", 0.5, START_MS, start + 100)])
    assert one.close("FINISHED")
    assert history(store, run_id) == by_step(points(range(700)))
    assert list(store.history(store.runs()[0], "val/loss")) == list(range(100, 701, 100))
    assert warnings == []
    assert list(outbox.ROOT.iterdir()) == []


def test_nan_and_infinity_arrive_as_mlflow_stores_them(store: Any, opened: Any) -> None:
    one, _, _ = opened()
    values = [math.nan, math.inf, -math.inf]
    one.points([("train/loss", value, START_MS, t) for t, value in enumerate(values)])
    one.close("FAILED")
    stored = store.history(store.runs()[0], "train/loss")
    assert math.isnan(stored[0])
    assert (stored[1], stored[2]) == (sys.float_info.max, -sys.float_info.max)


def test_batches_hold_at_most_1000_points(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    monkeypatch.setattr(rows, "_is_usual", lambda store: False)  # as with a server

    sizes: list[int] = []
    real = MlflowClient.log_batch

    def counted(self: Any, run_id: str, metrics: Any = (), **rest: Any) -> None:
        sizes.append(len(metrics))
        real(self, run_id, metrics=metrics, **rest)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    one, _, _ = opened()
    for start in range(0, 600, 200):
        one.points(points(range(start, start + 200)))
    one.close("FINISHED")
    assert [size for size in sizes if size] == [1000, 1000, 400]


def test_delivering_everything_twice_changes_nothing(store: Any, opened: Any) -> None:
    messages: list[dict[str, Any]] = [
        {"points": [*points(range(300)), ("train/loss", math.nan, START_MS, 999)]},
        {"params": {"lr": "0.1"}},
        {"tags": {"device": "cpu"}},
        {"status": "FINISHED", "end_ms": START_MS + 5},
    ]
    one, run_id, _ = opened()
    one.close("RUNNING")
    seen = []
    for _ in range(2):
        for message in messages:
            send(MLflow(None), run_id, message)
        run = store.client.get_run(run_id)
        seen.append(
            (str(history(store, run_id)), run.data.params, run.data.tags, run.info.end_time)
        )
    assert seen[0] == seen[1]
    assert seen[0][3] == START_MS + 5


def test_the_run_holds_its_parameters_tags_files_status_and_end(
    store: Any, opened: Any, tmp_path: Path
) -> None:
    one, run_id, _ = opened(name="cosine", params={"lr": 0.1}, tags={"device": "cpu"})
    one.tags({"fingerprint": "abc"})
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "config.yaml").write_text("lr: 0.1")
    one.artifacts(tmp_path / "files")
    one.close("KILLED")
    (run,) = store.runs()
    assert (run.info.run_name, run.info.status) == ("cosine", "KILLED")
    assert run.data.params == {"lr": "0.1"}
    assert run.data.tags.items() >= {"device": "cpu", "fingerprint": "abc"}.items()
    assert store.file(run, "config.yaml").read_text() == "lr: 0.1"
    assert run.info.artifact_uri == f"{Path('mlartifacts').absolute().as_uri()}/{run_id}/artifacts"
    assert run.info.start_time <= run.info.end_time <= time.time() * 1000


def test_the_caller_never_sends_and_never_waits(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()
    threads: list[str] = []

    def hang(*args: Any, **kwargs: Any) -> bool:
        asked.set()
        answer.wait(30)
        threads.append(threading.current_thread().name)
        return True

    monkeypatch.setattr(rows, "_write", hang)
    monkeypatch.setattr(courier, "FLUSH_SECONDS", 0.01)
    one, _, _ = opened(params={"lr": 0.1})
    assert asked.wait(30)
    for t in range(20):
        one.points(points(range(t, t + 1)))
        one.tags({"t": str(t)})
    assert threads == []  # the first request hangs still
    answer.set()
    assert one.close("FINISHED")
    assert set(threads) == {"tracking"}


def test_sending_takes_a_tenth_of_the_time_while_training(opened: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(courier, "FLUSH_SECONDS", 0.01)
    calls: list[tuple[float, float]] = []

    def slow(*args: Any, **kwargs: Any) -> bool:
        began = time.monotonic()
        time.sleep(0.05)
        calls.append((began, time.monotonic()))
        return True

    monkeypatch.setattr(rows, "_write", slow)
    one, _, _ = opened()
    for t in range(120):
        one.points(points(range(t, t + 1)))
        time.sleep(0.01)
    sent = len(calls)
    one.close("FINISHED")
    assert sent > 1
    for (began, ended), (following, _) in itertools.pairwise(calls[:sent]):
        assert following - ended >= 8 * (ended - began)


def test_values_that_mlflow_refuses_do_not_stop_a_run(store: Any, opened: Any) -> None:
    keys = ["a@b", "", "..", "../a", "/a", "a//b", "a/../b", "k" * 251, "a\nb"]
    params = {"long": "x" * 7000, "plain a.b/c:d-e_f": "1", "none": ""}
    one, _, warnings = opened(
        params=params | dict.fromkeys(keys, "1"),
        tags={"long": "y" * 9000, "a@b": "1"},
    )
    assert one.close("FINISHED")
    (run,) = store.runs()
    assert set(run.data.params) == set(params)
    assert len(run.data.params["long"]) == 6000
    assert run.data.params["long"].endswith("x... (see config.yaml)")
    assert run.data.tags["long"].endswith("y... (see config.yaml)")
    assert warnings == []
