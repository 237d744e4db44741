"""Runs in a store whose machine is gone: gone on with by another, and by one only."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.results.events import Point
from runner.tracking import Header, Recording, courier, outbox
from runner.tracking.delivery import deliver_waiting
from runner.tracking.mlflow import MLflow, claims

MS = 1_700_000_000_000
MINUTES = 60_000
HEADER = Header("runs", "a", {"lr": 0.1}, {}, identity="same")


def points(steps: range, later_ms: int = 0) -> list[Point]:
    return [("train/loss", 0.1 * t, MS + later_ms + t, t) for t in steps]


def history(store: Any, run_id: str) -> list[Point]:
    found = store.client.get_metric_history(run_id, "train/loss")
    return sorted(((p.key, p.value, p.timestamp, p.step) for p in found), key=lambda p: p[3])


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "SETTLE_SECONDS", 0.3)


@pytest.fixture
def started(store: Any) -> Iterator[Callable[..., tuple[Recording, str, list[str]]]]:
    """Starts runs; gives each with its id and its warnings."""
    found: list[Recording] = []

    def start(header: Header = HEADER) -> tuple[Recording, str, list[str]]:
        warnings: list[str] = []
        found.append(Recording([MLflow(None)], warnings.append).start())
        found[-1].open(header)
        assert found[-1].link is not None
        return found[-1], found[-1].link.run_id, warnings

    yield start
    for one in found:
        for each in one._couriers:
            each.leave()
            each.join()


@pytest.fixture
def elsewhere(store: Any, started: Any) -> Callable[[int], str]:
    """Leaves a run with steps 0 to 4, and the rest in an outbox that is not here; gives its id.

    age_ms: of its last heartbeat by our clock.
    """

    def leave(age_ms: int) -> str:
        one, run_id, _ = started()
        one.points(points(range(5)))
        for each in one._couriers:
            each.leave()
            each.join()
        one.points(points(range(5, 8)))
        shutil.move(outbox.ROOT, Path("there"))
        store.client.set_tag(run_id, claims.HEARTBEAT, str(now_ms() - age_ms))
        return str(run_id)

    return leave


def test_a_run_of_another_machine_that_is_gone_goes_on_here(
    store: Any, started: Any, elsewhere: Any
) -> None:
    run_id = elsewhere(16 * MINUTES)
    one, found, _ = started()
    assert (one.continued, found) == (True, run_id)
    one.points(points(range(8), later_ms=1000))
    assert one.close("FINISHED")
    expected = points(range(5)) + points(range(5, 8), later_ms=1000)
    assert history(store, run_id) == expected
    (run,) = store.runs()
    assert run.info.status == "FINISHED"
    assert now_ms() - int(run.data.tags[claims.HEARTBEAT]) < 15 * MINUTES
    assert list(outbox.ROOT.iterdir()) == []


@pytest.mark.parametrize("age_ms", [0, 14 * MINUTES, -600 * MINUTES])
def test_a_run_that_may_live_is_left_alone_at_once(
    store: Any, started: Any, elsewhere: Any, age_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = elsewhere(age_ms)
    monkeypatch.setattr(claims.time, "sleep", lambda seconds: 1 / 0)
    one, found, _ = started()
    assert (one.continued, found == run_id) == (False, False)
    assert one.close("FINISHED")
    assert store.client.get_run(run_id).info.status == "RUNNING"


@pytest.mark.parametrize("tags", [{"identity": "other"}, {"heartbeat": "soon"}])
def test_only_the_same_run_that_told_its_heartbeat_is_claimed(
    store: Any, started: Any, elsewhere: Any, tags: dict[str, str]
) -> None:
    run_id = elsewhere(16 * MINUTES)
    for key, value in tags.items():
        store.client.set_tag(run_id, key, value)
    assert started()[1] != run_id


def test_a_run_that_trains_here_is_not_claimed_however_late_its_heartbeat(
    store: Any, started: Any
) -> None:
    first, run_id, _ = started()
    store.client.set_tag(run_id, claims.HEARTBEAT, "0")
    second, other, _ = started()
    assert other != run_id
    assert first.close("FINISHED")
    assert second.close("FINISHED")


def test_of_two_claims_at_once_one_has_it(store: Any, elsewhere: Any) -> None:
    run_id = elsewhere(16 * MINUTES)
    experiment = store.client.get_run(run_id).info.experiment_id
    ready, found = threading.Barrier(2), dict[str, str]()

    def claim(token: str) -> None:
        ready.wait()
        found[token] = claims.claim(store.client, experiment, "same", token, [])

    threads = [threading.Thread(target=claim, args=[token]) for token in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    owner = store.client.get_run(run_id).data.tags["outbox"]
    assert found == {"a": "", "b": ""} | {owner: run_id}


def test_what_comes_late_for_a_run_that_is_gone_on_with_is_set_aside(
    store: Any, started: Any, elsewhere: Any
) -> None:
    run_id = elsewhere(16 * MINUTES)
    one, _, _ = started()
    one.points(points(range(8), later_ms=1000))
    assert one.close("FINISHED")
    before = history(store, run_id)
    shutil.rmtree(outbox.ROOT, ignore_errors=True)
    shutil.move("there", outbox.ROOT)
    (name,) = [box.name for box in outbox.waiting()]
    warnings: list[str] = []
    assert [sent for _, sent in deliver_waiting([MLflow(None)], warnings.append)] == [False]
    line = f"another start goes on with run {run_id}; what waits is set aside in .runner/set-aside"
    assert warnings == [f"tracking: {line}"]
    assert history(store, run_id) == before
    assert store.client.get_run(run_id).info.status == "FINISHED"
    assert (outbox.ASIDE / name / "run.json").exists()
    assert outbox.waiting() == []


def test_a_run_that_was_claimed_while_it_slept_stops_sending(
    store: Any, started: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(courier, "RETRY_SECONDS", 0.01)
    one, run_id, warnings = started()
    one.points(points(range(5)))
    eventually(lambda: len(history(store, run_id)) == 5)
    store.client.set_tag(run_id, claims.TOKEN, "another")
    wall = time.time
    monkeypatch.setattr(courier.time, "time", lambda: wall() + 3600)
    one.points(points(range(5, 8)))
    assert not one.close("FINISHED")
    assert len(history(store, run_id)) == 5
    assert store.client.get_run(run_id).info.status == "RUNNING"
    assert warnings == [
        f"tracking: another start goes on with run {run_id}; what this one records from now on is "
        "set aside in .runner/set-aside"
    ]
    assert outbox.waiting() == []
    assert len(list(outbox.ASIDE.glob("*/0*"))) == 2  # the points and the end


def test_the_heart_beats_where_nothing_else_is_sent(
    store: Any, started: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "HEARTBEAT_SECONDS", 0.05)
    one, run_id, warnings = started()

    def said() -> int:
        return int(store.client.get_run(run_id).data.tags[claims.HEARTBEAT])

    first = said()
    eventually(lambda: said() > first)  # long before anything is sent
    with monkeypatch.context() as patch:
        asked: list[int] = []
        patch.setattr(MLflow, "beat", lambda *given: asked.append(1) or 1 / 0)
        eventually(lambda: len(asked) > 2)  # away: it is missed and tried again
    last = said()
    eventually(lambda: said() > last)
    assert one.close("FINISHED")
    assert warnings == []


def test_a_run_that_is_never_gone_on_with_has_no_heart(store: Any, started: Any) -> None:
    one, run_id, _ = started(Header("runs", "a", {}, {}))
    assert one.close("FINISHED")
    assert not {"identity", "heartbeat"} & store.client.get_run(run_id).data.tags.keys()
