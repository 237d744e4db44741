"""What is recorded of a study: once for each thing that there is to say."""

from pathlib import Path

import optuna
import pytest

from runner.results.answer import Confirmed
from runner.results.definition import Definition, Goal
from runner.results.rows import Row
from runner.study.answer.summary import Summary
from runner.study.queue.attributes import SUMMARY
from runner.tracking.mlflow import MLflow, pages

ROWS = [Row(0, "COMPLETE", objective=(1.0,)), Row(1, "PRUNED")]
TEXT = "**what was found**"
CONFIRMED = [Confirmed("trial 0", {}, 0, (1.0, 2.0))]


def definition(**more) -> Definition:
    return Definition("", {"entries": []}, (), {}, (Goal("val/loss", "minimize"),), **more)


@pytest.fixture
def recorded(tmp_path: Path) -> optuna.Study:
    """A study whose summary is recorded, in its folder only."""
    study = optuna.create_study()
    first = Summary(study, ROWS, CONFIRMED, "the command")
    assert first.is_new(())
    first.record(tmp_path, (), definition(), {}, TEXT, ())
    return study


def test_the_same_is_not_recorded_again(recorded: optuna.Study) -> None:
    assert not Summary(recorded, ROWS, CONFIRMED, "the command").is_new(())
    assert set(recorded.user_attrs[SUMMARY]) == {"said", "link", "tokens"}


@pytest.mark.parametrize("missing", ["folder", "compare"])
def test_a_link_that_an_earlier_version_has_stored_is_read(recorded, missing) -> None:
    link = pages.link("7", "1", "mine", "http://host")
    kept = {key: value for key, value in vars(link).items() if key != "folder"}
    if missing == "compare":
        del kept["compare"], kept["look"]
    recorded.set_user_attr(SUMMARY, {**recorded.user_attrs[SUMMARY], "link": kept})
    assert Summary(recorded, ROWS, CONFIRMED, "the command").link == link


@pytest.mark.parametrize(
    ("rows", "confirmed", "command"),
    [
        ([*ROWS, Row(2, "RUNNING")], CONFIRMED, "the command"),
        ([ROWS[0], Row(1, "COMPLETE", objective=(1.0,))], CONFIRMED, "the command"),
        (ROWS, [], "the command"),
        (ROWS, [Confirmed("trial 0", {}, 0, (1.0,))], "the command"),
        (ROWS, CONFIRMED, "another command"),
    ],
)
def test_whatever_is_new_is_recorded(recorded, rows, confirmed, command) -> None:
    assert Summary(recorded, rows, confirmed, command).is_new(())


def test_a_new_summary_takes_the_place_of_the_one_before(store, tmp_path: Path) -> None:
    study = optuna.create_study()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "note.txt").write_text("what was found")
    tracked, tracker = definition(experiment="mine"), MLflow()
    tracker.prepare("mine")
    for command in ("the first", "the second"):
        summary = Summary(study, ROWS, [], command)
        points = [("val/loss", 0.5, 1_700_000_000_000, 3)]
        summary.record(tmp_path / "files", (tracker,), tracked, {"lr": 0.1}, TEXT, points)
    (run,) = store.runs()
    assert (run.info.run_name, run.info.status) == ("summary", "FINISHED")
    assert run.data.tags["command"] == "the second"
    assert run.data.params == {"lr": "0.1"}
    kept = {"kind": "summary", "study": "mine", "status": "FINISHED", "mlflow.note.content": TEXT}
    assert kept.items() <= run.data.tags.items()
    assert store.history(run, "val/loss") == {3: 0.5}
    assert store.file(run, "note.txt").read_text() == "what was found"
    assert study.user_attrs[SUMMARY]["link"]["run_id"] == run.info.run_id


def test_of_two_starts_that_end_at_the_same_moment_one_summary_stays(store, tmp_path) -> None:
    study, tracker = optuna.create_study(), MLflow()
    (tmp_path / "files").mkdir()
    tracker.prepare("mine")
    for summary in [Summary(study, ROWS, [], "the command") for _ in range(2)]:
        assert summary.is_new((tracker,))
        tracked = definition(experiment="mine")
        summary.record(tmp_path / "files", (tracker,), tracked, {}, TEXT, ())
    (run,) = store.runs()
    assert study.user_attrs[SUMMARY]["link"]["run_id"] == run.info.run_id


def test_a_summary_whose_run_is_gone_is_new(store, tmp_path: Path) -> None:
    study, tracker = optuna.create_study(), MLflow()
    (tmp_path / "files").mkdir()
    tracker.prepare("mine")
    summary = Summary(study, ROWS, [], "the command")
    summary.record(tmp_path / "files", (tracker,), definition(experiment="mine"), {}, TEXT, ())
    assert not Summary(study, ROWS, [], "the command").is_new((tracker,))
    (run,) = store.runs()
    store.client.delete_run(run.info.run_id)
    assert Summary(study, ROWS, [], "the command").is_new((tracker,))
