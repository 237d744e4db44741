"""A run whose process was killed goes on under its id, with each step once."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Mistake
from runner.results.events import Point
from runner.tracking import Header, Recording, Tracker, outbox
from runner.tracking.courier import Courier
from runner.tracking.mlflow import MLflow
from runner.tracking.outbox import Outbox
from runner.tracking.tensorboard import TensorBoard

MS = 1_700_000_000_000
HEADER = Header("runs", "a", {"lr": 0.1}, {"command": "first"}, identity="same")
KEYS = ("train/lr", "train/loss")


def points(steps: range, later_ms: int = 0) -> list[Point]:
    return [(key, 0.1 * t + i, MS + later_ms + t, t) for t in steps for i, key in enumerate(KEYS)]


def history(store: Any, run_id: str) -> list[Point]:
    found = [p for key in KEYS for p in store.client.get_metric_history(run_id, key)]
    return by_step([(p.key, p.value, p.timestamp, p.step) for p in found])


def by_step(points: list[Point]) -> list[Point]:
    return sorted(sorted(points), key=lambda p: p[3])


@pytest.fixture
def killed(store: Any) -> Callable[..., str]:
    """Leaves a run as a kill does, with steps 0 to 4 sent and 5 to 7 waiting; gives its id."""

    def leave(header: Header = HEADER, tracker: Tracker | None = None) -> str:
        one = Courier(tracker or MLflow(None), warn=print).start()
        link = one.open(header)
        one.points(points(range(5)))
        one.leave()
        one.join()
        one.points(points(range(5, 8)))
        return link.run_id

    return leave


@pytest.fixture
def started(store: Any) -> Iterator[Callable[..., Recording]]:
    """Starts runs; what is not closed is left as a kill leaves it."""
    found: list[Recording] = []

    def start(header: Header = HEADER, *trackers: Tracker) -> Recording:
        found.append(Recording(trackers or (MLflow(None),), print).start())
        found[-1].open(header)
        return found[-1]

    yield start
    for one in found:
        for courier in one._couriers:
            courier.leave()
            courier.join()


def test_each_step_is_there_once_with_the_time_at_which_it_was_first_made(
    started: Any, store: Any, killed: Any
) -> None:
    run_id = killed()
    (before,) = store.runs()
    one = started(replace(HEADER, tags={"command": "second"}))
    assert one.continued
    assert one.link is not None
    assert one.link.run_id == run_id
    assert one.link.look.endswith(f"{run_id}/model-metrics?workflowType=machine_learning")
    one.points(points(range(10), later_ms=1000))
    assert one.close("FINISHED")
    (run,) = store.runs()
    expected = points(range(8)) + points(range(8, 10), later_ms=1000)
    assert history(store, run_id) == by_step(expected)
    assert (run.info.status, run.info.start_time) == ("FINISHED", before.info.start_time)
    assert (run.data.params, run.data.tags["command"]) == ({"lr": "0.1"}, "second")
    assert list(outbox.ROOT.iterdir()) == []


def end_in_the_outbox(store: Any, run_id: str) -> None:
    (box,) = outbox.waiting()
    box.resume()
    box.append({"status": "KILLED", "end_ms": MS})


def damage_what_waits(store: Any, run_id: str) -> None:
    (box,) = outbox.waiting()
    (entry, _), *_ = box.written()
    entry.write_text("{")


CHANGES: dict[str, Callable[[Any, str], Any]] = {
    "ended here": end_in_the_outbox,
    "ended there": lambda store, run_id: store.client.set_terminated(run_id, "FAILED"),
    "deleted": lambda store, run_id: store.client.delete_run(run_id),
    "damaged": damage_what_waits,
    "claimed": lambda store, run_id: store.client.set_tag(run_id, "outbox", "another"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_that_has_ended_or_is_no_more_as_it_was_is_not_gone_on_with(
    started: Any, store: Any, killed: Any, change: str
) -> None:
    run_id = killed()
    CHANGES[change](store, run_id)
    one = started()
    assert not one.continued
    assert one.link is not None
    assert one.link.run_id != run_id
    one.points(points(range(3)))
    assert one.close("FINISHED")
    assert history(store, one.link.run_id) == by_step(points(range(3)))


@pytest.mark.parametrize("identity", ["other", ""])
def test_another_run_ends_it_as_failed(
    started: Any, store: Any, killed: Any, identity: str
) -> None:
    run_id = killed(replace(HEADER, identity=identity and "same"))
    one = started(replace(HEADER, identity=identity))
    assert not one.continued
    assert one.close("FINISHED")
    assert store.client.get_run(run_id).info.status == "FAILED"
    assert history(store, run_id) == by_step(points(range(8)))


def test_a_start_for_another_store_leaves_it_waiting(
    started: Any, store: Any, killed: Any, empty_store: Path, folder: Path
) -> None:
    killed()
    (folder / "other.db").write_bytes(empty_store.read_bytes())
    one = started(HEADER, MLflow("sqlite:///other.db"))
    assert not one.continued
    assert one.close("FINISHED")
    assert store.runs()[0].info.status == "RUNNING"
    assert started().continued


def test_how_the_killed_run_would_have_ended_is_not_said(
    started: Any, store: Any, killed: Any
) -> None:
    run_id = killed()
    for key in ("reason", "diverged"):
        store.client.set_tag(run_id, key, "the run's process was killed")
    (box,) = outbox.waiting()
    box.resume()
    box.append({"tags": {"status": "DIVERGED", "diverged": "train/loss is nan"}})
    one = started()
    one.flush(20)
    tags = store.client.get_run(run_id).data.tags
    assert not {"status", "reason", "diverged"} & tags.keys()
    one.tags({"status": "FINISHED"})
    assert one.close("FINISHED")
    assert store.client.get_run(run_id).data.tags["status"] == "FINISHED"


def test_files_that_were_cut_off_in_writing_are_in_nobodys_way(
    started: Any, store: Any, killed: Any, tmp_path: Path
) -> None:
    killed()
    (box,) = outbox.waiting()
    numbers = [int(entry.name) for entry, _ in box.written()]
    for number in range(max(numbers) + 1, max(numbers) + 9):
        (box.folder / f".{number:08d}").mkdir()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "config.yaml").write_text("lr: 0.1")
    one = started()
    one.artifacts(tmp_path / "files")
    assert one.close("FINISHED")
    (run,) = store.runs()
    assert store.file(run, "config.yaml").read_text() == "lr: 0.1"


def test_of_two_starts_at_once_one_goes_on_with_it(store: Any, killed: Any) -> None:
    run_id = killed()
    ready, found = threading.Barrier(2), list[Recording]()

    def start() -> None:
        one = Recording([MLflow(None)], print).start()
        ready.wait()
        one.open(HEADER)
        found.append(one)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.continued for one in found) == [False, True]
    for one in found:
        wanted = points(range(10), later_ms=0 if one.continued else 500)
        one.points(wanted)
        assert one.close("FINISHED")
        assert one.link is not None
        assert one.continued == (one.link.run_id == run_id)
        assert history(store, one.link.run_id) == by_step(wanted)
    assert [run.info.status for run in store.runs()] == ["FINISHED"] * 2


def test_a_run_that_trains_is_left_to_its_process(started: Any, store: Any) -> None:
    first = started()
    second = started()
    assert not second.continued
    assert second.close("FINISHED")
    assert first.close("FINISHED")
    assert len(store.runs()) == 2


def test_who_only_looks_at_it_keeps_it_from_nobody(started: Any, killed: Any) -> None:
    killed()
    (box,) = outbox.waiting()
    assert box.acquire()
    threading.Timer(0.1, box.release).start()
    assert started().continued


def test_a_store_that_is_away_is_a_mistake_and_the_run_waits_for_the_next_start(
    started: Any, killed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    killed()

    def away(*given: Any) -> None:
        raise ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "get_run", away)
        with pytest.raises(Mistake, match=r"must be a store that takes runs, got .*: away"):
            started()
    assert started().continued


def test_every_tracker_goes_on_with_its_own(started: Any, store: Any, killed: Any) -> None:
    board = TensorBoard("boards")
    ids = [killed(), killed(tracker=board)]
    one = started(HEADER, MLflow(None), board)
    assert one.continued
    assert [courier._box.run_id for courier in one._couriers] == ids
    assert one.close("FINISHED")


def test_the_others_follow_the_first(started: Any, store: Any, killed: Any) -> None:
    board = TensorBoard("boards")
    killed(tracker=board)
    one = started(HEADER, MLflow(None), board)
    assert not one.continued
    assert [courier.continued for courier in one._couriers] == [False, False]
    assert one.close("FINISHED")
    assert outbox.waiting() == []
    assert len(list(Path("boards/runs").iterdir())) == 2


def test_a_tracker_that_refuses_leaves_the_others_run_as_it_was(
    started: Any, store: Any, killed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = killed()
    (box,) = outbox.waiting()
    Path("boards").write_text("no folder")
    one = Recording([MLflow(None), TensorBoard("boards")], print).start()
    with pytest.raises(Mistake, match="must be places that take runs, got TensorBoard"):
        one.open(HEADER)
    one.join()
    assert store.client.get_run(run_id).info.status == "RUNNING"
    assert [other.name for other in outbox.waiting()] == [box.name]
    assert started().continued


def test_a_head_of_an_earlier_version_is_of_no_run_that_goes_on(
    started: Any, store: Any, killed: Any
) -> None:
    killed()
    (box,) = outbox.waiting()
    head = box.folder / "run.json"
    head.write_text(head.read_text().replace(', "identity": "same"', ""))
    assert Outbox(outbox.read_head(head), box.name).head.identity == ""
    assert not started().continued
