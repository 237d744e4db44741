"""A training loop of a person's own as a run, a grid and a study, to its record."""

import json
import re
import signal
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
import yaml
from safetensors.torch import load_file
from torch.optim.optimizer import _global_optimizer_pre_hooks

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


class Stuck(torch.nn.Linear):
    def load_state_dict(self, state_dict):
        raise RuntimeError("it is stuck")


class Empty:
    def state_dict(self):
        return None

    def load_state_dict(self, state_dict):
        pass


class Half:
    def state_dict(self):
        return {}


HANDED = {
    "stuck": lambda: Stuck(1, 1),
    "empty": Empty,
    "half": Half,
    "number": lambda: 3,
    "kind": lambda: Half,
    "net": lambda: torch.nn.Linear(1, 1),
}


def keeps(run, first: str = "", then: str = ""):
    if first:
        run.keep(HANDED[first]())
    for step in run.steps():
        run.lr
        if run.evaluates:
            run.report(val_loss=1.0 + step)
    if then:
        run.keep(HANDED[then]())
    (run.folder / "end.txt").write_text("the end")


def logs(run, name: str = "", value: str = "0.5"):
    for step in run.steps():
        run.lr
        run.log({name: eval(value)}, loss=1.0)
        if run.evaluates:
            run.report(val_loss=1.0)


REPORTS = {
    "twice": {"val_loss": 1.0, "val/loss": 3.0},
    "text": {"val_loss": "0.5"},
    "large": {"val_loss": 10**400},
}


def reports(run, what: str = ""):
    for step in run.steps():
        run.lr
        if run.evaluates:
            run.report(REPORTS[what])


def loads(run):
    loader = torch.utils.data.DataLoader(torch.arange(8.0), batch_size=4, num_workers=1)
    for batch in run.batches(loader):
        run.lr
        run.log(loss=batch.sum())
        if run.evaluates:
            run.report(val_loss=1.0)


def by_number(run, how: str = ""):
    w = torch.nn.Parameter(torch.full((), 5.0))
    v = torch.nn.Parameter(torch.full((), 5.0))
    optimizer = torch.optim.SGD([w], lr=run.lr if how == "once" else 0.5)
    if how == "own":
        run.own_rate(optimizer)
    for step in run.steps():
        rate = run.lr
        if how in ("hand", "tensor"):
            optimizer.param_groups[0]["lr"] = torch.tensor(rate) if how == "tensor" else rate
        if how == "beside":
            other = torch.optim.SGD([v], lr=rate)
            v.grad = torch.ones(())
            other.step()
        w.grad = torch.ones(())
        optimizer.step()
        run.log(shown=rate)
        if run.evaluates:
            run.report(val_loss=1.0)


def told(run, text: str = "a", other="b", maybe: "str | None" = None, command: list | str = ""):
    for step in run.steps():
        run.lr
        if run.evaluates:
            run.report(val_loss=1.0)
    (run.folder / "told.txt").write_text(repr((text, other, maybe, command)))


def once(run):
    for batch in run.batches(iter(range(3))):
        run.lr


def whole(run, start: float = 2, other=2, third: float = 2):
    for step in run.steps():
        run.lr
        if run.evaluates:
            run.report(val_loss=start)


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
def mine(own_module) -> Path:
    """A module with loops."""
    return own_module("mine", MINE)


def test_a_run_is_recorded_as_every_run_is(command, store, by_hand) -> None:
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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("loop.text=3 loop.other=2.10 loop.maybe=true", ("3", "2.10", "true", "")),
        ("loop.maybe=null loop.command=go", ("a", "b", None, "go")),
        ("'loop.command=[a,b]'", ("a", "b", None, ["a", "b"])),
    ],
)
def test_texts_and_a_key_named_command_reach_a_function(command, store, words, told) -> None:
    done = command(f"loop=mine.told train.steps=4 {FLAT} {words}")
    assert done.status == 0, done.err
    typed = re.search(r"^repeat +python -m runner (.*)$", done.out, re.MULTILINE)[1]
    assert command(typed).status == 0
    for run in store.runs():
        assert store.file(run, "files/told.txt").read_text() == repr(told)


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
        (
            "once",
            "run.batches must be given what can be read again and again, as a DataLoader, got what "
            "ends after 3 batches (PLACE)",
        ),
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
    code = {
        "other": "        optimizer.step()",
        "once": "    for batch in run.batches(iter(range(3))):",
    }
    after = MINE.splitlines().index(f"def {name}(run):")
    line = 1 + MINE.splitlines().index(code.get(name, ""), after)
    place = next(Path(p, "mine.py") for p in sys.path if Path(p, "mine.py").exists())
    assert run.data.tags["reason"] == reason.replace("PLACE", f"{place}, line {line}")
    assert f"FAILED: {run.data.tags['reason']}" in done.out


RULE = (
    "the name of a number must be letters, digits, spaces and any of _ - . : between single "
    "slashes, at most 250 characters, got "
)


@pytest.mark.parametrize("name", ["acc@1", "top 5%", "", "a//b", "/a", "../a", "a/.", "x" * 300])
def test_a_name_that_no_tracker_takes_fails_the_run_not_its_record(command, store, name) -> None:
    done = command(f"loop=mine.logs train.steps=4 \"loop.name='{name}'\" {FLAT}")
    assert (done.status, done.err) == (1, ""), done.err
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    assert run.data.tags["reason"].startswith(f"{RULE}'{name[:20]}")
    assert "config.yaml" in {file.path for file in store.client.list_artifacts(run.info.run_id)}


@pytest.mark.parametrize("name", ["top 5", "a/b.c", "größe", "loss:0", "x" * 244])
def test_a_name_that_trackers_take_is_recorded(command, store, name) -> None:
    done = command(f"loop=mine.logs train.steps=4 \"loop.name='{name}'\" {FLAT}")
    assert (done.status, done.err) == (0, ""), done.err
    key = name if "/" in name else f"train/{name}"
    assert store.history(store.runs()[0], key) == dict.fromkeys(range(4), 0.5)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("mine.reports loop.what=twice", "val/loss is reported twice, the second time as val/loss"),
        ("mine.reports loop.what=text", "val_loss must be reported as one number, got text"),
        (
            "mine.reports loop.what=large",
            "val_loss must be reported as one number of at most 64 bits, got a larger one",
        ),
        (
            "mine.logs loop.name=a loop.value=10**400",
            "a must be logged as one real number of at most 64 bits, got a larger one",
        ),
    ],
)
def test_what_is_no_number_or_two_of_one_name_fails_in_one_line(
    command, store, line, reason
) -> None:
    done = command(f"loop={line} train.steps=4 {FLAT}")
    assert (done.status, done.err) == (1, "")
    found = store.runs()[0].data.tags["reason"]
    assert found.startswith(f"{reason} (")


HANDED_OVER = "model must be handed over with state_dict() and load_state_dict(), got "
TOO_LATE = (
    "run.keep is called after the first evaluation, that at step 2: with train.keep=best call it "
    "before, with the one model"
)
NO_WEIGHTS = "the model does not give its weights and take them back: "


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("loop.then=net train.keep=best", TOO_LATE),
        ("loop.first=net loop.then=net train.keep=best", TOO_LATE),
        ("loop.first=half", f"{HANDED_OVER}Half"),
        ("loop.first=kind", f"{HANDED_OVER}the class Half"),
        ("loop.first=number train.keep=best", f"{HANDED_OVER}int"),
        ("loop.first=stuck train.keep=best", f"{NO_WEIGHTS}RuntimeError: it is stuck"),
        ("loop.first=empty", f"{NO_WEIGHTS}TypeError: state_dict() gives no mapping but NoneType"),
    ],
)
def test_a_model_that_cannot_be_kept_fails_the_run_not_its_record(
    command, store, line, reason
) -> None:
    done = command(f"loop=mine.keeps train.steps=4 train.eval_every=2 threads=1 {line}")
    assert (done.status, done.err.startswith("error")) == (1, False), done.err
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    assert re.sub(r" \(\S+mine.py, line \d+\)$", "", run.data.tags["reason"]) == reason
    assert "\n" not in run.data.tags["reason"]
    assert "_target_: mine.keeps" in store.file(run, "config.yaml").read_text()
    if not reason.startswith(HANDED_OVER):  # the steps were made
        assert len(store.file(run, "trace.csv").read_text().splitlines()) == 1 + 4
        assert len(store.history(run, "train/lr")) == 4


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("reads", "step 0 reads the rate 0.1, but its update takes 0.5"),
        ("once", "step 1 reads the rate 0.09, but its update takes 0.1"),
        ("own", ""),
        ("hand", ""),
        ("tensor", ""),
        ("beside", ""),
    ],
)
def test_a_rate_that_is_only_read_is_not_recorded_as_taken(command, store, how, reason) -> None:
    done = command(f"loop=mine.by_number loop.how={how} train.steps=4 lr=0.1 threads=1")
    (run,) = store.runs()
    if reason:
        ways = "call run.set_rate(optimizer), whose groups may have an lr_scale, or run.own_rate"
        expected = f"{reason}: {ways}(optimizer) where that is meant ("
        assert run.data.tags["reason"].startswith(expected)
    assert run.info.status == ("FAILED" if reason else "FINISHED"), done.out
    assert not _global_optimizer_pre_hooks


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
    "loop=mine.tarin train.steps=4": "loop._target_ must name a function that can be imported, got "
    "'mine.tarin': mine has no tarin (did you mean 'train'?)",
    "loop=./mine.py train.steps=4": "loop must name a function behind its module, not a file, got "
    "'./mine.py'; loop=mine.train calls its function train",
    "loop=mine.told train.steps=4 -- python train.py": "loop must be left out beside a script, -- "
    "python train.py, got mine.told",
    "loop=mine.train train.steps=4 'task.metrics={f1: {'": "cannot read 'task.metrics={f1: {'; "
    "write key=value, a list as [a,b] without spaces, and quotes around other special characters",
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


@pytest.mark.stress
def test_a_loader_has_workers_in_a_launchers_process_too(store, shell) -> None:
    process = shell(f"-m hydra/launcher=joblib loop=mine.loads train.steps=3 {FLAT} seed=0,1")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, f"{out}{err}"
    losses = [list(store.history(run, "train/loss").values()) for run in store.runs()]
    assert losses == [[6.0, 22.0, 6.0]] * 2


STUDY = (
    "-m hydra/sweeper=optuna loop=mine.killed train.steps=20 train.eval_every=20% "
    "schedule=constant 'lr=choice(0.05,0.09,0.1,0.2,1.5)' study/sampler=grid threads=1 "
    "study/pruner=threshold study.pruner.upper=30 study.confirm_seeds=2 study.name=mine"
)


@pytest.mark.stress
def test_a_study_survives_a_killed_worker_and_answers(
    shell, store, folder, monkeypatch, by_hand
) -> None:
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


def test_the_keys_of_a_loop_are_searched_and_equal_trials_copied(searched, by_hand) -> None:
    line = "loop=mine.train loop.start=3,5 study/sampler=random study.confirm_seeds=0"
    study = searched(f"{line} study.trials=5")
    values = {float(t.params["loop.start"]): t.value for t in attributes.done(study) if t.params}
    assert values[3] == pytest.approx(by_hand([0.1] * 4, 3.0)[-1] ** 2, rel=1e-5)
    baseline = attributes.done(study)[0]
    assert baseline.value == pytest.approx(by_hand([0.1] * 4)[-1] ** 2, rel=1e-5)
    assert sum(map(attributes.is_copy, attributes.done(study))) == 3


def test_a_value_has_one_text_in_all_records_of_a_study(command, store) -> None:
    line = f"-m hydra/sweeper=optuna {FLAT} train.steps=4 loop=mine.whole study/sampler=grid"
    space = "'loop.start=choice(3.0,4.0)' 'loop.other=choice(2.0,3.0)'"
    done = command(f"{line} {space} study.confirm_seeds=0")
    assert done.status == 0, done.err
    params = [run.data.params for run in store.runs() if run.data.tags["kind"] == "trial"]
    assert len(params) == 5  # the baseline is none of the grid
    assert {one["loop.start"] for one in params} == {"2.0", "3.0", "4.0"}
    assert {one["loop.other"] for one in params} == {"2.0", "3.0"}
    assert {one["loop.third"] for one in params} == {"2.0"}


def test_a_metric_that_a_study_gives_a_direction_is_known(searched) -> None:
    line = "loop=mine.scored loop.gain=1,3 study/sampler=grid study.confirm_seeds=0"
    study = searched(f"{line} study.metric=val/f1 study.direction=maximize")
    assert sorted(t.value for t in attributes.done(study)) == pytest.approx([0.1, 0.3])
    definition = json.loads(study.user_attrs["definition"])
    assert definition["base"]["task"]["metric"] == "f1"
