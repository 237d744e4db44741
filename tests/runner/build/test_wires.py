"""From a setting to the bits: what decides a run must change its weights or its fingerprint."""

import functools
from typing import Any

import pytest
import torch

from runner.build import setup
from runner.training import models
from runner.training.loop import train

MODEL = "model=mlp model.hidden=[8] model.dropout=0.2 dataset.train_size=512"
BASE = (
    f"{MODEL} tracking=off seed=3 train.steps=6 train.batch_size=32 train.eval_every=3 "
    "schedule=exponential schedule.decay_steps=2 schedule.decay_rate=0.9 optimizer=sgd "
    "optimizer.momentum=0.9 optimizer.weight_decay=0.01 clipping=global_norm clipping.max_norm=0.5"
)
DECIDE = [
    "lr=0.002",
    "seed=4",
    "precision=bfloat16",
    "train.batch_size=16",
    "train.steps=7",
    "model.hidden=[9]",
    "model.dropout=0.3",
    "dataset.split_seed=1",
    "dataset.train_size=256",
    "schedule.decay_rate=0.8",
    "schedule.decay_steps=1",
    "schedule.staircase=true",
    "schedule.floor=0.00099",
    "schedule.start=2",
    "warmup=linear warmup.fraction=0.5",
    "optimizer.momentum=0.8",
    "optimizer.weight_decay=0.5",
    "optimizer.nesterov=true",
    "optimizer.layer_decay=0.5",
    "optimizer.groups='[{pattern: dense1.*, lr_scale: 0.1}]'",
    "optimizer.groups='[{pattern: dense1.*, weight_decay: 0.9}]'",
    "optimizer.groups='[{pattern: dense1.*, frozen: true}]'",
    "optimizer/momentum_schedule=one_cycle",
    "optimizer/weight_decay_schedule=cosine",
    "clipping=norm",
    "clipping.max_norm=0.1",
    "clipping/max_norm_schedule=linear",
    "+task.loss.label_smoothing=0.2",
]
QUADRATIC = "model=quadratic dataset=none optimizer=sgd schedule=constant train.steps=9 threads=1"
DO_NOT = ["train.eval_every=2", "train.keep=best", "tracking.run_name=x"]


def reached(job: Any, line: str) -> tuple[torch.Tensor, str, str]:
    """The weights, the fingerprint of the beginning and that of the end."""
    setup = job(line)
    before = setup.trial.fingerprint(0)
    list(train(setup.state, setup.trial, setup.data))
    weights = torch.cat([p.detach().flatten() for p in setup.state.model.parameters()])
    return weights, before, setup.trial.fingerprint(setup.state.step)


@pytest.mark.parametrize("change", DECIDE)
def test_what_decides_a_run_changes_its_weights_and_its_name(job: Any, change: str) -> None:
    weights, _, name = reached(job, BASE)
    other, _, other_name = reached(job, f"{BASE} {change}")
    assert name != other_name
    assert weights.shape != other.shape or not torch.equal(weights, other)


@pytest.mark.parametrize("change", DO_NOT)
def test_what_only_looks_on_changes_neither(job: Any, change: str) -> None:
    weights, before, name = reached(job, BASE)
    other, other_before, other_name = reached(job, f"{BASE} {change}")
    assert torch.equal(weights, other)
    assert (before, name) == (other_before, other_name)


def test_the_number_of_threads_is_torchs_and_in_the_name(job: Any) -> None:
    before = torch.get_num_threads()
    try:
        one = job(f"{BASE} threads=1").trial
        assert torch.get_num_threads() == 1
        two = job(f"{BASE} threads=2").trial
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert (one.recipe.threads, two.recipe.threads) == (1, 2)
    assert one.fingerprint(0) != two.fingerprint(0)


def test_data_and_weights_are_made_by_one_thread(job: Any, monkeypatch: Any) -> None:
    used = []
    make, load = models.Linear.__init__, setup.load

    @functools.wraps(make)
    def made(self: Any, *given: Any, **named: Any) -> None:
        used.append(("model", torch.get_num_threads()))
        make(self, *given, **named)

    def loaded(spec: Any) -> Any:
        used.append(("data", torch.get_num_threads()))
        return load(spec)

    monkeypatch.setattr(models.Linear, "__init__", made)
    monkeypatch.setattr(setup, "load", loaded)
    before = torch.get_num_threads()
    try:
        job("model=linear threads=2 tracking=off seed=77")
    finally:
        torch.set_num_threads(before)
    assert used == [("data", 1), ("model", 1)]


def test_weights_to_start_from_are_in_the_name(job: Any, folder: Any) -> None:
    from safetensors.torch import save_file

    fresh = job(BASE)
    state = {name: tensor + 1 for name, tensor in fresh.state.model.state_dict().items()}
    save_file(state, folder / "w.safetensors")
    started = job(f"{BASE} model.weights=w.safetensors")
    assert started.trial.fingerprint(0) != fresh.trial.fingerprint(0)
    for name, tensor in started.state.model.state_dict().items():
        assert torch.equal(tensor, state[name])


def test_two_setups_of_one_recipe_share_no_weights(job: Any) -> None:
    one, other = job(BASE), job(BASE)
    list(train(one.state, one.trial, one.data))
    fresh = job(BASE)
    for name, tensor in other.state.model.state_dict().items():
        assert torch.equal(tensor, fresh.state.model.state_dict()[name])
    assert not torch.equal(
        one.state.model.state_dict()["dense1.weight"],
        fresh.state.model.state_dict()["dense1.weight"],
    )
    assert other.state.step == 0


@pytest.mark.parametrize(
    ("words", "is_same"),
    [
        ("seed=7", True),
        ("lr=0.001", True),
        ("lr=0.002", False),
        ("train.eval_every=3", False),
        ("train.steps=8", False),
        ("optimizer.momentum=0.5", False),
        ("model.w=1.0", False),
    ],
)
def test_an_identity_is_what_trains_and_is_evaluated(job: Any, words: str, is_same: bool) -> None:
    assert (
        job(f"{QUADRATIC} {words}").trial.identity() == job(QUADRATIC).trial.identity()
    ) == is_same
