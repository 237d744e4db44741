"""A model, data, an optimizer and a loss by their paths, from the command line to the record."""

import importlib
import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
import yaml
from safetensors.torch import load_file

from runner.study.queue import attributes

MINE = """
import torch
from torch import nn
from runner.training import Dataset, Split


class Net(nn.Sequential):
    def __init__(self, input_shape, classes, width: int = 6):
        super().__init__(nn.Linear(*input_shape, width), nn.Tanh(), nn.Linear(width, classes))


class Needs(Net):
    def __init__(self, input_shape, classes, width):
        super().__init__(input_shape, classes, width)


def rings(n: int = 40) -> Dataset:
    points = torch.randn(3 * n, 2, generator=torch.Generator().manual_seed(0))
    outer = (points.norm(dim=1) > 1.2).long()
    return Dataset(*(Split(points[i::3], outer[i::3]) for i in range(3)), classes=2)


class Plain(torch.optim.SGD):
    def __init__(self, params, lr, push: float = 0.0):
        super().__init__(params, lr=lr, momentum=push)


def focal(scores, labels, gamma: float = 2.0, weight=1.0):
    log_p = nn.functional.log_softmax(scores, 1).gather(1, labels[:, None])
    return -weight * ((1 - log_p.exp()) ** gamma * log_p).mean()


def smooth(scores, labels, share: float = 0.1):
    return nn.functional.cross_entropy(scores, labels, label_smoothing=share)


def loop(run, gain: float = 1.0):
    for step in run.steps():
        rate = run.lr
        if run.evaluates:
            run.report(val_loss=gain * rate)


def loop_of_two(run, gain: float = 2.0):
    loop(run, gain)
"""
SGD = "optimizer=sgd optimizer.nesterov=true optimizer.momentum"
SHORT = "train.batch_size=20 train.epochs=2 threads=1"
LINE = f"model=mine.Net dataset=mine.rings {SHORT}"


@pytest.fixture(autouse=True)
def mine(own_module) -> Path:
    """The module with the code above."""
    return own_module("mine", MINE)


def repeat(out: str) -> str:
    """The words behind `python -m runner` that a command prints to repeat it."""
    return re.search(r"^repeat +python -m runner (.*)$", out, re.MULTILINE)[1]


def config(store, run) -> dict:
    """The recorded configuration."""
    return yaml.safe_load(store.file(run, "config.yaml").read_text())


def test_each_part_is_chosen_by_its_path_and_recorded_so(command, store) -> None:
    words = (
        "model=mine.Net model.width=8 dataset=mine.rings dataset.n=30 optimizer=mine.Plain "
        "optimizer.push=0.5 task.loss=mine.focal task.loss.gamma=3"
    )
    done = command(f"{words} {SHORT}")
    assert done.status == 0, done.err
    (run,) = store.runs()
    assert run.info.run_name.startswith(
        "mine.Net model.width=8 mine.rings dataset.n=30 mine.Plain optimizer.push=0.5 "
        "task.loss=mine.focal task.loss.gamma=3 "
    )
    params = run.data.params
    of_parts = ("model", "dataset", "optimizer", "task.loss")
    assert {key: value for key, value in params.items() if key.startswith(of_parts)} == {
        "model": "mine.Net",
        "model.width": "8",
        "dataset": "mine.rings",
        "dataset.n": "30",
        "optimizer": "mine.Plain",
        "optimizer.push": "0.5",
        "task.loss._target_": "mine.focal",
        "task.loss.gamma": "3",
    }
    found = config(store, run)
    assert found["task"]["loss"] == {"_target_": "mine.focal", "gamma": 3}
    assert found["model"] == {
        "_target_": "mine.Net",
        "width": 8,
        "weights": None,
        "weights_except": [],
    }
    weights = load_file(store.file(run, "weights.safetensors"))
    assert weights["0.weight"].shape == (8, 2)
    assert repeat(done.out).startswith(f"{words} ")
    code = importlib.import_module("mine")
    net, test = code.Net((2,), 2, 8), code.rings(30).test
    net.load_state_dict(weights)
    loss = code.focal(net(test.inputs), test.targets, 3)
    assert run.data.metrics["test/loss"] == pytest.approx(loss.item(), rel=1e-5)


def test_the_printed_command_repeats_the_bits(command, store) -> None:
    done = command(f"{LINE} optimizer=torch.optim.Adagrad task.loss=mine.focal")
    assert done.status == 0, done.err
    assert command(repeat(done.out)).status == 0
    one, other = store.runs()
    assert one.data.tags["fingerprint"] == other.data.tags["fingerprint"]
    for key in ("train/loss", "train/lr", "val/loss", "test/loss"):
        np.testing.assert_array_equal(store.records(one)[key], store.records(other)[key])


@pytest.mark.parametrize(
    ("path", "preset"),
    [
        ("optimizer=torch.optim.SGD optimizer.nesterov=true optimizer.momentum=0.9", f"{SGD}=0.9"),
        ("model=runner.training.models.MLP model.hidden=[9]", "model=mlp model.hidden=[9]"),
        ("task.loss=torch.nn.functional.cross_entropy", "task=classification"),
        ("dataset=runner.training.datasets.mnist_5k", "dataset=mnist_5k"),
    ],
)
def test_a_path_trains_as_the_preset_of_what_it_names(command, store, path, preset) -> None:
    for words in (path, preset):
        done = command(f"model=linear {words} train.steps=3 threads=1 train.eval_every=3")
        assert done.status == 0, done.err
    one, other = map(store.records, store.runs())
    np.testing.assert_array_equal(one["train/loss"], other["train/loss"])
    np.testing.assert_array_equal(one["test/loss"], other["test/loss"])


def test_a_loss_by_its_path_has_none_of_the_keys_of_another(command, store) -> None:
    for words in ("", "task=language", "task.loss={_target_: mine.smooth}"):
        shown = command(f"--cfg job {shlex.quote(words)} task.loss=mine.focal".replace("''", ""))
        assert shown.status == 0, shown.err
        assert yaml.safe_load(shown.out)["task"]["loss"] == {"_target_": "mine.focal"}


def test_the_configuration_is_shown_without_a_preset_s_keys(command) -> None:
    words = "model=mine.Net model.width=3 optimizer=mine.Plain dataset=mine.rings"
    found = yaml.safe_load(command(f"--cfg job {words}").out)
    assert set(found["model"]) == {"_target_", "weights", "weights_except", "width"}
    assert found["dataset"] == {"_target_": "mine.rings", "workers": None}
    assert set(found["optimizer"]) == {
        *("_target_", "layer_decay", "groups", "momentum_schedule", "weight_decay_schedule")
    }


def test_its_keys_make_a_grid(command, store) -> None:
    done = command(f"-m {LINE} model.width=4,8 task.loss=mine.focal,mine.smooth")
    assert done.status == 0, done.err
    runs = store.runs()
    keys = ("model.width", "task.loss._target_")
    assert [tuple(map(run.data.params.get, keys)) for run in runs] == [
        *(("4", "mine.focal"), ("4", "mine.smooth"), ("8", "mine.focal"), ("8", "mine.smooth"))
    ]
    assert runs[3].info.run_name == "model.width=8 task.loss=mine.smooth"
    assert store.experiments()[0].startswith("model.width,task.loss ")
    assert "task.loss=mine." in repeat(done.out)


@pytest.mark.parametrize(
    "launcher", ["", pytest.param("hydra/launcher=joblib", marks=pytest.mark.stress)]
)
def test_presets_and_paths_stand_in_one_grid(command, store, launcher: str) -> None:
    done = command(
        f"-m model=mlp,mine.Net dataset=mine.rings optimizer=adam,mine.Plain {SHORT} {launcher}"
    )
    assert done.status == 0, done.err
    runs = {run.info.run_name: run.data.params for run in store.runs()}
    assert set(runs) == {"mlp adam", "mlp mine.Plain", "mine.Net adam", "mine.Net mine.Plain"}
    assert runs["mlp adam"]["model.hidden"] == "[128]"
    assert "model.hidden" not in runs["mine.Net adam"]
    assert "optimizer.betas" not in runs["mlp mine.Plain"]
    assert {run.info.status for run in store.runs()} == {"FINISHED"}


@pytest.fixture
def searched(command, folder: Path):
    """Runs a study and returns it, with what was printed."""

    def run(line: str) -> tuple[optuna.Study, str]:
        done = command(f"-m hydra/sweeper=optuna {SHORT} {line}")
        assert done.status == 0, done.err
        name = re.match(r"study +(\S+):", done.out)[1]
        storage = f"sqlite:///{folder}/optuna.db"
        return optuna.load_study(study_name=name, storage=storage), done.out

    return run


def test_its_keys_are_searched_and_the_best_is_a_file_that_trains(
    command, searched, store, folder: Path
) -> None:
    line = "model=mine.Net dataset=mine.rings task.loss=mine.focal study/sampler=grid"
    keys = "model.width=choice(4,8) task.loss.gamma=choice(0.5,1) study.confirm_seeds=2"
    study, out = searched(f"{line} {keys}")
    done = attributes.done(study)
    assert json.loads(study.user_attrs["definition"])["base"]["model"]["width"] == 6
    assert attributes.definition(study).base["task"]["loss"]["gamma"] == 2.0
    assert len(done) == 1 + 4
    trials = [run for run in store.runs() if run.data.tags["kind"] == "trial"]
    tried = {(run.data.params["model.width"], run.data.params["task.loss.gamma"]) for run in trials}
    assert tried == {("6", "2.0"), ("4", "0.5"), ("4", "1"), ("8", "0.5"), ("8", "1")}
    words = repeat(out)
    assert re.search(r"task.loss=mine.focal .*task.loss.gamma=[\d.]+ ", words)
    assert words.count("model.width=") == words.count("task.loss.gamma=") == 1
    assert "++" not in words
    (file,) = folder.glob(".runner/studies/*/experiment/best.yaml")
    assert "  - override /model: mine.Net\n" in file.read_text()
    for again in (words, f"--config-dir {file.parents[1]} +experiment=best"):
        assert command(again).status == 0
    one, other = store.runs()[-2:]
    assert one.data.tags["fingerprint"] == other.data.tags["fingerprint"]
    assert other.data.params["model"] == "mine.Net"


def test_a_width_that_has_no_default_begins_at_its_first_value(searched) -> None:
    line = "model=mine.Needs dataset=mine.rings 'model.width=int(interval(2, 5))' tracking=off"
    study, _ = searched(f"{line} study.trials=2 study.confirm_seeds=0")
    _, second = attributes.done(study)
    assert attributes.definition(study).base["model"]["width"] == 2
    assert 2 <= second.params["model.width"] <= 5


def test_presets_and_paths_are_searched_together(searched, store) -> None:
    line = "model=mlp,mine.Net dataset=mine.rings model.width=3,4 study/sampler=grid"
    searched(f"{line} study.baseline=false study.confirm_seeds=0")
    runs = [run.data.params for run in store.runs() if run.data.tags["kind"] == "trial"]
    assert sorted((run["model"], run.get("model.width")) for run in runs) == [
        *(("mine.Net", "3"), ("mine.Net", "4"), ("mlp", None))
    ]


def test_loops_are_searched_and_the_first_one_is_the_baseline(command, folder: Path) -> None:
    done = command(
        "-m hydra/sweeper=optuna loop=mine.loop,mine.loop_of_two schedule=constant lr=0.1 "
        "train.steps=2 study/sampler=grid study.confirm_seeds=0 tracking=off study.name=loops"
    )
    assert done.status == 0, done.err
    study = optuna.load_study(study_name="loops", storage=f"sqlite:///{folder}/optuna.db")
    values = [trial.value for trial in attributes.done(study)]
    assert values == pytest.approx([0.1, 0.2])
    assert repeat(done.out).count("loop=") == repeat(done.out).count("loop=mine.loop ") == 1


def test_an_option_of_a_persons_own_wins_over_a_path(command, store, folder: Path) -> None:
    parts = {
        "model": "_target_: runner.training.models.Linear\n",
        "dataset": "_target_: mine.rings\nn: 25\n",
        "optimizer": "_target_: torch.optim.SGD\nmomentum: 0.5\n",
        "loop": "_target_: mine.loop\ngain: 3.0\n",
    }
    for group, text in parts.items():
        file = folder / "groups" / group / "mine.own.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    words = f"model=mine.own dataset=mine.own optimizer=mine.own {SHORT}"
    for place in ("--config-dir groups", f"hydra.searchpath=['file://{folder}/groups']"):
        done = command(f"{shlex.quote(place) if 'hydra' in place else place} {words}")
        assert done.status == 0, done.err
        found = config(store, store.runs()[-1])
        assert found["model"]["_target_"] == "runner.training.models.Linear"
        assert (found["dataset"]["n"], found["optimizer"]["momentum"]) == (25, 0.5)
        beside = command(f"{place} model=mine.Net dataset=mine.own tracking=off {SHORT}")
        assert beside.status == 0, beside.err
    done = command("--config-dir groups loop=mine.own train.steps=2 lr=0.1 schedule=constant")
    assert "val loss 0.3" in done.out


def test_a_file_of_a_persons_own_may_choose_by_path(command, store, folder: Path) -> None:
    file = folder / "groups" / "experiment" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "# @package _global_\ndefaults:\n  - override /model: mine.Net\nmodel: {width: 5}\n"
    )
    done = command(f"--config-dir groups +experiment=mine dataset=mine.rings {SHORT}")
    assert done.status == 0, done.err
    assert store.runs()[0].data.params["model.width"] == "5"
    assert store.runs()[0].data.params["model"] == "mine.Net"
    file.write_text("# @package _global_\nmodel: {_target_: mine.Net}\n")
    line = f"--config-dir groups +experiment=mine dataset=mine.rings {SHORT}"
    assert command(f"{line} model=mine.Needs").err == (
        "error: model=mine.Needs must be what it names, got mine.Net, which a file sets; write "
        "model._target_=mine.Needs\n"
    )
    done = command(f"{line} model=mine.Needs model._target_=mine.Needs model.width=5")
    assert done.status == 0, done.err


def test_files_search_and_sweep_over_losses_and_their_keys(command, store, folder: Path) -> None:
    files = {
        "study/mine": "defaults: [{override /hydra/sweeper: optuna}, "
        "{override /study/sampler: grid}]\nhydra: {mode: MULTIRUN}\n"
        "study: {space: {task.loss.label_smoothing: [0.1, 0.2]}, confirm_seeds: 0}\n",
        "study/losses": "defaults: [{override /hydra/sweeper: optuna}, "
        "{override /study/sampler: grid}]\nhydra: {mode: MULTIRUN}\n"
        "study: {space: {task.loss: [mine.focal, mine.smooth]}, confirm_seeds: 0}\n",
        "experiment/swept": "hydra: {mode: MULTIRUN, sweeper: {params: "
        "{task.loss: 'mine.focal,mine.smooth'}}}\n",
        "experiment/focal": "task: {loss: mine.focal}\n",
    }
    for name, text in files.items():
        file = folder / "groups" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# @package _global_\n{text}")
    line = f"--config-dir groups dataset=mine.rings model=mine.Net {SHORT}"
    losses = []
    for words in ("study=mine", "study=losses", "+experiment=swept"):
        done = command(f"{line} {words}")
        assert done.status == 0, done.err
        runs = [run for run in store.runs() if run.data.tags.get("kind") in ("trial", "job")]
        losses.append([config(store, run)["task"]["loss"] for run in runs])
    smooth = [
        {"_target_": "torch.nn.functional.cross_entropy", "label_smoothing": x}
        for x in (0.0, 0.1, 0.2)
    ]
    by_path = [{"_target_": f"mine.{name}"} for name in ("focal", "smooth")]
    assert losses[0] == smooth
    assert losses[1][3:] == [{"_target_": "torch.nn.functional.cross_entropy"}, *by_path]
    assert losses[2][6:] == by_path
    assert command(f"{line} +experiment=focal").err == (
        "error: task.loss must be a function or class by its path, mine.focal, in a file "
        "{_target_: mine.focal}, got 'mine.focal'\n"
    )


def test_a_preview_imports_no_model(monkeypatch, folder: Path, capsys) -> None:
    from runner import preview

    monkeypatch.setitem(sys.modules, "mine", None)
    words = ["model=mine.Net", "model.width=8", "optimizer=mine.Plain", "task.loss=mine.focal"]
    assert preview.main([*words, "train.steps=4"]) == 0
    assert capsys.readouterr().out.startswith(
        "mine.Net model.width=8 mine.Plain task.loss=mine.focal train.steps=4: 4 steps"
    )


def test_python_takes_the_same_words(folder: Path) -> None:
    from runner.api import run

    one = run(f"{LINE} model.width=3 task.loss=mine.focal tracking=off", quiet=True)
    assert one.status == "FINISHED"
    assert "model=mine.Net dataset=mine.rings" in one.command
    two = run(f"-m {LINE} model=mine.Net,mlp tracking=off", quiet=True)
    assert [one.result.name for one in two] == ["mine.Net", "mlp"]


SEARCH = "-m hydra/sweeper=optuna"
MODELS = "gpt, keras_cnn, lenet, linear, mlp, quadratic, resnet9"
IMPORTED = "must name a class that can be imported"
BAD = {
    "model=mine.Nett": f"model._target_ {IMPORTED}, got 'mine.Nett': mine has no Nett "
    "(did you mean 'Net'?)",
    "model=nowhere.Net": f"model._target_ {IMPORTED}, got 'nowhere.Net': No module named 'nowhere'",
    "model=mlpp": f"model must be one of {MODELS}, got 'mlpp' (did you mean 'mlp'?)",
    "model=mine.Net model.widht=8": "model.widht is not an argument of mine.Net (did you mean "
    "'width'?); leave it out with ~model.widht",
    "model=mine.Net model.width=wide": "model.width must be a whole number, got 'wide'",
    "model=mine.Needs": "model needs width; give +model.width=VALUE",
    "model=mlp model.width=8": "unknown key 'model.width' with model=mlp; it belongs to model=gpt "
    "or resnet9",
    "-m model=mlp,mine.Net model.width=8": "job 1 of 2 (mlp): unknown key 'model.width' with "
    "model=mlp; it belongs to model=gpt or resnet9",
    "model=mine.Net,mlp": "model has several values, mine.Net,mlp: add -m to sweep over them",
    "task.loss=mine.focal,mine.smooth": "task.loss has several values, mine.focal,mine.smooth: add "
    "-m to sweep over them",
    "task.loss=focal": "task.loss must be a function or class by its path, mine.focal, in a file "
    "{_target_: mine.focal}, got 'focal'",
    "task.loss=mine.focall": f"task.loss._target_ {IMPORTED}, got 'mine.focall': mine has "
    "no focall (did you mean 'focal'?)",
    "task.loss=mine.focal task.loss.gama=1": "task.loss.gama is not an argument of mine.focal (did "
    "you mean 'gamma'?); leave it out with ~task.loss.gama",
    "task.loss.label_smothing=0.1": "task.loss.label_smothing is not an argument of "
    "torch.nn.functional.cross_entropy (did you mean 'label_smoothing'?); leave it out with "
    "~task.loss.label_smothing",
    "schedule=mine.rate": "schedule must be one of clamp, constant, cosine, cosine_restarts, "
    "cyclic, exponential, expression, function, greedy, interpolation, inverse_sqrt, inverse_time, "
    "join, linear, linear_cosine, multistep, natural_exponential, noam, noisy_linear_cosine, "
    "one_cycle, piecewise, plateau, polynomial, product, repeat, scale, step, tanh, torch, wsd, "
    "got 'mine.rate' (a function of your own is schedule=function schedule.function=mine.rate)",
    "loop=mine.loop task.loss=mine.focal train.steps=2": "task.loss must be left out beside "
    "loop=mine.loop, got mine.focal; what mine.loop takes are its own keys, loop.NAME=VALUE",
    f"{SEARCH} model=mine.Net model.widht=4,8": "model.widht is searched, but no trial has such a "
    "key (did you mean 'model.width'?)",
    f"{SEARCH} study.baseline=false model=mlp,mine.Net model.widht=4,8": "model.widht is searched, "
    "but no trial has such a key (did you mean 'model.width'?)",
    f"{SEARCH} model=mine.Net,mine.Nett study.baseline=false": "the search may try "
    f"model=mine.Nett, but model._target_ {IMPORTED}, got 'mine.Nett': mine has no Nett "
    "(did you mean 'Net'?)",
}


@pytest.mark.parametrize("line", BAD)
def test_what_does_not_fit_is_one_line_and_makes_nothing(command, folder: Path, line: str) -> None:
    data = "" if "loop=" in line else "dataset=mine.rings train.batch_size=20"
    done = command(f"{line} {data} threads=1")
    assert (done.status, done.out, done.err) == (2, "", f"error: {BAD[line]}\n")
    assert list(folder.iterdir()) == []
