"""The fingerprint: everything that decides a state, and nothing else."""

import dataclasses

import numpy as np
import pytest

from runner.trial.trial import Recipe, Trial, fingerprint
from schedules import Cosine, Horizon, ReduceOnPlateau

RECIPE = Recipe(
    model={"_target_": "m", "hidden": [3]},
    dataset={"_target_": "d"},
    optimizer={"_target_": "o"},
    clipping={"_target_": "c"},
    batch_size=8,
    seed=0,
    precision="float32",
    device="cpu",
    threads=2,
    weights=None,
    versions={"torch": "2"},
)
TRACE = np.array([0.1, 0.05])


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(Recipe)])
def test_every_part_of_the_recipe_counts(name):
    other = dataclasses.replace(RECIPE, **{name: "other"})
    assert fingerprint(other, TRACE) != fingerprint(RECIPE, TRACE)


def test_every_rate_counts_to_the_last_bit():
    assert fingerprint(RECIPE, TRACE) == fingerprint(RECIPE, TRACE.copy())
    assert fingerprint(RECIPE, np.nextafter(TRACE, 1)) != fingerprint(RECIPE, TRACE)
    assert fingerprint(RECIPE, TRACE[:1]) != fingerprint(RECIPE, TRACE)


def test_the_order_of_keys_does_not_count():
    turned = dataclasses.replace(RECIPE, model={"hidden": [3], "_target_": "m"})
    assert fingerprint(turned, TRACE) == fingerprint(RECIPE, TRACE)


def test_two_runs_share_the_fingerprint_of_their_common_beginning():
    horizon = Horizon(total_steps=10, steps_per_epoch=5)
    short = Trial(RECIPE, Cosine(lr=0.1, decay_steps=10), horizon).trace()
    long = Trial(RECIPE, Cosine(lr=0.1, decay_steps=10), Horizon(15, 5)).trace()
    assert fingerprint(RECIPE, short) == fingerprint(RECIPE, long[:10])


def test_a_listening_schedule_has_no_trace_beforehand():
    assert Trial(RECIPE, ReduceOnPlateau(lr=0.1), Horizon(10, 5)).trace() is None
