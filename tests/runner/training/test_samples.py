"""What a data set gives for an index, and how samples become a batch."""

import re

import numpy as np
import pytest
import torch

from runner.training.samples import collated, parted


@pytest.mark.parametrize(
    ("sample", "key", "expected"),
    [
        ((1, 2), None, (1, 2)),
        ([1, 2], None, (1, 2)),
        (1, None, (1, None)),
        ({"x": 1, "label": 2}, None, (1, 2)),
        ({"ids": 1, "mask": 2, "labels": 3}, None, ({"ids": 1, "mask": 2}, 3)),
        ({"ids": 1, "mask": 2, "labels": 3}, "mask", ({"ids": 1, "labels": 3}, 2)),
        ({"ids": 1, "labels": 3}, "", ({"ids": 1, "labels": 3}, None)),
        ({"a": 1}, None, (1, None)),
    ],
)
def test_a_sample_is_a_pair_or_a_mapping(sample, key, expected):
    assert parted(sample, key) == expected


@pytest.mark.parametrize(
    ("sample", "key", "message"),
    [
        ((1, 2, 3), None, "samples must be (inputs, targets) or a mapping, got 3 values"),
        ({"a": 1, "b": 2}, "c", "samples must have 'c', got a, b"),
    ],
)
def test_another_sample_is_refused(sample, key, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parted(sample, key)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([torch.ones(2), torch.zeros(2)], torch.tensor([[1.0, 1.0], [0.0, 0.0]])),
        ([np.ones(2), np.zeros(2)], torch.tensor([[1.0, 1.0], [0.0, 0.0]])),
        ([[1, 2], [3, 4]], torch.tensor([[1, 2], [3, 4]])),
        ([[[1.5], [2.5]]], torch.tensor([[[1.5], [2.5]]])),
        ([1, 2], torch.tensor([1, 2])),
        ([0.1, 2.0], torch.tensor([0.1, 2.0])),
        ([np.int64(3), np.int64(4)], torch.tensor([3, 4])),
        ([np.float64(0.5)], torch.tensor([0.5])),
        ([torch.ones(1, dtype=torch.uint8)], torch.ones(1, 1, dtype=torch.uint8)),
    ],
)
def test_numbers_become_tensors_of_single_precision_or_of_their_type(samples, expected):
    found = collated(samples, range(len(samples)), "inputs")
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)


def test_a_structure_stays_what_it_is():
    samples = [{"pair": (i, [torch.zeros(2), i])} for i in range(3)]
    found = collated(samples, range(3), "inputs")
    assert found["pair"][0].tolist() == [0, 1, 2]
    assert found["pair"][1][0].shape == (3, 2)
    assert found["pair"][1][1].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (
            ["a", "b"],
            "inputs.text must be tensors, arrays or numbers, got builtins.str at sample 4; or give",
        ),
        (
            [torch.zeros(3), torch.zeros(3), torch.zeros(4)],
            "inputs.text must be of one shape in a batch, got (4,) at sample 9, (3,) at sample 4;",
        ),
        ([(1, 2), (1, 2, 3)], "must be of one shape in a batch, got 3 at sample 7, 2 at sample 4"),
    ],
)
def test_what_makes_no_batch_is_named(samples, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        collated([{"text": one} for one in samples], [4, 7, 9][: len(samples)], "inputs")
