"""The picture at a grid's end: what it shows, and that it costs the grid nothing."""

import re
from pathlib import Path

import numpy as np
import pytest

from runner.report import pictures
from runner.results.result import Result, Status
from runner.sweep import picture
from runner.sweep.launch import Job

QUADRATIC = "model=quadratic dataset=none optimizer=sgd schedule=constant train.eval_every=10"


@pytest.fixture
def drawn(no_helper: None, monkeypatch: pytest.MonkeyPatch) -> list[pictures.Picture]:
    """What is to be drawn, and is not."""
    found: list[pictures.Picture] = []

    def draw(made: pictures.Picture, file: Path) -> None:
        found.append(made)
        file.write_bytes(b"")

    monkeypatch.setattr(pictures, "draw", draw)
    return found


def test_a_grid_ends_with_its_picture(command, folder: Path) -> None:
    done = command(f"-m {QUADRATIC} lr=0.2,1.2 train.steps=200 tracking=off")
    assert (done.status, done.err) == (0, "")
    file = re.fullmatch(r"picture   (\S+)", done.out.splitlines()[-1])[1]
    assert re.fullmatch(r"\.runner/sweeps/lr-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d/traces\.png", file)
    assert (folder / file).read_bytes().startswith(b"\x89PNG")
    assert (folder / ".runner").stat().st_mode & 0o777 == 0o700


def test_an_experiment_gives_its_name_and_one_job_is_drawn_too(command, store, drawn) -> None:
    done = command(f"-m {QUADRATIC} lr=0.2 train.steps=3 tracking.experiment='a/b: c'")
    assert done.out.splitlines()[-1] == "picture   .runner/sweeps/a-b-c/traces.png"
    (line,) = drawn[0].panels[0].lines
    # w + 1 is multiplied by 0.6 at each of 3 updates: its square is 36 * 0.6 ** 6
    assert re.fullmatch(r"quadratic dataset=none sgd .*: val loss 1\.68", line.label)


def test_rates_that_converge_swing_and_diverge_are_told_apart(command, drawn) -> None:
    assert command("+experiment=quadratic_rates tracking=off").status == 0
    lines = drawn[0].panels[0].lines
    assert [line.label for line in lines] == [
        "lr=0.2: val loss 3.553e-15",
        "lr=0.001: val loss 16.16",
        "lr=1.0: val loss 36, training has made nothing better: loss 36 at first, 36 at last",
        "lr=1.2: diverged at step 127",
    ]
    assert [line.x[-1] for line in lines] == [200, 200, 200, 127]
    assert [set(line.y) for line in lines] == [{0.2}, {0.001}, {1.0}, {1.2}]
    assert len({line.colour for line in lines}) == 4


def test_presets_are_compared_by_one_command(command, drawn) -> None:
    names = [f"keras_{x}" for x in ("plateau", "exponential", "warmup_cosine", "cosine_restarts")]
    small = "model=linear dataset.train_size=310 train.epochs=1 tracking=off states=off"
    done = command(f"-m +experiment={','.join(names)} {small}")
    assert done.status == 0, done.err
    assert [line for line in done.out.splitlines() if line.startswith("[")] == [
        f"[{i}/4] {name}" for i, name in enumerate(names, start=1)
    ]
    lines = drawn[0].panels[0].lines
    assert {line.label.partition(":")[0] for line in lines} == set(names)
    assert [line.x[-1] for line in lines] == [10] * 4


def test_a_schedule_that_listens_shows_the_rates_that_were_used(command, store, drawn) -> None:
    line = "model=quadratic dataset=none optimizer=sgd train.eval_every=1 train.steps=8"
    plateau = "schedule=plateau schedule.patience=2 schedule.factor=0.5"
    done = command(f"-m {line} {plateau} lr=1.0,0.1")
    assert done.status == 0, done.err
    (run,) = (run for run in store.runs() if run.info.run_name == "lr=1.0")
    used = store.records(run)["train/lr"]
    assert len(set(used)) > 1
    (shown,) = (one for one in drawn[0].panels[0].lines if one.label.startswith("lr=1.0"))
    assert np.array_equal(shown.y[:-1], used)


def test_what_cannot_be_drawn_costs_a_line_and_nothing_else(command, folder, monkeypatch) -> None:
    line = f"-m {QUADRATIC} lr=0.2,0.1 train.steps=3 tracking=off states=off"
    (folder / ".runner").write_text("")
    done = command(line)
    assert (done.status, done.err.count("\n")) == (0, 1)
    assert done.err.startswith("there is no picture of the sweep: ")
    assert "\nbest      lr=0.2\n" in done.out
    assert "picture" not in done.out
    (folder / ".runner").unlink()
    done = command(f"-m {QUADRATIC} lr=1e308 train.steps=3 tracking=off")
    assert (done.status, done.err) == (3, "")
    assert "picture" not in done.out


def test_nothing_is_drawn_before_a_job_has_ended(folder, settings) -> None:
    words = "model=quadratic dataset=none tracking=off train.steps=3"
    jobs = [Job(name, (), settings(words)) for name in ("a", "b")]
    killed = [
        Result("a", Status.KILLED, steps=2, setting="a"),
        Result("b", Status.KILLED, reason="not started", setting="b"),
    ]
    assert picture.draw(killed, jobs) is None
    assert list(folder.iterdir()) == []
    ended = Result("a", Status.FINISHED, {"val/loss": 1.0}, steps=3, setting="a")
    assert picture.draw([ended, killed[1]], jobs) == Path(".runner/sweeps/sweep/traces.png")
