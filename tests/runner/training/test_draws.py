"""Each sample draws as if the global generators had been seeded for it."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch

from runner.training import draws
from runner.training.draws import ALL, Draws

INDICES, SEEDS = list(range(6)), [70 + i for i in range(6)]
DRAWN: dict[str, Callable[[], float]] = {
    "torch": lambda: torch.rand(()).item(),
    "numpy": lambda: float(np.random.rand()),
    "random": random.random,
}
EXPECTED: dict[str, Callable[[int], float]] = {
    "torch": lambda seed: torch.rand((), generator=torch.Generator().manual_seed(seed)).item(),
    "numpy": lambda seed: float(np.random.RandomState(seed).rand()),
    "random": lambda seed: random.Random(seed).random(),
}


def states():
    _, key, *rest = np.random.get_state()
    return torch.get_rng_state().tolist(), key.tolist(), rest, random.getstate()


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("first", [0, 3], ids=["every sample", "only some samples"])
def test_a_sample_draws_from_its_seed(name: str, first: int) -> None:
    draws = Draws()
    found = draws.read(INDICES, SEEDS, lambda i: DRAWN[name]() if i >= first else 0.0)
    assert found == [EXPECTED[name](70 + i) if i >= first else 0.0 for i in INDICES]
    assert draws.used == {name}


def test_samples_that_draw_from_several_generators_are_the_same_at_once_and_one_by_one() -> None:
    def read(i: int) -> tuple[float, ...]:
        return tuple(draw() for draw in DRAWN.values())

    at_once = Draws().read(INDICES, SEEDS, read)
    one_by_one = [Draws(ALL).read([i], [70 + i], read)[0] for i in reversed(INDICES)]
    assert at_once == one_by_one[::-1]
    assert len(set(at_once)) == 6


def test_the_generators_are_as_before() -> None:
    before = states()
    draws = Draws()
    for _ in range(2):  # finds out, then knows
        draws.read(INDICES, SEEDS, lambda i: [draw() for draw in DRAWN.values()])
    assert states() == before


def test_they_are_as_before_where_a_sample_fails() -> None:
    before = states()

    def read(i: int) -> float:
        torch.rand(())
        if i == 4:
            raise KeyError("x")
        return 0.0

    draws = Draws(ALL)
    with pytest.raises(KeyError):
        draws.read(INDICES, SEEDS, read)
    assert draws.at == 4
    assert states() == before


def test_what_draws_nothing_is_read_once() -> None:
    read: list[int] = []
    assert Draws().read(INDICES, SEEDS, lambda i: read.append(i) or i) == INDICES
    assert read == INDICES


def test_a_worker_that_was_seeded_by_itself_seeds_only_what_samples_draw_from(monkeypatch) -> None:
    one = Draws()

    def read(i: int) -> float:
        return torch.rand(()).item()

    one.read([0, 1], [5, 6], read)  # in the training's process, before a worker is forked
    random.seed(99)
    np.random.seed(99)
    monkeypatch.setattr(draws, "get_worker_info", object)
    one.read([2, 3], [7, 8], read)
    one.read([4, 5], [9, 10], read)
    assert one.used == {"torch"}
