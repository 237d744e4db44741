"""How much models compute, beside what torch counts, and how many threads they get for it."""

import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from runner.training import arithmetic, devices
from runner.training.arithmetic import SMALL, counting, threads_for


def counted(model: nn.Module, inputs: torch.Tensor) -> tuple[int, float]:
    """The products that we count of a sample, and that torch does."""
    model.eval()
    with torch.no_grad(), counting() as operations:
        model(inputs)
    with warnings.catch_warnings(), torch.no_grad(), FlopCounterMode(display=False) as flops:
        model(inputs)
    samples = len(inputs)
    operations.outputs = 0
    return operations.of_a_sample(model, samples), flops.get_total_flops() / 2 / samples


@pytest.mark.parametrize("name", ["mlp", "lenet", "keras_cnn", "linear"])
def test_products_are_those_that_torch_counts(job: Any, name: str) -> None:
    setup = job(f"model={name} tracking=off")
    model = setup.state.model
    ours, theirs = counted(model, torch.zeros(3, *setup.data.input_shape))
    biases = sum(weight.numel() for weight in model.parameters() if weight.ndim == 1)
    assert theirs <= ours <= theirs + biases


def test_tokens_count_each() -> None:
    model = nn.Sequential(nn.Linear(4, 6, bias=False), nn.TransformerEncoderLayer(6, 2, 8, 0.0))
    ours, theirs = counted(model, torch.zeros(5, 7, 4))
    assert theirs / 2 < ours < theirs * 2


class Functional(nn.Module):
    """Uses its weights where no module of them is called."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(50, 40)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return functional.linear(inputs, self.inner.weight).sum(1)


def test_each_weight_counts_at_least_once() -> None:
    assert counted(Functional(), torch.zeros(2, 50)) == (50 * 40 + 40, 50 * 40)


def test_outputs_count_where_they_are_made() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sequential(nn.Tanh(), nn.Flatten()))
    with counting() as operations:
        model(torch.zeros(3, 1, 4, 4))
    assert operations.outputs == 3 * 3 * 32
    assert operations.of_a_sample(model, 3) == 32 + arithmetic.OUTPUT * 96


def test_several_threads_begin_behind_the_smallest_worth_them() -> None:
    assert [threads_for(SMALL // 10, size, most=6) for size in (9, 10, 11)] == [1, 1, 6]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("model=mlp", 1),
        ("model=lenet train.batch_size=8", 1),
        ("model=lenet train.batch_size=32", 8),
        ("model=keras_cnn", 8),
        ("model=quadratic dataset=none", 1),
        ("model=mlp model.hidden=[2048,2048]", 8),
        ("model=mlp model.hidden=[2048,2048] train.batch_size=4", 1),
        ("model=mlp threads=3", 3),
        ("model=mlp model.hidden=[2048,2048] threads=3", 3),
    ],
)
def test_a_run_gets_what_its_model_is_worth(job, monkeypatch, words: str, expected: int) -> None:
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 8)
    before = torch.get_num_threads()
    try:
        setup = job(f"{words} tracking=off")
        assert torch.get_num_threads() == expected
    finally:
        torch.set_num_threads(before)
    assert (setup.settings.threads, setup.trial.recipe.threads) == (expected, expected)


def test_counting_ends() -> None:
    model = nn.Linear(3, 2)
    with counting() as operations:
        model(torch.zeros(1, 3))
    model(torch.zeros(1, 3))
    assert (operations.products, operations.outputs) == (6, 2)
