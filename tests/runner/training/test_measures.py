"""Metrics of a whole split, batch by batch, beside scikit-learn's of all at once."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from runner.training.measures import MAE, R2, RMSE, Accuracy, Measure, Perplexity, Whole


def measured(measure: Measure, outputs: torch.Tensor, targets: torch.Tensor, cuts=()) -> float:
    """What a measure finds that hears the parts between some cuts."""
    edges = [0, *sorted(cuts), len(outputs)]
    for start, stop in itertools.pairwise(edges):
        if stop > start:
            measure.update(outputs[start:stop], targets[start:stop])
    return float(measure.compute())


@st.composite
def numbers(draw):
    """Outputs and targets of one or two columns, far from 0, and cuts."""
    n, columns = draw(st.integers(2, 40)), draw(st.sampled_from([None, 2]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (n,) if columns is None else (n, columns)
    targets = draw(st.sampled_from([0.0, 1e4])) + rng.normal(size=shape)
    outputs = targets + draw(st.sampled_from([0.1, 3.0])) * rng.normal(size=shape)
    cuts = draw(st.lists(st.integers(0, n), max_size=3))
    return torch.tensor(outputs), torch.tensor(targets), cuts


@given(numbers())
def test_errors_are_scikit_learns_whatever_the_batches(drawn) -> None:
    outputs, targets, cuts = drawn
    pair = targets.numpy(), outputs.numpy()
    assert measured(MAE(), outputs, targets, cuts) == pytest.approx(
        sklearn.mean_absolute_error(*pair), rel=1e-9
    )
    assert measured(RMSE(), outputs, targets, cuts) == pytest.approx(
        math.sqrt(sklearn.mean_squared_error(*pair)), rel=1e-9
    )
    expected = sklearn.r2_score(*pair)
    assert measured(R2(), outputs, targets, cuts) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("outputs", [[3.0, 3.0, 3.0], [3.0, 3.0, 4.0]])
def test_r2_of_a_column_that_is_constant(outputs: list[float]) -> None:
    targets = torch.full((3,), 3.0)
    expected = sklearn.r2_score(targets, outputs)
    assert measured(R2(), torch.tensor(outputs), targets, [1]) == expected


@pytest.mark.parametrize("k", [1, 2, 3, 9])
def test_accuracy_is_the_share_of_labels_among_the_k_highest(k: int) -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(50, 4, generator=generator)
    labels = torch.randint(0, 4, (50,), generator=generator)
    ranks = (scores > scores.gather(1, labels[:, None])).sum(1)
    assert measured(Accuracy(k), scores, labels, [20]) == (ranks < k).double().mean().item()
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        Accuracy(0)


def test_perplexity_is_that_of_the_mean_over_all_tokens() -> None:
    scores = torch.log(torch.tensor([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]]))
    labels = torch.tensor([0, 1, 1])
    expected = (1 / (0.5 * 0.75 * 0.9)) ** (1 / 3)
    assert measured(Perplexity(), scores, labels, [1]) == pytest.approx(expected, rel=1e-6)
    hopeless = torch.tensor([[0.0, 1e6]])
    assert measured(Perplexity(), hopeless, torch.tensor([0])) == math.inf


def test_a_function_hears_all_batches_at_once() -> None:
    outputs, targets = torch.arange(6.0), torch.arange(6.0).flip(0)
    measure = Whole(lambda outputs, targets: (outputs * targets).sum())
    assert measured(measure, outputs, targets, [1, 4]) == 20.0


@pytest.mark.parametrize("measure", [Accuracy(), Perplexity(), MAE(), RMSE(), R2()])
def test_a_measure_forgets(measure: Measure) -> None:
    scores, labels = torch.tensor([[1.0, 0.0]]), torch.tensor([1])
    pair = (scores, labels) if isinstance(measure, Accuracy | Perplexity) else (scores, scores + 1)
    measure.update(*pair)
    first = float(measure.compute())
    measure.reset()
    assert math.isnan(measure.compute())
    measure.update(*pair)
    assert float(measure.compute()) == first
