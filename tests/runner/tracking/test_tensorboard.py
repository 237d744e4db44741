"""Records -> TensorBoard's event files, read back with TensorBoard itself."""

from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from runner import deliver
from runner.tracking import Header, Recording, outbox
from runner.tracking.delivery import deliver_waiting
from runner.tracking.outbox import Outbox
from runner.tracking.schema import Head
from runner.tracking.tensorboard import TensorBoard

MS = 1_700_000_000_000
LINE = "model=quadratic dataset=none schedule=cosine lr=0.1 optimizer=sgd train.steps=4"
STEP_KEYS = {"train/lr", "train/momentum", "train/loss", "train/grad_norm", "train/clipped"}


def events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    return found.Reload()


def scalars(folder: Path, key: str) -> list[tuple[int, float, float]]:
    return [(e.step, e.value, e.wall_time) for e in events(folder).Scalars(key)]


def test_a_run_is_in_both_trackers_step_by_step(command: Any, store: Any, folder: Path) -> None:
    cycle = "optimizer.momentum=0.9 optimizer/momentum_schedule=one_cycle"
    done = command(f"{LINE} {cycle} tracking=mlflow_tensorboard tracking.experiment=both")
    assert done.status == 0, done.err
    (run,) = store.runs()
    (place,) = (folder / "runs" / "both").iterdir()
    keys = STEP_KEYS | {"val/loss", "param/w"}
    assert set(run.data.metrics) == set(events(place).Tags()["scalars"]) == keys
    assert keys < store.records(run).keys()
    for key in keys:
        logged = store.client.get_metric_history(run.info.run_id, key)
        expected = [(p.step, p.value, p.timestamp / 1000) for p in logged]
        assert scalars(place, key) == [pytest.approx(point) for point in expected], key
    for key in STEP_KEYS:
        assert list(store.history(run, key)) == [0, 1, 2, 3], key
    assert (place / "artifacts" / "records.npz").is_file()
    assert "command/text_summary" in events(place).Tags()["tensors"]
    assert list(outbox.ROOT.iterdir()) == []
    assert f"run {run.info.run_id} in experiment 'both'" in done.out


def test_a_run_in_event_files_alone_needs_no_mlflow(command: Any, folder: Path) -> None:
    done = command(f"{LINE} tracking=tensorboard tracking.trackers.tensorboard.folder=boards")
    assert done.status == 0, done.err
    (place,) = (folder / "boards" / "runs").iterdir()
    assert [step for step, *_ in scalars(place, "train/lr")] == [0, 1, 2, 3]
    assert not (folder / "mlflow.db").exists()
    assert "tensorboard --logdir" in done.out


def test_what_a_killed_process_left_is_delivered(folder: Path) -> None:
    tracker = TensorBoard("boards")
    link = tracker.open(Header("runs", "a/b", {}, {}))
    box = Outbox(Head(link.run_id, tracker.address, tracker.path()))
    box.create()
    box.append({"params": {"lr": "0.1"}})
    box.append({"points": [["lr", 0.5, MS, 0], ["lr", 0.25, MS + 1, 1]]})
    box.release()
    assert [sent for _, sent in deliver_waiting([tracker], print)] == [True]
    (place,) = (folder / "boards" / "runs").iterdir()
    assert place.name.startswith("a-b ")
    assert [(step, value) for step, value, _ in scalars(place, "lr")] == [(0, 0.5), (1, 0.25)]
    assert outbox.waiting() == []


def test_records_for_a_tracker_of_a_persons_own_wait_for_a_start_with_it(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Outbox(Head("0" * 32, str(folder / "boards"), "own_tracker.Own"))
    box.create()
    box.append({"status": "FINISHED", "end_ms": MS})
    box.release()
    module = (
        "from runner.tracking.tensorboard import TensorBoard\n"
        "class Own(TensorBoard):\n"
        "    def close(self, *what):\n"
        "        print(*what)\n"
    )
    (folder / "own_tracker.py").write_text(module)
    monkeypatch.syspath_prepend(str(folder))
    assert deliver.main([]) == 1
    assert "boards, not a tracking.uri of this start" in capsys.readouterr().out
    own = "+tracking.trackers.own={_target_: own_tracker.Own, folder: boards}"
    assert deliver.main([own]) == 0
    assert f"{box.run_id} FINISHED {MS}" in capsys.readouterr().out
    assert outbox.waiting() == []


def test_a_removed_run_is_gone(folder: Path) -> None:
    tracker = TensorBoard("boards")
    link = tracker.open(Header("runs", "a", {}, {}))
    tracker.close(link.run_id, "FINISHED", MS)
    tracker.remove(link.run_id)
    assert list((folder / "boards" / "runs").iterdir()) == []


def test_a_killed_run_goes_on_with_each_step_once(folder: Path) -> None:
    header = Header("runs", "a/b", {}, {}, identity="same")
    for life in range(3):
        one = Recording([TensorBoard("boards")], print).start()
        one.open(header)
        assert one.continued == (life > 0)
        steps = range(2 + 2 * life)
        one.points([(key, float(t), MS + life, t) for t in steps for key in ("lr", "loss")])
        if life < 2:
            one._couriers[0].leave()
        else:
            one.close("FINISHED")
        one.join()
        for file in folder.glob("boards/*/*/events*"):
            with file.open("ab") as stream:
                stream.write(b"\x18\0\0")  # what a kill cuts off
    (place,) = (folder / "boards" / "runs").iterdir()
    for key in ("lr", "loss"):
        expected = [(t, float(t), pytest.approx((MS + t // 2) / 1000)) for t in range(6)]
        assert sorted(scalars(place, key)) == expected  # files of one second have no order
    assert outbox.waiting() == []
