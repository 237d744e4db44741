"""Whatever a person's own code does to a batch or draws, the same command gives the same bits."""

import sys
from pathlib import Path

import pytest
import torch

from runner.training.data import Split
from runner.training.evaluation import evaluate
from runner.training.tasks import Classification

CODE = """\
import random

import numpy as np
import torch
from torch import nn

from runner.training.data import Dataset, Split


def numbers(how, *shape):
    if how == "torch":
        return torch.randn(shape)
    if how == "numpy":
        return torch.from_numpy(np.random.randn(*shape)).float()
    if how == "generator":
        return torch.from_numpy(np.random.default_rng().standard_normal(shape)).float()
    return torch.tensor([random.gauss(0, 1) for _ in range(shape[0] * shape[1])]).reshape(shape)


def drawn(how: str = "torch", bad: bool = False) -> Dataset:
    inputs = [numbers(how, n, 4) for n in (60, 40, 40)]
    parts = [Split(x, (x[:, 0] > 0).long()) for x in inputs]
    if bad:
        parts[2].inputs[0] = float("nan")
    return Dataset(*parts, classes=2)


class Net(nn.Linear):
    def __init__(self, input_shape, classes, how: str = "torch"):
        super().__init__(4, classes)
        self.how = how
        self.scale = 1 + abs(numbers(how, 1, 1).item())
        self.generator = np.random.default_rng()

    def forward(self, x):
        if self.how == "generator":
            return super().forward(self.scale * x * self.generator.random())
        return super().forward(self.scale * x + self.training * numbers(self.how, *x.shape))


class InPlace(nn.Linear):
    def __init__(self, input_shape, classes):
        super().__init__(4, classes)

    def forward(self, x):
        x -= 0.5
        x *= 2
        return super().forward(x)
"""
LINE = (
    "dataset=none dataset._target_=mine.drawn model=linear "
    "train.batch_size=20 train.epochs=3 lr=0.1"
)
HOW = ["torch", "numpy", "random", "generator"]


@pytest.fixture(autouse=True)
def mine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code above as a module, and nothing kept of an earlier one."""
    from runner.build import data

    (folder / "mine.py").write_text(CODE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    data._load.cache_clear()


def found(store) -> list[dict[str, float]]:
    return [run.data.metrics for run in store.runs()]


@pytest.mark.parametrize("how", HOW)
def test_data_drawn_without_a_seed_are_the_same_in_every_run(command, store, how: str) -> None:
    from runner.build import data

    for seed in (0, 1):
        assert command(f"{LINE} +dataset.how={how} seed={seed}").status == 0
        inputs = data.load({"_target_": "mine.drawn", "how": how}).train.inputs.clone()
        data._load.cache_clear()
        assert torch.equal(inputs, data.load({"_target_": "mine.drawn", "how": how}).train.inputs)
    assert command(f"{LINE} +dataset.how={how} seed=0").status == 0
    first, other, again = found(store)
    assert first == again
    assert first != other


@pytest.mark.parametrize("how", HOW)
def test_a_model_that_draws_gives_the_same_bits(command, store, how: str) -> None:
    line = f"{LINE} model._target_=mine.Net +model.how={how}"
    for words in ("", "", "seed=1"):
        assert command(f"{line} {words}").status == 0
    first, again, other = found(store)
    assert first == again
    assert first != other


def test_a_model_that_works_in_place_leaves_the_data_as_they_are(command, store) -> None:
    assert command(f"{LINE} -m model._target_=mine.InPlace lr=0.1,0.10,1e-1").status == 0
    assert command(f"{LINE} -m lr=0.1,0.10").status == 0
    runs = [run.data.metrics for run in store.runs() if run.info.run_name != "summary"]
    assert runs[0] == runs[1] == runs[2]
    assert runs[3] == runs[4]


def test_nobody_who_evaluates_changes_what_the_next_one_sees() -> None:
    inputs = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    split = Split(inputs, (inputs[:, 0] > 0).long())
    before = inputs.clone(), split.targets.clone()

    class Spoils(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x.zero_()
            return super().forward(x)

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        targets.zero_()
        return outputs.fill_(7.0).mean()

    model = Spoils(4, 2)
    with torch.no_grad():
        model.bias[:] = torch.tensor([0.0, 1.0])
    metrics = evaluate(model, Classification(loss=loss), split, "float32")
    assert metrics == {"loss": 7.0, "accuracy": before[1].double().mean().item()}
    assert torch.equal(split.inputs, before[0])
    assert torch.equal(split.targets, before[1])


def test_a_test_loss_that_is_not_finite_is_said(command, store) -> None:
    done = command(f"{LINE} +dataset.bad=true")
    assert done.status == 3
    assert "test/loss is nan" in done.err + done.out
    (run,) = store.runs()
    assert "test/loss is nan" in run.data.tags["diverged"]
