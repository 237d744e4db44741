"""The wires between a command line and what does the work."""

import json
from pathlib import Path

import pytest

from runner import entry
from runner.results.result import Result, Status

QUADRATIC = "model=quadratic dataset=none schedule=constant optimizer=sgd"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list:
    """The settings that runs are started with; none is trained."""
    found = []

    def start(settings, label=""):
        found.append(settings)
        return Result(settings.tracking.run_name or "one", Status.FINISHED)

    monkeypatch.setattr(entry, "start", start)
    return found


def test_what_is_typed_is_what_runs(command, started) -> None:
    line = f"lr=0.3 {QUADRATIC} seed=7 tracking=off train.steps=4"
    assert command(line).status == 0
    [settings] = started
    assert (settings.lr, settings.seed, settings.train.steps) == (0.3, 7, 4)
    assert settings.choices["model"] == "quadratic"
    assert [one.text for one in settings.overrides] == line.split()


def test_each_job_of_a_grid_runs_with_its_own_settings(command, started) -> None:
    line = f"-m {QUADRATIC} lr=0.1,0.2 seed=0,1 tracking=off train.steps=4"
    assert command(line).status == 0
    assert [(one.lr, one.seed) for one in started] == [(0.1, 0), (0.1, 1), (0.2, 0), (0.2, 1)]
    names = [one.tracking.run_name for one in started]
    assert names == [f"lr={lr} seed={seed}" for lr in (0.1, 0.2) for seed in (0, 1)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(Status.FINISHED, 0), (Status.FAILED, 1), (Status.DIVERGED, 3), (Status.KILLED, 130)],
)
@pytest.mark.parametrize("flag", ["", "-m "])
def test_the_status_is_that_of_the_run(command, monkeypatch, status, expected, flag) -> None:
    monkeypatch.setattr(entry, "start", lambda settings, label="": Result("one", status))
    assert command(f"{flag}{QUADRATIC} seed=1 tracking=off train.steps=4").status == expected


def test_a_folder_of_a_persons_own_is_known_by_its_whole_path(command, started, folder) -> None:
    (folder / "mine" / "model").mkdir(parents=True)
    file = folder / "mine" / "model" / "own.yaml"
    file.write_text("_target_: runner.training.models.Quadratic\nw: 3.0\n")
    line = f"--config-dir mine {QUADRATIC.replace('quadratic', 'own')} tracking=off"
    assert command(line).status == 0
    assert started[0].config_dir == str(folder / "mine")
    assert started[0].model["w"] == 3.0


def test_hydra_does_what_it_is_asked_to_around_a_run(
    command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "telling.py").write_text(
        "import json, pathlib\n"
        "from hydra.experimental.callback import Callback\n\n"
        "class Telling(Callback):\n"
        "    def on_job_start(self, config, **more):\n"
        "        pathlib.Path('told.json').write_text(json.dumps(config.seed))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    line = f"{QUADRATIC} lr=0.2 train.steps=3 tracking=off states=off seed=5"
    done = command(f"{line} +hydra.callbacks.one._target_=telling.Telling")
    assert done.status == 0, done.err
    assert json.loads((folder / "told.json").read_text()) == 5
    alone = command(line)
    assert done.out.splitlines()[:-1] == alone.out.splitlines()[:-1]


def test_hydras_own_refusals_are_one_line(command) -> None:
    done = command("--cfg job schedule=cosin")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert done.err.endswith("got 'cosin' (did you mean 'cosine'?)\n")
    assert command("--cfg job tracking=null").err.startswith("error: tracking must be one of ")


def test_a_run_that_hydra_makes_a_folder_for_is_checked_before(command, folder: Path) -> None:
    line = "model=quadratic dataset=none schedule=cosine optimizer=sgd tracking=off train.steps=3"
    done = command(f"{line} +hydra.output_subdir=notes schedule.decay_steps=0")
    assert done.status == 2
    assert done.err.startswith("error: schedule.decay_steps must be")
    assert list(folder.iterdir()) == []
