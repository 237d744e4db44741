"""The README does what it says: its code runs and its commands are accepted."""

import re
import shlex
import sys
from pathlib import Path

import pytest

import runner
from runner import preview
from runner.build.horizon import horizon
from runner.build.notes import notes
from runner.build.numbers import numbers
from runner.config.command_line import CommandLine, without_hydra
from runner.config.request import request
from runner.study.plan.plan import plan

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.partition("#")[0].strip()
    for kind, block in BLOCKS
    if not kind
    for line in block.splitlines()
    if line.startswith("python -m runner ")
]
PREVIEWS = [
    line.partition("#")[0].strip()
    for kind, block in BLOCKS
    for line in block.splitlines()
    if not kind and line.startswith("python -m runner.preview")
]


@pytest.fixture
def own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the README shows under their names."""
    for _, block in BLOCKS:
        if found := re.match(r"(?:# @package \S+\n)?# (\S+\.(?:py|yaml))\n", block):
            file = folder / found[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block)
    monkeypatch.syspath_prepend(folder)
    for name in ("mine", "loops"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 260


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_accepted(line: str, own: Path) -> None:
    asked = request(CommandLine.read(shlex.split(line)[3:]))
    composer = asked.composer
    if asked.is_study:
        texts = [one.text for one in without_hydra(asked.words)]
        assert plan(texts, composer.config_dir, composer=composer).definition.space
        return
    for job in asked.jobs():
        settings = composer.settings(job)
        assert settings.schedule["_target_"].startswith("schedules.")
        length = horizon(settings, 4096)
        assert notes(settings, numbers(settings, length), length.steps_per_epoch) == []


@pytest.mark.parametrize("line", PREVIEWS)
def test_every_preview_is_drawn(line: str, folder: Path) -> None:
    assert preview.main(shlex.split(line)[3:]) == 0
    assert [file.suffix for file in folder.iterdir()] == [".png"]


def test_your_own_model_and_data_are_trained(command, store, own: Path) -> None:
    lines = [line for line in COMMANDS if "mine.TwoLayers" in line]
    assert len(lines) == 4
    for line in lines:
        done = command(line.removeprefix("python -m runner "))
        assert done.status == 0, done.err
    assert len(store.runs()) == 1 + 4 + 1 + 1
    assert {run.data.params["model"] for run in store.runs()} == {"mine.TwoLayers"}


def test_a_loop_of_your_own_is_run_and_searched(command, store, own: Path) -> None:
    single, study = [line.removeprefix("python -m runner ") for line in COMMANDS if "loop=" in line]
    assert command(f"{single} train.steps=20").status == 0
    (run,) = store.runs()
    assert len(store.history(run, "train/lr")) == 20
    few = "train.steps=40 study.trials=2 study.confirm_seeds=2"
    done = command(f"{study} {few}")
    assert done.status == 0, done.err
    assert "minus baseline" in done.out


@pytest.mark.stress
def test_the_notebooks_lines_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = [block for kind, block in BLOCKS if kind == "python" and "runner.api" in block]
    names: dict[str, object] = {}
    exec(code, names)
    assert names["one"].status == "FINISHED"
    assert len(names["answer"].trials) == 6
    assert len(names["table"]) > 6


def test_the_layout_is_the_tree() -> None:
    root = Path(__file__).resolve().parents[2]
    table = runner.__doc__ or ""
    named = set(re.findall(r"^`([\w/*.]+)`:", table, re.MULTILINE))
    folders = {f"{one.name}/" for one in root.iterdir() if one.is_dir()}
    rooms = {f"runner/{one.name}/" for one in (root / "runner").iterdir() if one.is_dir()}
    hidden = {name for name in folders | rooms if re.search(r"(^|/)[._]", name)}
    built = {"build/", "dist/", "data/", "mlartifacts/", "schedule_runner.egg-info/", "runner/"}
    assert named == {"runner/*.py"} | ((folders | rooms) - hidden - built)
    files = {one.stem for one in (root / "runner").glob("*.py")} - {"__init__", "__main__"}
    listed = table.partition("`runner/*.py`:")[2].partition("\n`")[0]
    assert files == set(re.findall(r"`(\w+)`", listed))
