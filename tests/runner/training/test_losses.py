"""Losses of torch's and of a person's own."""

import functools
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from runner.training.losses import total_loss
from runner.training.tasks import Classification

LINE = "model=linear train.steps=3 tracking=off"


def test_the_sum_of_a_loss_with_and_without_a_reduction() -> None:
    scores, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    expected = functional.cross_entropy(scores, labels, reduction="none").sum()
    batch = torch.zeros(5, 1), labels
    torch.testing.assert_close(total_loss(Classification(), scores, batch), expected)
    own = Classification(loss=lambda s, t: functional.cross_entropy(s, t))
    torch.testing.assert_close(total_loss(own, scores, batch), expected)


def test_a_loss_of_a_persons_own_trains_and_is_evaluated(
    job, command, store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mine_loss.py").write_text(
        "from torch.nn.functional import cross_entropy\n"
        "def scaled(outputs, targets, by=1.0):\n"
        "    return by * cross_entropy(outputs, targets)\n"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine_loss", raising=False)
    line = "model=linear lr=0 schedule=constant train.steps=3"
    own = "task.loss._target_=mine_loss.scaled +task.loss.by=2"
    assert command(line).status == 0
    assert command(f"{line} {own}").status == 0
    usual, scaled = (store.records(run) for run in store.runs())
    np.testing.assert_allclose(scaled["train/loss"], 2 * usual["train/loss"], rtol=1e-6)
    np.testing.assert_allclose(scaled["val/loss"], 2 * usual["val/loss"], rtol=1e-6)
    assert scaled["val/accuracy"].tolist() == usual["val/accuracy"].tolist()
    assert job(f"{line} {own}").trial.fingerprint(0) != job(line).trial.fingerprint(0)


def test_a_loss_that_cannot_be_found_is_refused(command) -> None:
    done = command(f"{LINE} task.loss._target_=nowhere.loss")
    assert done.status == 2
    assert done.err.startswith("error: task.loss._target_ must name a class that can be imported")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "task.loss.label_smoothing=3",
            "error: task.loss must take outputs (2, 10) and targets (2,); "
            "it fails with RuntimeError: label_smoothing must be",
        ),
        (
            "+task.loss.reduction=none",
            "error: task.loss.reduction must be mean, got 'none'",
        ),
    ],
)
def test_a_loss_that_fails_on_the_data_is_refused_before_the_run(
    command, folder: Path, words: str, message: str
) -> None:
    done = command(f"model=linear train.steps=3 {words}")
    assert (done.status, done.err[: len(message)]) == (2, message)
    assert not (folder / "mlflow.db").exists()


def test_the_loop_calls_the_loss_itself_and_not_through_hydras_checks(job) -> None:
    loss = job(f"{LINE} task.loss.label_smoothing=0.1").state.task.loss
    assert type(loss) is functools.partial  # Hydra's is a class of its own
    assert (loss.func, loss.keywords) == (functional.cross_entropy, {"label_smoothing": 0.1})


OWN = """
import torch
from torch import nn
from torch.nn import functional as F
from runner.training import Dataset, Split

X = torch.randn(120, 4, generator=torch.Generator().manual_seed(0))
Y = ((X[:, 0] + X[:, 1]) > 0).long()

def split_in_three(inputs, targets, classes=None):
    return Dataset(*(Split(inputs[i::3], targets[i::3]) for i in range(3)), classes=classes)

def labels():
    return split_in_three(X, Y, 2)

def texts(long=True):
    lengths = torch.randint(1, 9, (120, 1), generator=torch.Generator().manual_seed(1))
    tokens = torch.randint(0, 7, (120, 9), generator=torch.Generator().manual_seed(2))
    padding = torch.arange(8)[None] >= (lengths if long else torch.where(lengths > 4, lengths, 0))
    return split_in_three(tokens[:, :-1], tokens[:, 1:].masked_fill(padding, 7), 8)

class Bigrams(nn.Embedding):
    def __init__(self):
        super().__init__(8, 8)

class Focal(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma
    def forward(self, scores, labels):
        log_p = F.log_softmax(scores, 1).gather(1, labels[:, None])
        return -((1 - log_p.exp()) ** self.gamma * log_p).mean()

class Buffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("weight", torch.tensor([1.0, 5.0]))
    def forward(self, scores, labels):
        return (F.cross_entropy(scores, labels, reduction="none") * self.weight[labels]).mean()

def added(scores, labels):
    return F.cross_entropy(scores, labels, reduction="sum")

def knows_no_sum(scores, labels, reduction="mean"):
    if reduction != "mean":
        raise ValueError(reduction)
    return F.cross_entropy(scores, labels)

def among_each_other(scores, labels):
    scores = F.normalize(scores, dim=1)
    return F.cross_entropy(scores @ scores.T, torch.arange(len(scores)))

class Broken:
    def __init__(self):
        raise RuntimeError("no such file")
"""
LABELS = "dataset=none dataset._target_=mine.labels model=linear train.batch_size=40 train.steps=1"
STILL = "lr=1e-30 schedule=constant"


@pytest.fixture
def mine(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The code above, as a module."""
    (folder / "mine.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return importlib.import_module("mine")


def outputs_of(store, run, inputs: torch.Tensor) -> torch.Tensor:
    """What a run's recorded weights make of inputs: by hand."""
    weights = load_file(store.file(run, "weights.safetensors"))
    if "weight" in weights:
        return weights["weight"][inputs]
    weight, bias = (weights[name] for name in sorted(weights, reverse=True))
    return inputs @ weight.T + bias


@pytest.mark.parametrize(
    ("loss", "how"),
    [
        ("Focal", ""),
        ("Buffer", "train.batch_size=10 train.accumulate=4"),
        ("knows_no_sum", "train.batch_size=10 train.accumulate=4"),
        ("among_each_other", ""),
    ],
)
def test_a_persons_own_loss_is_a_mean_over_samples_whatever_it_calls_its_own(
    command, store, mine, loss: str, how: str
) -> None:
    done = command(f"{LABELS} {STILL} task.loss._target_=mine.{loss} {how}")
    assert done.status == 0, done.err
    (run,) = store.runs()
    made = getattr(mine, loss)
    function = made() if isinstance(made, type) else made
    data = mine.labels()
    for split, key in ((data.train, "train/loss"), (data.val, "val/loss")):
        expected = function(outputs_of(store, run, split.inputs), split.targets).item()
        assert store.records(run)[key][-1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("how", ["", "train.batch_size=9 train.accumulate=5"])
@pytest.mark.parametrize("long", [True, False])
def test_weights_smoothing_and_padding_of_a_language_are_those_of_one_large_batch(
    command, store, mine, long: bool, how: str
) -> None:
    loss = "+task.loss.weight=[1,1,1,2,1,1,9,1] task.loss.label_smoothing=0.1"
    line = (
        f"dataset=none dataset._target_=mine.texts +dataset.long={long} model._target_=mine.Bigrams"
    )
    more = f"task=language {loss} +task.loss.ignore_index=7 train.batch_size=40 train.steps=1"
    done = command(f"{line} {more} {STILL} {how}")
    assert done.status == 0, done.err
    (run,) = store.runs()
    weights = torch.tensor([1.0, 1, 1, 2, 1, 1, 9, 1])
    expected = torch.nn.CrossEntropyLoss(weights, ignore_index=7, label_smoothing=0.1)
    data = mine.texts(long)
    for split, key in ((data.train, "train/loss"), (data.val, "val/loss")):
        scores = outputs_of(store, run, split.inputs).flatten(0, 1)
        found = store.records(run)[key][-1]
        assert found == pytest.approx(expected(scores, split.targets.flatten()).item(), rel=1e-5)


def test_a_batch_of_padding_alone_changes_nothing(command, store, mine) -> None:
    line = "dataset=none dataset._target_=mine.texts +dataset.long=false task=language"
    more = "model._target_=mine.Bigrams train.batch_size=1 train.steps=40 +task.loss.ignore_index=7"
    done = command(f"{line} {more} task.loss.label_smoothing=0.1 optimizer=sgd")
    assert done.status == 0, done.err
    (run,) = store.runs()
    losses = store.records(run)["train/loss"]
    empty = (mine.texts(False).train.targets == 7).all(1).sum().item()
    assert (losses == 0).sum() == empty > 0
    assert np.isfinite(losses).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("+task.loss.reduction=sum", "task.loss.reduction must be mean, got 'sum'"),
        (
            "task.loss._target_=torch.nn.CrossEntropyLoss +task.loss.reduction=sum",
            "task.loss.reduction must be mean, got 'sum'",
        ),
        (
            "task.loss._target_=mine.added",
            "task.loss must return the mean over the samples, got their sum",
        ),
        (
            "task.loss._target_=mine.Broken",
            "task.loss must be a class that can be built with its arguments; it fails with "
            "RuntimeError: no such file (mine.py, line 55)",
        ),
        (
            "task.loss.weight=[0,0]",
            "task.loss.weight must be at least 0, one of them more, got [0, 0]",
        ),
    ],
)
def test_a_loss_that_is_no_mean_or_cannot_be_made_is_refused(
    command, folder: Path, mine, words: str, message: str
) -> None:
    done = command(f"{LABELS} {words}")
    assert (done.status, done.err) == (2, f"error: {message}\n")
    assert not (folder / "mlflow.db").exists()
