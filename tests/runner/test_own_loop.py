"""A training loop of a person's own as a run, a grid and a study, to its record."""

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import yaml
from safetensors.torch import load_file

from runner.study.queue import attributes

MINE = """\
import os, signal
from pathlib import Path

import torch


def train(run, start: float = 5.0, power: int = 2):
    w = torch.nn.ParameterDict({"w": torch.full((), start)}).to(run.device)
    optimizer = torch.optim.SGD(w.parameters(), lr=run.lr)
    run.keep(w)
    for step in run.steps():
        run.set_rate(optimizer)
        optimizer.zero_grad()
        loss = w["w"] ** power
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
        if run.evaluates:
            run.report(val_loss=w["w"] ** 2, val_accuracy=1 / (1 + w["w"] ** 2))
    if run.tests():
        run.report(test_loss=w["w"] ** 2)
    (run.folder / "end.txt").write_text(f"{w['w'].item():.6f}")


def killed(run, start: float = 5.0):
    mark = Path("killed")
    if os.environ.get("KILLS") and run.lr > 0.1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    train(run, start)


def slowly(run):
    import time
    for step in run.steps():
        run.lr
        time.sleep(0.002)
        run.log(loss=1.0)
        if run.evaluates:
            run.report(val_loss=1.0)


def scored(run, gain: float = 1.0, pair=(1, 2)):
    assert pair == (1, 2)
    for step in run.steps():
        rate = run.lr
        if run.evaluates:
            run.report(val_loss=1.0, val_f1=gain * rate)


def silent(run):
    for step in run.steps():
        run.lr


def other(run):
    w = torch.nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD([w], lr=0.1)
    for step in run.steps():
        run.set_rate(optimizer)
        w.grad = torch.ones(())
        optimizer.param_groups[0]["lr"] = 0.1
        optimizer.step()


def needs(run, width, depth=2):
    pass


def argless():
    pass


class Trainer:
    def __init__(self, run):
        pass
"""
LINE = "loop=mine.train train.steps=20 schedule=cosine lr=0.1 threads=1"
FLAT = "schedule=constant lr=0.1 threads=1"


@pytest.fixture(autouse=True)
def mine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with loops."""
    place = folder.parent / "own"
    place.mkdir()
    (place / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)
    monkeypatch.delitem(sys.modules, "mine", raising=False)


def by_hand(rates: Any, start: float = 5.0) -> list[float]:
    """The weight after each update of its square, in float32."""
    w = np.float32(start)
    found = []
    for rate in rates:
        w = np.float32(w - np.float32(rate) * np.float32(2 * w))
        found.append(float(w))
    return found


def test_a_run_is_recorded_as_every_run_is(command, store) -> None:
    done = command(f"{LINE} loop.start=3 train.eval_every=5 train.keep=best")
    assert done.status == 0, done.err
    (run,) = store.runs()
    assert run.info.status == "FINISHED"
    assert run.info.run_name.startswith("mine.train train.steps=20 cosine lr=0.1 loop.start=3 ")
    params = {k: v for k, v in run.data.params.items() if k.startswith(("loop", "model", "train"))}
    assert params == {
        "loop": "mine.train",
        "loop.start": "3.0",
        "loop.power": "2",
        "train.steps": "20",
        "train.eval_every": "5",
        "train.keep": "best",
    }
    rates = [0.05 * (1 + np.cos(np.pi * t / 20)) for t in range(20)]
    assert list(store.history(run, "train/lr").values()) == pytest.approx(rates)
    w = by_hand(rates, 3.0)
    losses = store.history(run, "train/loss")
    assert list(losses) == list(range(20))
    assert list(losses.values()) == pytest.approx([9.0, *np.square(w[:-1])], rel=1e-5)
    assert store.history(run, "val/loss") == pytest.approx(
        {n: w[n - 1] ** 2 for n in (5, 10, 15, 20)}, rel=1e-5
    )
    assert run.data.metrics["test/loss"] == pytest.approx(w[-1] ** 2, rel=1e-5)
    assert store.file(run, "files/end.txt").read_text() == f"{w[-1]:.6f}"
    assert load_file(store.file(run, "weights.safetensors"))["w"].item() == pytest.approx(w[-1])
    table = store.file(run, "trace.csv").read_text().splitlines()
    assert table[0] == "step,lr"
    assert [float(row.split(",")[1]) for row in table[1:]] == list(
        store.history(run, "train/lr").values()
    )
    assert store.file(run, "trace.png").stat().st_size > 1000
    config = yaml.safe_load(store.file(run, "config.yaml").read_text())
    assert config["loop"] == {"_target_": "mine.train", "start": 3.0, "power": 2}
    assert not {"model", "dataset", "optimizer", "clipping", "precision"} & set(config)
    assert re.search(r"^step 5  lr 0\.0\d+ +val loss", done.out, re.MULTILINE) is None
    assert "epoch" not in done.out


def test_the_printed_command_repeats_it_bit_for_bit(command, store) -> None:
    first = command(f"{LINE} loop.start=3")
    words = re.search(r"^repeat +python -m runner (.*)$", first.out, re.MULTILINE)[1]
    assert words.startswith("loop=mine.train train.steps=20 ")
    again = command(words)
    assert again.status == 0, again.err
    one, other = store.runs()
    assert one.data.tags["fingerprint"] == other.data.tags["fingerprint"]
    assert store.history(one, "train/loss") == store.history(other, "train/loss")
    command(f"{LINE} loop.start=4")
    assert store.runs()[2].data.tags["fingerprint"] != one.data.tags["fingerprint"]


def test_keys_make_a_grid_and_the_metric_of_choice_ranks_it(command, store) -> None:
    line = f"-m {FLAT} loop=mine.scored train.steps=4 loop.gain=1,3,2 seed=0,1"
    told = "task.metric=f1 'task.metrics={f1: {direction: maximize}}'"
    done = command(f"{line} {told}")
    assert done.status == 0, done.err
    assert [run.data.params["loop.gain"] for run in store.runs()] == [
        f"{gain}.0" for gain in (1, 1, 3, 3, 2, 2)
    ]
    assert store.runs()[0].data.params["loop.pair"] == "[1, 2]"
    assert "best      loop.gain=3, by the mean of 2 seeds" in done.out
    assert re.search(r"^loop.gain=3  2  0\.3 ", done.out, re.MULTILINE)


def test_an_option_of_a_persons_own_names_a_loop(command, folder: Path) -> None:
    file = folder / "groups" / "loop" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("_target_: mine.train\nstart: 2.0\n")
    line = "--config-dir groups train.steps=4 train.eval_every=4 schedule=constant tracking=off"
    done = command(f"{line} loop=mine lr=0.25")
    assert done.status == 0, done.err
    assert f"val loss {(2 / 2**4) ** 2:.4g}" in done.out
    done = command(f"{line} loop=mine loop.start=4 lr=0.25")
    assert f"val loss {(4 / 2**4) ** 2:.4g}" in done.out
    file.rename(file.with_name("mine.train.yaml"))
    assert f"val loss {(2 / 2**4) ** 2:.4g}" in command(f"{line} loop=mine.train lr=0.25").out


def test_epochs_count_where_they_are_declared(command, store) -> None:
    line = "loop=mine.train schedule=step schedule.decay_steps=1ep schedule.factor=0.5 lr=0.1"
    done = command(f"{line} train.steps_per_epoch=4 train.epochs=3 threads=1")
    assert done.status == 0, done.err
    rates = list(store.history(store.runs()[0], "train/lr").values())
    assert rates == [0.1] * 4 + [0.05] * 4 + [0.025] * 4
    assert "step  4  epoch 1 " in done.out
    undeclared = command("loop=mine.train train.steps=20 tracking=off seed=1 threads=1").err
    assert undeclared == (
        "note: an epoch counts as 4 steps, a fifth of the run, as train.steps_per_epoch is not "
        "given\n"
    )


def test_a_loss_that_is_not_finite_is_divergence(command, store) -> None:
    done = command("loop=mine.train loop.power=4 train.steps=90 schedule=constant lr=1 threads=1")
    assert done.status == 3
    (run,) = store.runs()
    reason = run.data.tags["diverged"]
    assert re.fullmatch(r"train/loss is (inf|nan) at step \d, learning rate 1", reason)
    assert max(store.history(run, "train/lr")) == int(reason.split("step ")[1][0])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("silent", "the loop never reports val/loss: run.report(val_loss=...)"),
        (
            "other",
            "the update at step 0 takes the rate 0.1, but the schedule says 0.2: nothing else may "
            "set it (PLACE)",
        ),
    ],
)
def test_what_makes_the_record_untrue_fails_in_one_line(command, store, name, reason) -> None:
    done = command(f"loop=mine.{name} train.steps=5 schedule=constant lr=0.2 threads=1")
    assert (done.status, done.err) == (1, "")
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    line = MINE.splitlines().index("        optimizer.step()", MINE.count("\n") // 2) + 1
    place = next(Path(p, "mine.py") for p in sys.path if Path(p, "mine.py").exists())
    assert run.data.tags["reason"] == reason.replace("PLACE", f"{place}, line {line}")
    assert f"FAILED: {run.data.tags['reason']}" in done.out


def test_ctrl_c_ends_it_as_killed_with_its_records(store, shell) -> None:
    process = shell("loop=mine.slowly train.steps=1000000 train.eval_every=50 threads=1")
    next(line for line in process.stdout if line.startswith("step "))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    done = int(re.search(r"^KILLED: interrupted after (\d+) steps$", out, re.MULTILINE)[1])
    (run,) = store.runs()
    assert run.info.status == "KILLED"
    assert list(store.history(run, "train/loss")) == list(range(done))
    assert done >= 50


BAD = {
    "loop=mine.train": "train.steps must be given with a loop of your own, got none; or "
    "train.epochs beside train.steps_per_epoch",
    "loop=mine.train train.steps=4 loop.strat=2": "unknown key 'loop.strat' (did you mean "
    "'loop.start'?)",
    "loop=mine.train train.steps=4 loop.start=high": "loop.start must be a number, got 'high'",
    "loop=mine.train train.steps=4 loop.run=1": "loop.run must be left out: it is the run itself",
    "loop=mine.needs train.steps=4": "loop needs width, as mine.needs has no default; give "
    "loop.width=VALUE",
    "loop=mine.argless train.steps=4": "loop._target_ must name a function whose first argument is "
    "the run, got 'mine.argless', which has no such argument",
    "loop=mine.Trainer train.steps=4": "loop._target_ must name a function whose first argument is "
    "the run, got the class 'mine.Trainer'",
    "loop=train train.steps=4": "loop must be one of none, or a function with its module, "
    "mine.train, got 'train'",
    "loop.width=4 train.steps=4": "loop.width must stand beside a function, loop=mine.train, got "
    "none",
    "train.steps_per_epoch=4": "train.steps_per_epoch must stand beside a loop of your own, got "
    "none; data say it otherwise",
    "loop=mine.train train.steps=4 model=mlp": "model must be left out beside loop=mine.train, got "
    "mlp; what mine.train takes are its own keys, loop.NAME=VALUE",
    "loop=mine.train train.steps=4 optimizer/momentum_schedule=one_cycle": "optimizer/"
    "momentum_schedule must be left out beside loop=mine.train, got one_cycle; what mine.train "
    "takes are its own keys, loop.NAME=VALUE",
    "loop=mine.train train.steps=4 train.batch_size=8": "train.batch_size must be left out beside "
    "loop=mine.train, got 8; what mine.train takes are its own keys, loop.NAME=VALUE",
    "loop=mine.train train.steps=4 train.eval_every=2ep": "train.eval_every must not be in epochs, "
    "as the loop declares none, got '2ep'; give train.steps_per_epoch, the updates of a pass of "
    "mine.train",
    "loop=mine.train train.steps=4 task.metric=f1": "task.metric must be accuracy or loss, got "
    "'f1'",
    "loop=mine.train train.steps=4 task.metrics.recall.percent=true": "task.metrics.recall."
    "direction must be maximize or minimize, got none",
    "loop=mine.train train.steps=4 schedule=plateau schedule.monitor=val/f1": "schedule.monitor "
    "must be val/accuracy or val/loss, got 'val/f1'",
}


@pytest.mark.parametrize("line", BAD)
def test_what_cannot_be_a_loop_is_refused_before_anything_is_made(command, folder, line) -> None:
    done = command(line)
    assert (done.status, done.err) == (2, f"error: {BAD[line]}\n")
    assert list(folder.iterdir()) == []


def test_a_preview_imports_nothing(command, folder: Path, capsys, monkeypatch) -> None:
    from runner import preview

    monkeypatch.setitem(sys.modules, "mine", None)
    assert preview.main(["loop=mine.train", "train.steps=4", "schedule=constant", "lr=0.5"]) == 0
    assert capsys.readouterr().out.startswith("mine.train train.steps=4 constant lr=0.5: 4 steps")
    assert preview.main(["loop=mine.train", "train.steps=4", "dataset=mnist"]) == 2
    assert "dataset must be left out beside loop=mine.train" in capsys.readouterr().err


STUDY = (
    "-m hydra/sweeper=optuna loop=mine.killed train.steps=20 train.eval_every=20% "
    "schedule=constant 'lr=choice(0.05,0.09,0.1,0.2,1.5)' study/sampler=grid threads=1 "
    "study/pruner=threshold study.pruner.upper=30 study.confirm_seeds=2 study.name=mine"
)


def test_a_study_survives_a_killed_worker_and_answers(shell, store, folder, monkeypatch) -> None:
    monkeypatch.setenv("KILLS", "1")
    process = shell(f"{STUDY} study.workers=2 loop.start=4")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, f"{out}{err}"
    assert "is gone; queued again" in out
    study = optuna.load_study(study_name="mine", storage=f"sqlite:///{folder}/optuna.db")
    done = {float(t.params["lr"]): t for t in attributes.done(study) if "lr" in t.params}
    assert sorted(done) == [0.05, 0.09, 0.1, 0.2, 1.5]
    for rate in (0.05, 0.2):
        assert done[rate].value == pytest.approx(by_hand([rate] * 20, 4.0)[-1] ** 2, rel=1e-4)
    assert done[1.5].state.name == "PRUNED"
    assert "lr=0.2 is better than" in out or "is better than the baseline" in out
    confirmed = [run for run in store.runs() if run.data.tags["kind"] == "confirm"]
    assert {run.data.params["seed"] for run in confirmed} == {"10000", "10001"}
    assert all("test/loss" in run.data.metrics for run in confirmed)
    trials = [run for run in store.runs() if run.data.tags["kind"] == "trial"]
    assert not any("test/loss" in run.data.metrics for run in trials)


@pytest.fixture
def searched(command, folder: Path):
    """Runs a study and returns it."""

    def run(line: str) -> optuna.Study:
        done = command(f"-m hydra/sweeper=optuna {FLAT} train.steps=4 tracking=off {line}")
        assert done.status == 0, done.err
        name = re.match(r"study +(\S+):", done.out)[1]
        return optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/optuna.db")

    return run


def test_the_keys_of_a_loop_are_searched_and_equal_trials_copied(searched) -> None:
    line = "loop=mine.train loop.start=3,5 study/sampler=random study.confirm_seeds=0"
    study = searched(f"{line} study.trials=5")
    values = {float(t.params["loop.start"]): t.value for t in attributes.done(study) if t.params}
    assert values[3] == pytest.approx(by_hand([0.1] * 4, 3.0)[-1] ** 2, rel=1e-5)
    baseline = attributes.done(study)[0]
    assert baseline.value == pytest.approx(by_hand([0.1] * 4)[-1] ** 2, rel=1e-5)
    assert sum(map(attributes.is_copy, attributes.done(study))) == 3


def test_a_metric_that_a_study_gives_a_direction_is_known(searched) -> None:
    line = "loop=mine.scored loop.gain=1,3 study/sampler=grid study.confirm_seeds=0"
    study = searched(f"{line} study.metric=val/f1 study.direction=maximize")
    assert sorted(t.value for t in attributes.done(study)) == pytest.approx([0.1, 0.3])
    definition = json.loads(study.user_attrs["definition"])
    assert definition["base"]["task"]["metric"] == "f1"
