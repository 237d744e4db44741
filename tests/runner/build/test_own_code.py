"""A person's own model, data set and schedule: ten lines each, and a file that names each."""

import re
import sys
from pathlib import Path

import pytest

CODE = {
    "model": """\
from torch import nn

class TwoLayers(nn.Sequential):
    def __init__(self, input_shape, classes, width: int = 16):
        super().__init__(nn.Linear(*input_shape, width), nn.Tanh(), nn.Linear(width, classes))
""",
    "dataset": """\
import torch
from runner.training.data import Dataset, Split

def rings(n: int = 200) -> Dataset:
    points = torch.randn(3 * n, 2, generator=torch.Generator().manual_seed(0))
    outer = (points.norm(dim=1) > 1.2).long()
    parts = [Split(points[i::3], outer[i::3]) for i in range(3)]
    return Dataset(*parts, classes=2)
""",
    "schedule": """\
from dataclasses import dataclass
from schedules import Schedule

@dataclass(frozen=True, kw_only=True)
class Hyperbolic(Schedule):
    lr: float
    decay_steps: int | str = "10%"
    durations = {"decay_steps": 1}  # bound to the run, at least 1 step

    def formula(self, t):
        return self.lr / (1 + t / self.decay_steps)
""",
}
FILES = {
    "model/two_layers": "_target_: mine.TwoLayers\nwidth: 8\n",
    "dataset/rings": "_target_: mine.rings\nn: 200\n",
    "schedule/hyperbolic": "_target_: mine.Hyperbolic\nlr: ${lr}\ndecay_steps: 10%\n",
}
OWN = "model=two_layers dataset=rings schedule=hyperbolic"


@pytest.fixture
def own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder with mine.py and the three group files; returns the flag that names it."""
    (folder / "mine.py").write_text("\n".join(CODE.values()))
    for name, content in FILES.items():
        file = folder / "groups" / f"{name}.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(content)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return "--config-dir groups"


@pytest.mark.parametrize("code", CODE.values(), ids=CODE)
def test_the_code_is_ten_lines(code: str) -> None:
    assert len([line for line in code.splitlines() if line]) <= 10


def test_own_model_data_set_and_schedule_are_trained_and_recorded(command, store, own) -> None:
    done = command(f"{own} {OWN} train.steps=40 train.batch_size=50 lr=0.1")
    assert done.status == 0, done.err
    (run,) = store.runs()
    lr = store.history(run, "train/lr")
    assert [lr[t] for t in (0, 4, 12)] == pytest.approx([0.1, 0.05, 0.025])
    assert run.data.params["model.width"] == "8"
    assert run.data.params["schedule"] == "hyperbolic"
    assert run.data.metrics["val/accuracy"] > 0.5
    assert run.info.run_name.startswith("two_layers rings hyperbolic")


def test_the_printed_command_repeats_a_run_from_another_folder(
    command, store, own, tmp_path, monkeypatch
) -> None:
    line = f"{own} {OWN} train.steps=6 train.batch_size=50"
    first = command(line)
    monkeypatch.chdir(tmp_path)
    again = command(repeat_of(first.out))
    assert again.status == 0, again.err
    assert first.out.splitlines()[0] == again.out.splitlines()[0]


def test_own_options_stand_in_hints_and_in_sweeps(command, own) -> None:
    listed = command(f"{own} schedule=hyperboli").err
    assert "got 'hyperboli' (did you mean 'hyperbolic'?)" in listed
    misspelt = command(f"{own} {OWN} model.widht=8").err
    assert misspelt == "error: unknown key 'model.widht' (did you mean 'model.width'?)\n"
    wrong = command(f"{own} -m {OWN} model.width=8,wide").err
    assert wrong == (
        "error: job 2 of 2 (model.width=wide): model.width must be a whole number, got 'wide'\n"
    )
    swept = command(f"{own} -m {OWN} model.widht=4,8").err
    assert "unknown key 'model.widht' (did you mean 'model.width'?)" in swept
    short = command(f"{own} {OWN} train.steps=4 train.batch_size=50").err
    assert "schedule.decay_steps must be at least 1 step, got '10%' = 0 of 4 steps" in short


def test_a_model_that_cannot_be_built_is_one_line(command, own) -> None:
    done = command(f"{own} model=two_layers tracking=off")  # for rows of numbers, not images
    assert done.status == 2
    assert done.err.startswith("error: model._target_ must be a class that can be built with ")
    assert "input_shape=(1, 28, 28), classes=10; mine.TwoLayers fails with " in done.err
    assert done.err.count("\n") == 1


def test_a_schedule_that_gives_no_rates_is_refused(command, own, monkeypatch) -> None:
    import mine

    monkeypatch.setattr(mine.Hyperbolic, "formula", lambda self, t: 0.1 - 0.05 * t)
    done = command(f"{own} {OWN} train.steps=40 train.batch_size=50")
    assert done.status == 2
    line = "error: schedule must give finite rates of at least 0, got -0.05"
    assert done.err.startswith(line)
    assert done.err.endswith(" at step 3\n")


def test_a_schedule_that_fails_to_listen_is_refused(command, own, monkeypatch) -> None:
    import mine

    def observe(self, memory, step, value):
        return {}["memory"]

    for name, value in {"listens": True, "monitor": "val/loss", "observe": observe}.items():
        monkeypatch.setattr(mine.Hyperbolic, name, value)
    done = command(f"{own} {OWN} train.steps=41 train.batch_size=50")
    assert done.status == 2
    assert done.err.startswith("error: schedule: mine.Hyperbolic fails with KeyError: 'memory' (")


def test_a_target_alone_is_enough(command, own) -> None:
    line = "model._target_=mine.TwoLayers dataset=none dataset._target_=mine.rings"
    done = command(f"{line} +model.width=4 tracking=off train.steps=3")
    assert done.status == 0, done.err
    assert re.search(r"test accuracy \d\d\.\d\d %", done.out)


def test_arguments_of_the_option_before_are_refused_but_nulls_are_not(command, own) -> None:
    line = "model._target_=mine.TwoLayers dataset._target_=mine.rings tracking=off train.steps=1"
    assert "dataset.split_seed is not an argument of mine.rings" in command(line).err
    assert "dataset.train_size must be 200" in command(f"{line} ~dataset.split_seed").err
    without = "~dataset.split_seed dataset.train_size=null"
    assert command(f"{line} {without}").status == 0


def test_a_data_set_function_must_return_a_dataset(command, own, folder: Path) -> None:
    done = command("dataset=none dataset._target_=builtins.dict tracking=off")
    assert done.err == (
        "error: dataset._target_ must return a runner.training.Dataset or None, got dict\n"
    )
    assert done.status == 2


def test_what_a_target_needs_is_named(command, own) -> None:
    done = command("clipping._target_=runner.training.clipping.GlobalNorm tracking=off")
    assert done.err == "error: clipping needs max_norm; give +clipping.max_norm=VALUE\n"


def repeat_of(out: str) -> str:
    """The words behind `python -m runner` in the last line of a summary."""
    return re.search(r"^repeat +python -m runner (.*)$", out, re.MULTILINE)[1]
