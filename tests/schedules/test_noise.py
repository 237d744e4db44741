"""The noise: normal, independent, and a pure function of the seed and the step."""

import numpy as np
import pytest

from schedules import LinearCosine, NoisyLinearCosine
from schedules.linear_cosine import _LARGEST, _normals

COUNT = 1_000_000
STEPS = np.arange(COUNT)


@pytest.fixture(scope="module")
def noise():
    return _normals(0, STEPS)


# Of a million independent values the mean differs from its own by 0.001, a standard deviation,
# and so do correlations; the bounds below lie 5 of them away.
def test_its_moments_are_those_of_a_normal(noise):
    assert abs(noise.mean()) < 0.005
    assert abs(noise.var() - 1) < 0.007
    assert abs((noise**3).mean()) < 0.02
    assert abs((noise**4).mean() - 3) < 0.05
    assert np.abs(noise).max() < _LARGEST


@pytest.mark.parametrize(
    ("limit", "share"), [(-1.959964, 0.025), (0.0, 0.5), (0.67449, 0.75), (2.326348, 0.99)]
)
def test_its_quantiles_are_those_of_a_normal(noise, limit, share):
    assert (noise < limit).mean() == pytest.approx(share, abs=0.0025)


@pytest.mark.parametrize("distance", [1, 2, 3, 16, 1000])
def test_steps_are_independent(noise, distance):
    a, b = noise[:-distance], noise[distance:]
    assert abs((a * b).mean()) < 0.005
    assert abs((a**2 * b**2).mean() - 1) < 0.015


@pytest.mark.parametrize("seed", [1, 2, 1000, 2**32, 2**63, 2**64 - 1])
def test_seeds_are_independent(noise, seed):
    other = _normals(seed, STEPS)
    assert abs(other.mean()) < 0.005
    assert abs(other.var() - 1) < 0.007
    assert abs((noise * other).mean()) < 0.005
    assert not (noise == other).any()


def test_first_steps_of_many_seeds_are_independent():
    first = np.array([_normals(seed, STEPS[:2]) for seed in range(20_000)])
    assert abs(first.mean(axis=0)).max() < 0.035
    assert abs(first.var(axis=0) - 1).max() < 0.05
    assert abs((first[1:, 0] * first[:-1, 0]).mean()) < 0.035
    assert abs((first[:, 0] * first[:, 1]).mean()) < 0.035


def test_the_noise_of_a_step_does_not_depend_on_the_others_asked_for():
    schedule = NoisyLinearCosine(lr=0.1, decay_steps=1000, seed=3)
    trace = schedule(np.arange(1000))
    assert [schedule(t) for t in (999, 0, 500, 0)] == [trace[t] for t in (999, 0, 500, 0)]
    assert (
        trace.tolist()
        == NoisyLinearCosine(lr=0.1, decay_steps=1000, seed=3)(np.arange(1000)).tolist()
    )


def test_first_values_are_the_same_on_every_machine():
    expected = [-0.3099689389873375, -0.3143768658020928, -0.8033961878339885, -0.6951205718924982]
    assert _normals(0, np.array([0, 1, 2, 2**53])).tolist() == pytest.approx(expected, rel=1e-12)


def test_seeds_give_different_rates():
    t = np.arange(100)
    traces = {tuple(NoisyLinearCosine(lr=0.1, decay_steps=100, seed=seed)(t)) for seed in range(50)}
    assert len(traces) == 50


def test_the_variance_falls_as_the_formula_says():
    # Half a cycle in a million leaves the cosine at 1, and so much offset the rate above 0.
    plain = {"lr": 1.0, "decay_steps": COUNT, "half_cycles": 1e-9, "linear_offset": 100.0}
    noisy = NoisyLinearCosine(**plain, initial_variance=4.0, variance_decay=0.5, seed=5)
    noise = noisy(STEPS) - LinearCosine(**plain)(STEPS)
    for start in (1_000, 100_000, 900_000):
        some = slice(start, start + 50_000)
        variance = 4.0 / np.sqrt(1.0 + STEPS[some])
        assert (noise[some] ** 2 / variance).mean() == pytest.approx(1, abs=0.04)


def test_a_noisy_rate_never_falls_below_0_and_holds_at_the_end():
    schedule = NoisyLinearCosine(lr=0.1, decay_steps=500, half_cycles=2, initial_variance=9.0)
    trace = schedule(np.arange(500))
    assert trace.min() == 0.0
    assert trace.max() > 0.1
    assert {schedule(t) for t in (500, 501, 10**9)} == {schedule(500)}
