"""A run in several trackers at once, each with an outbox of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from runner.errors import Mistake
from runner.results.events import Chunk, Evaluation, Point
from runner.results.result import Link
from runner.tracking import Header, Recording, Tracker, outbox
from runner.tracking.delivery import deliver_waiting

HEADER = Header("runs", "a", {"lr": 0.1}, {"device": "cpu"})
CHUNK = Chunk(0, {"train/lr": np.array([0.1, 0.05])}, np.array([1, 2]))


class Listed(Tracker):
    """Keeps what it is told in a list that all of one address share."""

    told: ClassVar[dict[str, list[Any]]] = {}
    shut: ClassVar[set[str]] = set()  # addresses that open no run
    away: ClassVar[set[str]] = set()  # addresses that take no records

    def __init__(self, address: str) -> None:
        self.address = address

    def tell(self, *what: Any) -> None:
        if self.address in self.away:
            raise OSError("away")
        self.told.setdefault(self.address, []).append(what)

    def open(self, header: Header) -> Link:
        if self.address in self.shut:
            raise OSError("closed")
        self.tell("open", header.name)
        return Link(self.address * 32, "1", header.experiment, self.address)

    def params(self, run_id: str, params: Mapping[str, str]) -> None:
        self.tell("params", dict(params))

    def points(self, run_id: str, points: Sequence[Point]) -> None:
        self.tell("points", [tuple(point) for point in points])

    def tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        self.tell("tags", dict(tags))

    def artifacts(self, run_id: str, folder: Path) -> None:
        self.tell("artifacts", sorted(file.name for file in folder.iterdir()))

    def close(self, run_id: str, status: str, end_ms: int) -> None:
        self.tell("close", status)


@pytest.fixture(autouse=True)
def _fresh(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("shut", "away"):
        monkeypatch.setattr(Listed, name, set())
    monkeypatch.setattr(Listed, "told", {})


def recording(*addresses: str) -> tuple[Recording, list[str]]:
    warnings: list[str] = []
    return Recording([Listed(a) for a in addresses], warnings.append).start(), warnings


def test_every_tracker_is_told_everything_in_order(tmp_path: Path) -> None:
    one, warnings = recording("a", "b")
    one.open(HEADER)
    one.hear(CHUNK)
    one.hear(Evaluation(2, {"val/loss": 0.5}, 3))
    one.tags({"kept_step": "2"})
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "config.yaml").write_text("lr: 0.1")
    one.artifacts(tmp_path / "files")
    assert one.close("FINISHED")
    told = [
        ("open", "a"),
        ("params", {"lr": "0.1"}),
        ("points", [("train/lr", 0.1, 1, 0), ("train/lr", 0.05, 2, 1), ("val/loss", 0.5, 3, 2)]),
        ("tags", {"kept_step": "2"}),
        ("artifacts", ["config.yaml"]),
        ("close", "FINISHED"),
    ]
    assert Listed.told == {"a": told, "b": told}
    assert one.link is not None
    assert one.link.uri == "a"
    assert warnings == []
    assert list(outbox.ROOT.iterdir()) == []


def test_one_that_goes_away_keeps_no_other_waiting_and_loses_nothing() -> None:
    one, warnings = recording("a", "b")
    one.open(HEADER)
    Listed.away.add("a")
    one.hear(CHUNK)
    assert not one.close("FINISHED")
    assert [what for what, *_ in Listed.told["b"]] == ["open", "params", "points", "close"]
    assert any(line.startswith("tracking: a does not take records (away)") for line in warnings)
    assert [box.head.uri for box in outbox.waiting()] == ["a"]
    Listed.away.clear()
    assert [sent for _, sent in deliver_waiting([Listed("a")], print)] == [True]
    assert Listed.told["a"] == Listed.told["b"]


def test_one_that_refuses_leaves_no_run_open_elsewhere() -> None:
    Listed.shut.add("b")
    one, _ = recording("a", "b", "c")
    must = r"tracking\.trackers must be places that take runs, got Listed at b: closed"
    with pytest.raises(Mistake, match=must):
        one.open(HEADER)
    one.join()
    assert Listed.told["a"][-1] == ("close", "FAILED")
    assert "c" not in Listed.told
    assert outbox.waiting() == []


def test_without_trackers_there_is_no_link_and_nothing_waits() -> None:
    one, _ = recording()
    one.open(HEADER)
    one.hear(CHUNK)
    assert one.close("FINISHED")
    assert (bool(one), one.link) == (False, None)
    assert not outbox.ROOT.exists()


def test_a_tracker_of_a_persons_own_is_one_target_away(
    command: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mine_tracker.py").write_text(
        "from pathlib import Path\n"
        "from runner.results.result import Link\n"
        "from runner.tracking import Tracker\n"
        "class Lines(Tracker):\n"
        "    def __init__(self, file):\n"
        "        self.address = str(file)\n"
        "    def open(self, header):\n"
        "        return Link('0' * 32, '1', header.experiment, self.address)\n"
        "    def points(self, run_id, points):\n"
        "        with open(self.address, 'a') as stream:\n"
        "            stream.writelines(f'{k} {step} {value}\\n' for k, value, _, step in points)\n"
        "    def close(self, run_id, status, end_ms):\n"
        "        with open(self.address, 'a') as stream:\n"
        "            stream.write(status)\n"
    )
    monkeypatch.syspath_prepend(folder)
    done = command(
        "model=quadratic dataset=none schedule=constant lr=0.1 optimizer=sgd train.steps=2 "
        "tracking=tensorboard '~tracking.trackers.tensorboard' "
        "'+tracking.trackers.lines={_target_: mine_tracker.Lines, file: lines.txt}'"
    )
    assert done.status == 0, done.err
    lines = (folder / "lines.txt").read_text().splitlines()
    assert lines[0] == "train/lr 0 0.1"
    assert lines[-1] == "FINISHED"
    assert sum(line.startswith("train/lr ") for line in lines) == 2
