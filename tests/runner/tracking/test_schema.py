"""What others may have written into the outbox, and what a disk has cut: said once, set aside."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner import deliver
from runner.tracking import leftovers, outbox
from runner.tracking.outbox import Outbox
from runner.tracking.schema import Damaged, Head, read_head, read_message

NAME = "0" * 31 + "7"
LINE = "model=quadratic dataset=none schedule=constant lr=0.1 optimizer=sgd train.steps=3"
MS = 1_700_000_000_000
MESSAGES: list[dict[str, Any]] = [
    {"params": {"lr": "0.1"}},
    {"points": [["lr", 0.5, MS, 0], ["lr", float("nan"), MS, 1]]},
    {"tags": {"a": "b"}},
    {"points": [["lr", 0.5, MS, 2]]},
    {"status": "FINISHED", "end_ms": MS},
]


@pytest.fixture
def run_id(store: Any) -> str:
    """A run of the store that has not ended."""
    experiment = store.client.create_experiment("runs", Path("mlartifacts").absolute().as_uri())
    return str(store.client.create_run(experiment).info.run_id)


@pytest.fixture
def box(run_id: str) -> Outbox:
    """The run's outbox, with its messages in it, whose process has ended."""
    made = Outbox(Head(run_id, "sqlite:///mlflow.db"))
    made.create()
    for message in MESSAGES:
        made.append(message)
    made.release()
    return made


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "null", '"a"', "[" * 100_000, '{"run_id": "a"}', "\0", "1" * 5000]
    + [
        json.dumps({"run_id": "a", "uri": "b"} | more)
        for more in (
            {"x": "y"},
            {"run_id": 1},
            {"run_id": "/a"},
            {"run_id": ".."},
            {"run_id": ""},
            {"uri": 1},
            {"tracker": None},
            {"uri": "b" * 2**16},
        )
    ],
)
def test_a_head_that_is_not_as_written_is_set_aside_and_the_next_run_is_recorded(
    folder: Path, text: str, capsys: Any
) -> None:
    head = outbox.ROOT / NAME / "run.json"
    head.parent.mkdir(parents=True)
    head.write_text(text)
    assert outbox.waiting() == []
    (line,) = leftovers.tidy()
    assert line.startswith(f"{head.parent} is damaged (run.json: ")
    assert (outbox.ASIDE / NAME / "run.json").read_text() == text
    assert (leftovers.tidy(), list(outbox.ROOT.iterdir())) == ([], [])


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", '{"artifacts": "/etc"}', '{"tags": {}, "params": {}}', "[" * 100_000]
    + [
        json.dumps(message)
        for message in (
            {"tags": {"a": 1}},
            {"tags": ["a"]},
            {"params": None},
            {"status": "FINISHED"},
            {"status": "done", "end_ms": 1},
            {"status": "ODD", "end_ms": 1},
            {"status": "FINISHED", "end_ms": -1},
            {"status": "FINISHED", "end_ms": "1"},
            {"points": {}},
            {"points": [["lr", 0.1, 1]]},
            {"points": [[1, 0.1, 1, 1]]},
            {"points": [["lr", "0.1", 1, 1]]},
            {"points": [["lr", 0.1, 1.5, 1]]},
            {"points": [["lr", 0.1, 1, 2**63]]},
            {"points": [["lr", True, 1, 1]]},
        )
    ],
)
def test_a_message_that_is_not_as_written_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "0").write_text(text)
    with pytest.raises(Damaged, match=r"^it (is cut or changed|must (be|have|hold)) ?"):
        read_message(tmp_path / "0")


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_read_as_it_was_written_and_cut_nowhere(
    tmp_path: Path, message: dict[str, Any]
) -> None:
    text = json.dumps(message)
    (tmp_path / "0").write_text(text)
    assert str(read_message(tmp_path / "0")) == str(message)
    for length in range(len(text)):
        (tmp_path / "0").write_text(text[:length])
        with pytest.raises(Damaged, match=r"^it is cut or changed: "):
            read_message(tmp_path / "0")


def linked(file: Path) -> None:
    """Give a file a second name."""
    file.write_text('{"tags": {}}')
    file.with_name("twin").hardlink_to(file)


@pytest.mark.parametrize("make", [os.mkfifo, lambda file: file.symlink_to("target"), linked])
def test_no_link_is_followed_and_no_pipe_waited_for(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    (tmp_path / "target").write_text('{"tags": {}}')
    make(tmp_path / "0")
    (tmp_path / "files").mkdir()
    make(tmp_path / "files" / "0")
    for entry in ("0", "files"):
        with pytest.raises(Damaged, match="must be a file, not a link or the like"):
            read_message(tmp_path / entry)
    with pytest.raises(Damaged, match="must be a file, not a link or the like"):
        read_head(tmp_path / "0")


@pytest.mark.parametrize("number", range(len(MESSAGES)))
def test_of_a_run_with_a_cut_message_the_rest_is_delivered(
    store: Any, box: Outbox, command: Any, number: int
) -> None:
    entry = box.folder / f"{number:08d}"
    entry.write_text(entry.read_text()[:-5])
    done = command(LINE)
    assert done.status == 0, done.err
    assert done.err.count(f"{entry} is damaged (it is cut") == 1
    assert f"delivered the waiting records of run {box.run_id}" in done.err
    run = store.client.get_run(box.run_id)
    steps = {p.step for p in store.client.get_metric_history(box.run_id, "lr")}
    assert run.info.status == ("FAILED" if number == 4 else "FINISHED")
    assert run.data.tags.get("reason") == (
        "the record of its end is damaged" if number == 4 else None
    )
    assert str(entry) in run.data.tags["damaged"]
    assert steps == {0, 1, 2} - {1: {0, 1}, 3: {2}}.get(number, set())
    assert (run.data.params == {"lr": "0.1"}) == (number != 0)
    assert list(outbox.ROOT.iterdir()) == []
    assert [path.name for path in outbox.ASIDE.iterdir()] == [f"{box.name}-{entry.name}"]
    assert command(LINE).err.count("damaged") == 0


DAMAGES: list[Callable[[Path], object]] = [
    lambda file: file.write_text(file.read_text()[:-9]),
    lambda file: file.write_bytes(b"\xff" + file.read_bytes()[1:]),
    lambda file: file.unlink(),
    lambda file: (file.unlink(), file.mkdir()),
    lambda file: (file.unlink(), os.mkfifo(file)),
    lambda file: (file.unlink(), file.symlink_to("nowhere")),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_records_that_do_not_say_whose_they_are_go_to_the_run_that_knows_them(
    store: Any, box: Outbox, command: Any, damage: Callable[[Path], object]
) -> None:
    store.client.set_tag(box.run_id, "outbox", box.name)
    damage(box.folder / "run.json")
    done = command(LINE)
    assert done.status == 0, done.err
    assert f"delivered the waiting records of run {box.run_id}" in done.err
    run = store.client.get_run(box.run_id)
    assert (run.info.status, run.data.params, run.data.tags["a"]) == (
        "FINISHED",
        {"lr": "0.1"},
        "b",
    )
    assert list(outbox.ROOT.iterdir()) == []
    assert command(LINE).err == ""


def test_records_that_do_not_say_whose_they_are_wait_for_a_tracker_that_is_away(
    folder: Path, capsys: Any
) -> None:
    head = outbox.ROOT / NAME / "run.json"
    head.parent.mkdir(parents=True)
    head.write_text("{")
    assert deliver.main(["tracking.uri=http://127.0.0.1:9"]) == 0
    assert f"{head.parent} is damaged (run.json: it is cut" in (err := capsys.readouterr().err)
    assert "it waits for its tracker (" in err
    assert head.read_text() == "{"


def test_what_is_not_ours_is_left_alone(folder: Path, command: Any) -> None:
    victim = folder / "victim"
    victim.mkdir()
    outbox.ROOT.joinpath("a").mkdir(parents=True)
    head = json.dumps({"run_id": str(victim), "uri": "sqlite:///mlflow.db"})
    (outbox.ROOT / "a" / "run.json").write_text(head)
    (outbox.ROOT / NAME).symlink_to(victim)
    (victim / "run.json").write_text(json.dumps({"run_id": NAME, "uri": "sqlite:///mlflow.db"}))
    done = command(LINE)
    assert done.status == 0, done.err
    for name in ("a", NAME):
        line = f"{outbox.ROOT / name} is no run's folder of records; it is left alone"
        assert done.err.count(line) == 1
    assert [file.name for file in victim.iterdir()] == ["run.json"]
    assert (outbox.ROOT / "a" / "run.json").read_text() == head


def test_what_is_damaged_is_moved_into_no_folder_that_a_link_leads_to(folder: Path) -> None:
    (folder / "victim").mkdir()
    head = outbox.ROOT / NAME / "run.json"
    head.parent.mkdir(parents=True)
    head.write_text("{")
    outbox.ASIDE.symlink_to(folder / "victim")
    (line,) = leftovers.tidy()
    assert line.endswith("cannot be set aside: .runner/set-aside must be a folder, not a link")
    assert list((folder / "victim").iterdir()) == []
    assert head.read_text() == "{"


def test_artifacts_come_from_the_outbox_only(
    store: Any, box: Outbox, command: Any, tmp_path: Path
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("mine")
    (box.folder / "00000005").write_text(json.dumps({"artifacts": str(tmp_path / "secret")}))
    (box.folder / "00000006").symlink_to(tmp_path / "secret")
    (box.folder / "00000007").mkdir()
    (box.folder / "00000007" / "key").symlink_to(tmp_path / "secret" / "key")
    for entry in ("00000004", "00000008"):
        (box.folder / entry).unlink(missing_ok=True)
    done = command(LINE)
    assert done.err.count(" is damaged (") == 3
    assert store.client.list_artifacts(box.run_id) == []
    assert (tmp_path / "secret" / "key").read_text() == "mine"


def test_records_go_to_no_address_that_only_a_file_names(
    folder: Path, run_id: str, command: Any
) -> None:
    box = Outbox(Head(run_id, "http://127.0.0.1:9"))
    box.create()
    box.append({"status": "FINISHED", "end_ms": MS})
    box.release()
    done = command(LINE)
    said = "1 earlier run waits in .runner/outbox (for http://127.0.0.1:9, not a tracking.uri of"
    assert done.err.count(said) == 1
    assert [one.run_id for one in outbox.waiting()] == [run_id]


def test_the_outbox_is_its_owners_alone(box: Outbox) -> None:
    modes = {oct(p.stat().st_mode)[-3:] for p in (outbox.ROOT.parent, outbox.ROOT, box.folder)}
    assert modes == {"700"}
    assert {oct(file.stat().st_mode)[-3:] for file in box.folder.iterdir()} == {"600"}


def test_passwords_stay_out_of_records_and_files(
    store: Any, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "Xy12-3z")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "config.yaml").write_text("url: http://me:PW@host\nkey: Xy12-3z\n")
    box = Outbox(Head(run_id, "sqlite:///mlflow.db"))
    box.create()
    box.append({"params": {"a": "http://me:PW@host", "b": "Xy12-3z"}})
    box.append({"artifacts": str(tmp_path / "files")})
    found = subprocess.run(["grep", "-rE", "PW|Xy12", str(box.folder)], capture_output=True)
    assert (found.returncode, found.stdout) == (1, b"")
