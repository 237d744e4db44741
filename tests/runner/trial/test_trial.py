"""The fingerprint: everything that decides a state, and nothing else."""

import dataclasses

import numpy as np
import pytest

from runner.trial import Names, Numbers, Recipe, Trial
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


def name(recipe=RECIPE, trace=TRACE, **others):
    names = Names(recipe.digest, {"lr": trace, **others})
    names.extend({"lr": trace, **others})
    return names.at(len(trace))


def trial(schedule, total=10, **others):
    horizon = Horizon(total, 5)
    return Trial(RECIPE, Numbers({"lr": schedule, **others}, horizon), eval_every=5)


@pytest.mark.parametrize("part", [f.name for f in dataclasses.fields(Recipe)])
def test_every_part_of_the_recipe_counts(part):
    other = dataclasses.replace(RECIPE, **{part: "other"})
    assert name(other, TRACE) != name(RECIPE, TRACE)


def test_every_rate_counts_to_the_last_bit():
    assert name(RECIPE, TRACE) == name(RECIPE, TRACE.copy())
    assert name(RECIPE, np.nextafter(TRACE, 1)) != name(RECIPE, TRACE)
    assert name(RECIPE, TRACE[:1]) != name(RECIPE, TRACE)


def test_the_order_of_keys_does_not_count():
    turned = dataclasses.replace(RECIPE, model={"hidden": [3], "_target_": "m"})
    assert name(turned, TRACE) == name(RECIPE, TRACE)


def test_another_number_counts_and_so_does_its_name():
    assert name(momentum=TRACE) != name()
    assert name(momentum=TRACE) != name(weight_decay=TRACE)
    assert name(momentum=TRACE, max_norm=TRACE) == name(max_norm=TRACE, momentum=TRACE)


def test_two_runs_share_the_fingerprint_of_their_common_beginning():
    short, long = trial(Cosine(lr=0.1, decay_steps=10)), trial(Cosine(lr=0.1, decay_steps=10), 15)
    assert short.fingerprint(10) == long.fingerprint(10)
    assert short.fingerprint(9) != long.fingerprint(10)


def test_a_fingerprint_is_of_the_rates_that_were_used():
    schedule = ReduceOnPlateau(lr=0.1)
    cut = {"lr": np.array([0.1] * 5 + [0.05] * 5)}
    assert trial(schedule).fingerprint(5, cut) == trial(schedule).fingerprint(5)
    assert trial(schedule).fingerprint(6, cut) != trial(schedule).fingerprint(6)


def test_a_trace_is_computed_once_and_cannot_be_changed():
    numbers = trial(Cosine(lr=0.1, decay_steps=10)).numbers
    trace = numbers.trace("lr")
    assert numbers.trace("lr") is trace
    with pytest.raises(ValueError, match="read-only"):
        trace[0] = 1.0
    assert np.shares_memory(numbers.between(None, 2, 4)["lr"], trace)


def test_a_schedule_that_listens_gives_its_rates_by_its_memory():
    schedule = ReduceOnPlateau(lr=0.1, patience=1)
    numbers = trial(schedule).numbers
    memory = schedule.begin()
    for loss in (1.0, 1.0):
        memory = schedule.observe(memory, 5, loss)
    assert numbers.between(memory, 5, 7)["lr"].tolist() == [0.05, 0.05]


def test_trials_are_the_same_whatever_their_seed():
    one = trial(Cosine(lr=0.1, decay_steps=10))
    other = dataclasses.replace(one, recipe=dataclasses.replace(RECIPE, seed=7))
    assert one.identity() == other.identity()
    assert one.identity() != trial(Cosine(lr=0.2, decay_steps=10)).identity()
    assert one.identity() != dataclasses.replace(one, eval_every=4).identity()
    plateau = trial(ReduceOnPlateau(lr=0.1))
    assert plateau.identity() == trial(ReduceOnPlateau(lr=0.1)).identity()
    assert plateau.identity() != trial(ReduceOnPlateau(lr=0.1, patience=3)).identity()
