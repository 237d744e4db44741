"""The samples of each update, and what each may draw from."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from runner.training.course import Course, order, seeds
from runner.trial import Recipe

CPU = torch.device("cpu")
RECIPE = Recipe({}, {}, {}, {}, 4, 3, "float32", "cpu", 1, None, {})


def test_the_updates_of_an_epoch_take_its_order_batch_by_batch():
    course = Course(replace(RECIPE, accumulate=2), steps_per_epoch=3, n=19, device=CPU)
    for epoch in range(2):
        parts = [course(3 * epoch + i) for i in range(3)]
        assert [[len(part) for part in one] for one in parts] == [[4, 4], [4, 4], [3]]
        assert torch.equal(torch.cat([p for one in parts for p in one]), order(3, epoch, 19))


def test_a_last_batch_that_is_left_out_is_the_orders_end():
    course = Course(RECIPE, steps_per_epoch=4, n=19, device=CPU)
    parts = [course(i)[0] for i in range(8)]
    assert [len(part) for part in parts] == [4] * 8
    assert torch.equal(torch.cat(parts[:4]), order(3, 0, 19)[:16])
    assert torch.equal(torch.cat(parts[4:]), order(3, 1, 19)[:16])


@pytest.mark.parametrize("accumulate", [1, 2, 5])
@pytest.mark.parametrize("n", [19, 20, 24, None])
def test_the_number_of_batches_is_known_beforehand(n, accumulate):
    per_epoch = math.ceil((n or 28) / (4 * accumulate))
    course = Course(replace(RECIPE, accumulate=accumulate), per_epoch, n, CPU)
    for t in range(2 * per_epoch):
        assert course.batches(t) == len(course(t))


def test_a_stream_is_taken_in_its_own_order():
    course = Course(replace(RECIPE, accumulate=2), 100, None, CPU)
    assert [part.tolist() for part in course(1)] == [[8, 9, 10, 11], [12, 13, 14, 15]]


def test_a_samples_seed_is_that_of_splitmix64():
    def by_hand(z: int) -> int:
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return (z ^ (z >> 31)) >> 1

    start = int(np.random.SeedSequence((3, 1, 0)).generate_state(1, np.uint64)[0])
    expected = [by_hand((start + (i + 1) * 0x9E3779B97F4A7C15) % 2**64) for i in (0, 7, 10**6)]
    assert seeds((3, 1, 0), np.array([0, 7, 10**6])).tolist() == expected


def test_no_two_samples_epochs_or_parts_share_a_seed():
    keys = [(seed, epoch, part) for seed in range(3) for epoch in range(3) for part in range(3)]
    drawn = np.concatenate([seeds(key, np.arange(1000)) for key in keys])
    assert len(set(drawn.tolist())) == len(drawn)
    assert drawn.min() >= 0
