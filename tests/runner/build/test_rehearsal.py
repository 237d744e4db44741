"""What a person's own code does wrong in training is one line before anything is created."""

import importlib
import random
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.build import rehearsal, state
from runner.build import setup as built
from runner.results.metrics import METRICS
from runner.training.loop import Loop

MINE = """\
import sys
import torch
from torch import nn
from runner.training import Dataset, Split

def data(n=40, test=20, dim=4):
    g = torch.Generator().manual_seed(0)
    parts = []
    for k in (n, 20, test):
        y = torch.randint(0, 2, (k,), generator=g)
        parts.append(Split(torch.randn(k, dim, generator=g) + y[:, None], y))
    return Dataset(*parts, classes=2)

def fail(how):
    if how == "key":
        {}["inputs"]
    if how == "exit":
        sys.exit(5)
    if how == "assert":
        assert how == "ok"
    if how == "import":
        import no_such_package
    if how == "file":
        open("missing.csv")
    if how == "silent":
        raise Silent
    if how == "panic":
        raise Panic("in a library")

class Silent(Exception):
    __str__ = None

class Panic(BaseException):
    pass

def failing_data(how):
    fail(how)

class Net(nn.Module):
    def __init__(self, input_shape, classes, how="ok", width: int = 8, drop: float = 0.0):
        super().__init__()
        self.how = how
        self.one = nn.Linear(*input_shape, width)
        self.norm = nn.BatchNorm1d(width) if how == "norm" else nn.Dropout(drop)
        self.two = nn.Linear(width, classes)
        if how == "closure":
            self.hidden = lambda x: self.one(x)
        if how == "meta":
            self.to("meta")

    def forward(self, x):
        if self.training and self.how not in ("pair", "complex"):
            fail(self.how)
        y = self.hidden(x) if self.how == "closure" else self.one(x)
        y = self.two(self.norm(y).relu())
        if self.how == "squeeze":
            return y.squeeze()
        if self.how == "most":
            return y + torch.zeros(100, 1)[: len(y)]
        if self.how == "unused" and self.training:
            return x[:, :2].clone().requires_grad_()
        if self.training and self.how == "pair":
            return y, y
        if self.how == "complex":
            return y.to(torch.complex64)
        return y.detach() if self.how == "detached" else y

class Words(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.table = nn.EmbeddingBag(50, classes, sparse=True)
    def forward(self, x):
        return self.table((x * 10).long().clamp(0, 49))

class Kept(Net):
    def get_extra_state(self):
        return fail(self.how) or {"n": 1}
    def set_extra_state(self, state):
        if self.how == "back":
            fail("key")

def as_dict(groups, **more):
    return dict(enumerate(groups))

class Flat(Net):
    def forward(self, x):
        return super().forward(x) if self.training else super().forward(x).squeeze()

class Late(Net):
    def forward(self, x):
        self.seen = getattr(self, "seen", 0) + self.training
        if self.seen == 3:
            sys.exit(7)
        return super().forward(x)

class Alone(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(1.0))
    def forward(self):
        return (self.w * 2).detach()

def loss(scores, labels, how="constant", *, reduction="mean"):
    if scores.requires_grad and how == "vector":
        return nn.functional.cross_entropy(scores, labels, reduction="none")
    if scores.requires_grad and how == "key":
        fail(how)
    value = nn.functional.cross_entropy(scores, labels)
    return value.detach() if how == "constant" else value

class Mine(torch.optim.SGD):
    def __init__(self, params, lr, how="ok"):
        super().__init__(params, lr)
        self.how = how
    def step(self, closure=None):
        fail(self.how)
        return super().step()

def clip(parameters):
    return parameters["first"]

def clipping(returns="nothing"):
    return clip if returns == "nothing" else lambda parameters: (returns, False)
"""
USUAL = (
    "dataset=none dataset._target_=mine.data model=linear model._target_=mine.Net "
    "train.batch_size=20 train.epochs=2 lr=0.01"
)
OWN_OPTIMIZER = (
    "optimizer=sgd optimizer._target_=mine.Mine "
    "~optimizer.momentum ~optimizer.nesterov ~optimizer.weight_decay"
)


@pytest.fixture
def mine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file above in the working folder; returns the words of a run with it."""
    (folder / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return USUAL


def line_of(code: str) -> int:
    return next(i for i, line in enumerate(MINE.splitlines(), 1) if line.strip() == code)


KEY_LINE = line_of('{}["inputs"]')
CLIP_LINE = line_of('return parameters["first"]')
FAILURES = {
    "key": ("KeyError: 'inputs'", '{}["inputs"]'),
    "exit": ("SystemExit: 5", "sys.exit(5)"),
    "assert": ("AssertionError", 'assert how == "ok"'),
    "import": ("ModuleNotFoundError: No module named 'no_such_package'", "import no_such_package"),
    "file": (
        "FileNotFoundError: [Errno 2] No such file or directory: 'missing.csv'",
        'open("missing.csv")',
    ),
    "silent": ("Silent", "raise Silent"),
    "panic": ("Panic: in a library", 'raise Panic("in a library")'),
}


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("where", ["data", "model", "optimizer"])
def test_whatever_own_code_raises_is_one_line_with_its_file_and_line(
    command, mine: str, folder: Path, where: str, how: str
) -> None:
    says, code = FAILURES[how]
    line = line_of(code)
    words, begins = {
        "data": (
            f"dataset._target_=mine.failing_data +dataset.how={how}",
            "dataset: mine.failing_data fails with ",
        ),
        "model": (
            f"+model.how={how}",
            "model must take input of shape (20, 4) in training; it fails with ",
        ),
        "optimizer": (
            f"{OWN_OPTIMIZER} +optimizer.how={how}",
            "optimizer must take the gradients; it fails with ",
        ),
    }[where]
    done = command(f"{mine} {words}")
    assert done.err == f"error: {begins}{says} (mine.py, line {line})\n"
    assert done.status == 2
    assert [file.name for file in folder.iterdir() if file.name != "__pycache__"] == ["mine.py"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("+model.how=pair", "model must return scores of shape (20, 2) in training, got tuple"),
        (
            "+model.how=detached",
            "model: the loss does not depend on the weights; its outputs are detached from them, "
            "in training",
        ),
        (
            "+model.how=unused",
            "the loss must depend on the weights that are trained, but no parameter has a gradient",
        ),
        (
            "model=quadratic dataset=none model._target_=mine.Alone ~model.w dataset._target_="
            "runner.training.datasets.none train.epochs=null train.steps=3",
            "model: the loss does not depend on the weights; its outputs are detached from them, "
            "in training",
        ),
        (
            "task.loss._target_=mine.loss",
            "task.loss: the loss does not depend on the weights; it returns a constant, "
            "in training",
        ),
        (
            "task.loss._target_=mine.loss +task.loss.how=vector",
            "task.loss must return the mean over the samples, got (20,)",
        ),
        (
            "task.loss._target_=mine.loss +task.loss.how=key",
            "task.loss must take outputs (20, 2) and targets (20,); it fails with KeyError: "
            f"'inputs' (mine.py, line {KEY_LINE})",
        ),
        (
            "clipping._target_=mine.clipping",
            "clipping must take the gradients; it fails with TypeError: list indices must be "
            "integers or slices, not str "
            f"(mine.py, line {CLIP_LINE})",
        ),
        (
            "clipping._target_=mine.clipping +clipping.returns=0.5",
            "clipping must return the norm before and whether it clipped, a tensor of one number "
            "each, got float, bool",
        ),
        (
            "+model.how=complex",
            "model must return scores of shape (2, 2) for 2 samples, got complex numbers, "
            "torch.complex64",
        ),
        (
            "+model.how=meta",
            "model: mine.Net fails with NotImplementedError: Cannot copy out of meta tensor; no "
            "data! Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when "
            "moving module from meta to a different device.",
        ),
        (
            "optimizer=sgd ~optimizer.momentum ~optimizer.nesterov ~optimizer.weight_decay "
            "optimizer._target_=mine.as_dict",
            "optimizer._target_ must be a torch.optim.Optimizer, got dict",
        ),
        (
            "model._target_=mine.Kept +model.how=key",
            "model must give its state; it fails with KeyError: 'inputs' "
            f"(mine.py, line {KEY_LINE})",
        ),
        (
            "model._target_=mine.Kept +model.how=back train.keep=best",
            "model must give its state and take it back; it fails with KeyError: 'inputs' "
            f"(mine.py, line {KEY_LINE})",
        ),
    ],
)
def test_what_goes_wrong_in_training_only(command, mine: str, words: str, message: str) -> None:
    done = command(f"{mine} tracking=off {words}")
    assert (done.err, done.status) == (f"error: {message}\n", 2)


def test_a_last_batch_that_cannot_be_trained(command, mine: str) -> None:
    line = f"{mine} tracking=off +dataset.n=41 +model.how=norm"
    done = command(line)
    assert done.status == 2
    assert re.fullmatch(
        r"error: the last batch has one sample of 41, with which model must take input of shape "
        r"\(1, 4\) in training; it fails with ValueError: Expected more than 1 value per channel.* "
        r"\(mine.py, line \d+\); choose another train.batch_size, or train.drop_last=true\n",
        done.err,
    )
    assert command(f"{line} train.epochs=null train.steps=2").status == 0  # it never comes to it
    assert command(f"{line} train.batch_size=14").status == 0
    done = command(f"{mine} tracking=off +dataset.n=41 +model.how=squeeze")
    assert "with which model must return scores of shape (1, 2) in training, got (2,)" in done.err


def test_an_evaluation_of_one_sample_is_tried(command, mine: str) -> None:
    line = f"{mine} tracking=off model._target_=mine.Flat"
    done = command(f"{line} +dataset.test=251")
    message = "error: model must return scores of shape (1, 2) for 1 sample, got (2,)\n"
    assert (done.err, done.status) == (message, 2)
    assert command(f"{line} +dataset.test=252").status == 0


def test_the_largest_batch_of_an_evaluation_is_tried(command, mine: str) -> None:
    line = f"{mine} tracking=off +model.how=most"
    done = command(f"{line} +dataset.test=101")
    assert done.status == 2
    assert done.err.startswith("error: model must take input of shape (batch, 4); it fails with ")
    assert "must match the size of tensor b (100) at non-singleton dimension 0" in done.err
    assert command(f"{line} +dataset.test=100").status == 0


def test_the_job_of_a_grid_and_the_values_of_a_study_are_named(command, mine: str) -> None:
    done = command(f"-m {mine} +model.how=ok,key,pair")
    assert done.status == 2
    assert done.err.startswith("error: job 2 of 3 (model.how=key): model must take input of ")
    line = "-m hydra/sweeper=optuna study.trials=3 'model.how=choice(ok,pair)'"
    done = command(f"{mine} +model.how=ok {line}")
    assert done.status == 2
    assert done.err == (
        "error: the search may try model.how=pair, but model must return scores of shape (20, 2) "
        "in training, got tuple\n"
    )


def test_runs_that_differ_in_numbers_or_seed_share_a_rehearsal(command, mine, monkeypatch) -> None:
    made = []
    forward = Loop.forward
    monkeypatch.setattr(Loop, "forward", lambda self, t: (made.append(t), forward(self, t))[1])
    line = f"-m {mine} tracking=off train.epochs=null train.steps=1"

    def rehearsed(words: str, jobs: int) -> int:
        made.clear()
        rehearsal.forget()
        done = command(f"{line} {words}")
        assert done.status == 0, done.err
        return len(made) - jobs

    assert rehearsed("seed=0,1 lr=0.1,0.2 optimizer.eps=1e-8,1e-7", 8) == 1
    assert rehearsed("+model.drop=0.1,0.2", 2) == 1
    assert rehearsed("+model.width=3,4", 2) == 2
    assert rehearsed("clipping=none,value,norm", 3) == 3
    assert rehearsed("train.batch_size=8,40", 2) == 2


def test_a_rehearsal_changes_neither_the_state_nor_what_is_drawn(job, mine, monkeypatch) -> None:
    def begun() -> tuple:
        state.forget()
        setup = job(f"{mine} tracking=off +model.how=norm +dataset.n=45")
        weights = [tensor.clone() for tensor in setup.state.model.state_dict().values()]
        drawn = torch.rand(3).tolist(), np.random.rand(), random.random()
        return weights, drawn, len(setup.state.optimizer.state)

    with_it = begun()
    monkeypatch.setattr(built, "rehearse", lambda *_: None)
    without = begun()
    assert all(map(torch.equal, with_it[0], without[0]))
    assert with_it[1:] == without[1:]


def test_a_model_that_no_copy_is_of_is_built_anew_for_each_run(command, mine: str) -> None:
    line = f"-m {mine} tracking=off lr=0.01,0.0100"
    copied = command(f"{line} +model.how=ok")
    tied = command(f"{line} +model.how=closure")
    assert tied.status == 0, tied.err
    losses = re.findall(r"\d\.\d{3,}", copied.out)
    assert len(losses) >= 4
    assert re.findall(r"\d\.\d{3,}", tied.out) == losses


@pytest.mark.parametrize("clipping", ["none", "global_norm", "norm", "value", "adaptive"])
@pytest.mark.parametrize("optimizer", ["SGD", "momentum", "SparseAdam"])
def test_sparse_gradients_are_trained(command, mine: str, optimizer: str, clipping: str) -> None:
    words = f"model._target_=mine.Words clipping={clipping} train.epochs=20 tracking=off"
    words += " states=off"  # which hold no sparse tensors
    if optimizer == "SparseAdam":
        words += " optimizer._target_=torch.optim.SparseAdam ~optimizer.weight_decay"
    if optimizer == "momentum":
        words += " optimizer.momentum=0.9"
    done = command(f"{mine} optimizer={'adam' if optimizer == 'SparseAdam' else 'sgd'} {words}")
    assert (done.err, done.status) == ("", 0)


METRIC = """
def measure(scores, labels, how):
    return {}["inputs"] if how == "key" else labels if how == "vector" else labels.sum() / how
"""


@pytest.fixture
def metric(folder: Path, mine: str, monkeypatch: pytest.MonkeyPatch):
    """Writes a metric of a person's own; returns the words of a run with it."""

    def describe(how: object) -> str:
        (folder / "measured.py").write_text(METRIC)
        monkeypatch.setattr("runner.results.metrics.METRICS", {**METRICS})
        sys.modules.pop("measured", None)
        importlib.invalidate_caches()
        own = f"{{_target_: measured.measure, direction: maximize, how: {how}}}"
        return f"{mine} tracking=off '+task.metrics.own={own}'"

    yield describe
    sys.modules.pop("measured", None)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("key", "must take outputs (20, 2) and targets (20,); it fails with KeyError: 'inputs' ("),
        ("vector", "must return one number, got (20,)"),
    ],
)
def test_a_metric_of_ones_own_that_fails_is_one_line(command, metric, how: str, says: str) -> None:
    done = command(metric(how))
    assert done.status == 2
    assert done.err.startswith(f"error: task.metrics.own {says}")


def test_a_metric_of_ones_own_can_be_listened_to(command, metric) -> None:
    plateau = "schedule=plateau schedule.monitor=val/own schedule.patience=1 train.eval_every=1"
    done = command(f"{metric(1.0)} {plateau}")
    assert (done.err, done.status) == ("", 0)
    rates = re.findall(r"^step .*lr (\S+)", done.out, re.MULTILINE)
    assert rates == ["0.01", "0.01", "0.005", "0.0025"]
    done = command(f"{metric(1.0)} {plateau} schedule.mode=min")
    assert "schedule.mode must be null or max, as a higher val/own is better" in done.err
    done = command(f"{metric(0.0)} {plateau} lr=0.02")
    assert done.status == 3
    assert "DIVERGED: val/own is inf at step 1, learning rate 0.02" in done.out


def test_own_code_that_exits_in_the_middle_is_a_failed_run(command, store, mine: str) -> None:
    done = command(f"{mine} model._target_=mine.Late")
    assert done.status == 1
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    assert f"SystemExit: 7 (mine.py, line {line_of('sys.exit(7)')})" in done.out


def test_a_run_that_diverges_before_its_first_update_says_where_to_look(command, mine) -> None:
    line = "model=quadratic dataset=none schedule=cosine optimizer=sgd tracking=off train.steps=3"
    done = command(f"{line} model.w=1e30")
    assert done.status == 3
    assert (
        "train/loss is inf at step 0, learning rate 0.001; no update was made yet: look at the "
        "data and the initial weights" in done.out
    )
    later = command(f"{line} train.steps=300 lr=10")
    assert later.status == 3
    assert "no update was made yet" not in later.out
