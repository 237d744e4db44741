"""Several batches an update: the gradient of the large batch, up to summation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from runner.training.clipping import Unclipped
from runner.training.data import Dataset, Split
from runner.training.loop import train
from runner.training.state import State
from runner.training.tasks import Classification, Language, Own, Regression, Task
from schedules import Constant, Horizon
from tests.runner.training.test_loop import all_of, trial, weights

N = 22  # samples; updates of 12 see batches of 3: the last update has 10, its last batch 1
SIZE, ACCUMULATE = 3, 4


class Tokens(nn.Embedding):
    """Scores of the next token by the last one."""

    def __init__(self) -> None:
        super().__init__(5, 5)


class Squares(nn.Linear):
    """Brings its own loss."""

    def __init__(self) -> None:
        super().__init__(3, 1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (super().forward(x)[:, 0] - y).square().mean()


def drawn(kind: str, n: int) -> Split:
    generator = torch.Generator().manual_seed(n)
    x = torch.randn(n, 3, generator=generator)
    if kind == "language":
        tokens = torch.randint(0, 5, (n, 8), generator=generator)
        lengths = torch.randint(1, 8, (n, 1), generator=generator)
        lengths[1] = 0
        return Split(tokens, torch.where(torch.arange(8) < lengths, tokens.roll(-1, 1), -100))
    if kind == "classes":
        return Split(x, torch.randint(0, 3, (n,), generator=generator))
    return Split(x, 7 + 3 * x.sum(1))


def weighted(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(scores, labels)


CASES: dict[str, tuple[str, type[nn.Module], Task]] = {
    "classes": ("classes", lambda: nn.Linear(3, 3), Classification()),
    "a function": ("classes", lambda: nn.Linear(3, 3), Classification(loss=weighted)),
    "class weights": (
        "classes",
        lambda: nn.Linear(3, 3),
        Classification(loss=nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 0.5]))),
    ),
    "language": ("language", Tokens, Language()),
    "weighted language": (
        "language",
        Tokens,
        Language(loss=nn.CrossEntropyLoss(torch.tensor([1.0, 1, 1, 1, 9]), label_smoothing=0.1)),
    ),
    "regression": ("numbers", lambda: nn.Linear(3, 1), Regression()),
    "own": ("numbers", Squares, Own()),
}


def trained(case: str, batch_size: int, accumulate: int, precision: str = "float32"):
    kind, model_of, task = CASES[case]
    data = Dataset(drawn(kind, N), drawn(kind, 9), drawn(kind, 9), None if kind == "numbers" else 5)
    torch.manual_seed(0)
    model = model_of()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    state = State(model, optimizer, Unclipped(), task.of(data))
    one = trial(Constant(lr=0.1), Horizon(6, 2, N), precision=precision)
    recipe = replace(one.recipe, batch_size=batch_size, accumulate=accumulate)
    return state, all_of(train(state, replace(one, recipe=recipe), data))


@pytest.mark.parametrize("case", CASES)
def test_an_update_is_that_of_the_large_batch(case: str) -> None:
    state, found = trained(case, SIZE, ACCUMULATE)
    large, expected = trained(case, SIZE * ACCUMULATE, 1)
    assert len(found["train/loss"]) == 6
    for key in ("train/lr", "train/loss", "train/grad_norm", "val/loss"):
        np.testing.assert_allclose(found[key], expected[key], rtol=2e-5, err_msg=key)
    torch.testing.assert_close(weights(state), weights(large), rtol=2e-5, atol=1e-6)


def test_a_batch_of_padding_alone_counts_nothing() -> None:
    assert (drawn("language", N).targets == -100).all(1).any()
    _, found = trained("language", 1, 12)
    _, expected = trained("language", 12, 1)
    np.testing.assert_allclose(found["train/loss"], expected["train/loss"], rtol=2e-5)
