"""Where a database without a server lets the files of runs lie, and who may put some there."""

import os
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest

from runner.errors import Mistake
from runner.interrupts import Interrupts
from runner.study.queue.storage import open_storage
from runner.study.work.launched import work_launched
from runner.tracking.mlflow import files

SHARED = "postgresql://me@host/runs"


def test_files_lie_in_the_working_folder_unless_a_server_keeps_them(folder: Path) -> None:
    assert files.of_new_experiment("http://127.0.0.1:5000") is None
    assert files.of_new_experiment("sqlite:///mlflow.db") == f"file://{folder}/mlartifacts"
    assert list(folder.iterdir()) == []
    assert files.of_new_experiment(SHARED) == f"file://{folder}/mlartifacts"
    assert [path.name for path in folder.iterdir()] == ["mlartifacts"]


def test_what_another_machine_has_made_is_refused_before_a_run(tmp_path: Path) -> None:
    place = tmp_path / "of another" / "mlartifacts"
    with pytest.raises(Mistake) as refused:
        files.check(place.as_uri(), "runs", SHARED)
    assert str(refused.value) == (
        "tracking.uri must be a store whose files this machine can write, got "
        f"{SHARED}: experiment 'runs' keeps them in {place}, which this machine does not have; "
        "give another tracking.experiment, share that folder, or let a server keep them: "
        "mlflow server --artifacts-destination FOLDER"
    )


def test_what_this_machine_has_is_taken(folder: Path) -> None:
    files.check((folder / "mlartifacts").as_uri(), "runs", SHARED)  # its own, removed
    (folder / "disk").mkdir()
    (folder / "link").symlink_to("disk")
    for place in ("disk", "link"):
        files.check((folder / place).as_uri(), "runs", SHARED)
        files.check(str(folder / place), "runs", SHARED)
    for location in ("s3://bucket/runs", "mlflow-artifacts:/1"):
        files.check(location, "runs", SHARED)
    files.check("file:///of/another", "runs", "http://127.0.0.1:5000")


def test_a_folder_of_the_same_path_on_another_machine_is_told_by_its_mark(folder: Path) -> None:
    assert files.mark("sqlite:///mlflow.db") == files.mark("http://127.0.0.1:5000") == {}
    assert list(folder.iterdir()) == []
    location = files.of_new_experiment(SHARED)
    tags = files.mark(SHARED)
    assert tags == files.mark(SHARED)
    files.check(location, "runs", SHARED, tags["folder"])
    own = Path("mlartifacts").rename("away")
    with pytest.raises(Mistake, match="/mlartifacts, which this machine does not have; "):
        files.check(location, "runs", SHARED, tags["folder"])
    files.of_new_experiment(SHARED)
    assert files.mark(SHARED) != tags
    with pytest.raises(Mistake, match="/mlartifacts, which is another folder here; "):
        files.check(location, "runs", SHARED, tags["folder"])
    files.check(location, "of an earlier version", SHARED)
    (Path("mlartifacts") / ".folder").unlink()
    os.mkfifo(Path("mlartifacts") / ".folder")
    with pytest.raises(Mistake, match=r"got mlartifacts/\.folder: it is no regular file$"):
        files.mark(SHARED)
    Path("mlartifacts").rename("of another")
    own.rename("mlartifacts")
    files.check(location, "runs", SHARED, tags["folder"])


@pytest.mark.stress
def test_of_two_machines_at_one_database_the_second_is_refused(
    new_postgres: Any, command: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking, storage = new_postgres(), new_postgres()
    line = (
        "model=quadratic dataset=none schedule=constant optimizer=sgd train.steps=1 threads=1 "
        f"tracking.uri={shlex.quote(repr(tracking))}"
    )
    search = (
        f"-m hydra/sweeper=optuna {line} lr=0.1,0.2 study.confirm_seeds=0 study.name=mine "
        f"study.storage={shlex.quote(repr(storage))}"
    )
    assert command(line).status == command(search + " study.trials=1").status == 0
    files_of = sorted(Path("mlartifacts").iterdir())
    Path("mlartifacts").rename(folder.with_name("away"))
    other = folder.with_name("other")
    for place, why in ((other, "this machine does not have"), (folder, "is another folder here")):
        if place == folder:
            (folder / "mlartifacts").mkdir()
        place.mkdir(exist_ok=True)
        monkeypatch.chdir(place)
        before = set(place.rglob("*"))
        for words in (line, search + " study.trials=2"):
            done = command(words)
            assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
            assert f"keeps them in {folder}/mlartifacts, which {why}; give another" in done.err
            assert set(place.rglob("*")) <= before
        study = optuna.load_study(study_name="mine", storage=open_storage(storage))
        assert [trial.state.name for trial in study.trials] == ["COMPLETE"]
    Path("mlartifacts").rmdir()
    folder.with_name("away").rename("mlartifacts")
    assert sorted(Path("mlartifacts").iterdir()) == files_of
    assert command(line).status == command(search + " study.trials=2").status == 0


def test_a_folder_that_was_moved_with_its_database_goes_on(
    store: Any, command: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "model=quadratic dataset=none schedule=constant optimizer=sgd train.steps=1 threads=1"
    assert command(line).status == 0
    (moved := folder.with_name("moved")).mkdir()
    for path in folder.iterdir():
        path.rename(moved / path.name)
    monkeypatch.chdir(moved)
    assert command(line).status == 0
    with closing(sqlite3.connect("mlflow.db")) as connection:
        assert connection.execute("SELECT status FROM runs").fetchall() == [("FINISHED",)] * 2


@pytest.mark.parametrize("uri", ["sqlite:///mlflow.db", SHARED])
def test_where_nothing_can_be_written_nothing_begins(
    folder: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    (folder / "there").mkdir()
    with pytest.raises(Mistake, match=r"keeps them in .*/there, which cannot be written here; "):
        files.check((folder / "there").as_uri(), "runs", uri)
    with pytest.raises(Mistake, match=r"keeps them in .*/new, which cannot be made here; "):
        files.check((folder / "new").as_uri(), "runs", uri)
    (folder / "file").write_text("")
    monkeypatch.undo()
    with pytest.raises(Mistake, match=r"keeps them in .*/file, which cannot be written here; "):
        files.check((folder / "file").as_uri(), "runs", uri)


def test_a_run_of_an_experiment_that_lies_elsewhere_is_one_line(
    store: Any, command: Any, folder: Path
) -> None:
    (folder / "file").write_text("")
    store.client.create_experiment("theirs", f"file://{folder}/file/mlartifacts")
    words = "model=quadratic dataset=none schedule=constant optimizer=sgd train.steps=1 threads=1"
    done = command(f"{words} tracking.experiment=theirs")
    assert (done.status, done.err.count("\n")) == (2, 1)
    line = "error: tracking.uri must be a store whose files this machine can write, got sqlite:"
    assert done.err.startswith(line)
    assert not Path(".runner/outbox").exists()
    assert store.runs() == []


def test_a_worker_elsewhere_says_so_before_it_claims(store, started, folder: Path) -> None:
    study = started(
        "hydra/sweeper=optuna model=quadratic dataset=none lr=0.1,0.2 study.trials=1 "
        "study.name=theirs"
    )
    with closing(sqlite3.connect("mlflow.db")) as connection:
        at = f"file://{folder}/optuna.db/theirs"
        connection.execute("UPDATE experiments SET artifact_location = ?", (at,))
        connection.commit()
    with pytest.raises(Mistake, match=r"experiment 'theirs' keeps them in .*/theirs"):
        work_launched('["sqlite:///optuna.db", "theirs", null, "start"]', Interrupts())
    assert [trial.state.name for trial in study.trials] == ["WAITING"]
