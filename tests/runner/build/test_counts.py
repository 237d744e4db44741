"""The table of what counts: each row against the names and the bits of a small run."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from runner.build.counts import TABLE, Counts, counts
from runner.config.settings import SECTIONS, Schema, Train
from runner.training.loop import train
from runner.trial import Recipe

RECIPE, TRACE, NOWHERE = Counts
BASE = "model=mlp model.hidden=[5] threads=1 tracking=off train.steps=6 train.batch_size=900 "
NOT_KEYS = {"code", "content", "versions", "machine", "format"}  # test_machine.py, code/, below
ROWS = {
    "model": ("", "model.hidden=[6]"),
    "model.weights": ("", "model.weights=one.safetensors"),
    "dataset": ("dataset=mnist_5k", "+dataset.augment._target_=runner.training.augment.crop_flip"),
    "dataset.root": ("dataset=mine.data dataset.root=a", "dataset=mine.data dataset.root=b"),
    "dataset.workers": ("dataset.workers=null", "dataset.workers=0"),
    "task": ("", "task.loss=torch.nn.functional.cross_entropy task.loss.label_smoothing=0.1"),
    "task.metric": ("", "task.metric=loss"),
    "task.metrics": ("", "'task.metrics={right: {_target_: mine.right, direction: maximize}}'"),
    "optimizer": ("", "optimizer.betas=[0.8,0.999]"),
    "clipping": ("", "clipping=global_norm clipping.max_norm=0.01"),
    "*.*_schedule": ("", "optimizer/weight_decay_schedule=cosine"),
    "lr": ("", "lr=0.1"),
    "schedule": ("", "schedule=cosine"),
    "warmup": ("", "warmup=linear"),
    "seed": ("", "seed=1"),
    "precision": ("", "precision=bfloat16"),
    "threads": ("", "threads=2"),
    "train.batch_size": ("", "train.batch_size=800"),
    "train.accumulate": ("", "train.accumulate=2"),
    "train.drop_last": ("", "train.drop_last=true"),
    "train.ema": ("", "train.ema=0.5"),
    "train.graph": ("", "train.graph=auto"),
    "train.steps": ("schedule=constant", "schedule=constant train.steps=7"),
    "train.epochs": ("schedule=constant", "schedule=constant train.steps=null train.epochs=2"),
    "train.eval_every": ("", "train.eval_every=2"),
    "train.stop_after": ("", "train.stop_after=6"),
    "train.keep": ("", "train.keep=best"),
    "tracking": ("", "tracking.experiment=other"),
    "states": ("", "states.every=2 states.max_bytes=1GB"),
}
MINE = """
from runner.training.datasets import mnist_5k

def data(root: str):
    return mnist_5k()

def right(outputs, targets):
    return (outputs.argmax(1) == targets).float().mean()
"""
ELSEWHERE = {"loop", "device", "train.steps_per_epoch", "train.compile"}  # test_compiled.py


def test_each_row_is_tried() -> None:
    assert ROWS.keys() | NOT_KEYS | ELSEWHERE == TABLE.keys()


def test_each_key_has_a_row() -> None:
    for one in fields(Schema):
        inner = [f".{key.name}" for key in fields(Train)] if one.name == "train" else [""]
        for key in inner if one.name in SECTIONS else [""]:
            assert isinstance(counts(f"{one.name}{key}"), Counts)
    with pytest.raises(KeyError, match="something"):
        counts("something.new")


@pytest.fixture
def ran(job: Any) -> Any:
    """A run of a line: its recipe's digest, the names of its numbers and its weights by step."""

    def run(line: str) -> tuple[str, list[str], list[np.ndarray]]:
        setup = job(BASE + line)
        assert setup.trial.recipe.unnamed == ""
        names = [setup.trial.name(step).trace for step in (1, 6)]
        list(train(setup.state, setup.trial, setup.data, lambda: setup.state.step == 6, cuts=[6]))
        kept = setup.state.model.state_dict()
        if setup.state.average is not None:
            kept |= {f"ema.{k}": v for k, v in setup.state.average.model.state_dict().items()}
        setup.data.close()
        return setup.trial.recipe.digest, names, [kept[name].numpy() for name in sorted(kept)]

    return run


@pytest.mark.parametrize("row", ROWS)
def test_what_changes_the_bits_changes_the_name_and_nothing_else_does(
    ran: Any, row: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = ROWS[row]
    Path("mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(folder)
    if row == "model.weights":
        from safetensors.torch import save_file

        drawn = torch.Generator().manual_seed(3)
        shapes = {"dense1": (5, 784), "dense2": (10, 5)}
        weights = {f"{k}.weight": torch.rand(v, generator=drawn) for k, v in shapes.items()}
        bias = {f"{k}.bias": torch.zeros(v[0]) for k, v in shapes.items()}
        save_file(weights | bias, "one.safetensors")
    digest, names, bits = ran(one)
    digest_other, names_other, bits_other = ran(other)
    same_bits = len(bits) == len(bits_other) and all(map(np.array_equal, bits, bits_other))
    assert (digest != digest_other) == (TABLE[row] is RECIPE)
    if digest == digest_other:
        assert (names != names_other) == (TABLE[row] is TRACE)
    assert same_bits == (TABLE[row] is NOWHERE)


def test_a_file_of_weights_counts_by_what_it_holds(job: Any, folder: Path) -> None:
    from safetensors.torch import save_file

    weights = job(BASE).state.model.state_dict()
    save_file(weights, "one.safetensors")
    save_file(weights, "copy.safetensors")
    weights["dense2.bias"] = weights["dense2.bias"] + 1
    save_file(weights, "other.safetensors")
    digests = [
        job(f"{BASE} model.weights={name}.safetensors").trial.recipe.digest
        for name in ("one", "copy", "other")
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    "changed",
    [
        {"code": {"mine": "ab"}},
        {"content": "ab"},
        {"versions": {"torch": "1"}},
        {"machine": {"device": "cuda"}},
        {"device": "cuda"},
        {"loop": {"_target_": "mine.train", "total_steps": 7}},
    ],
)
def test_what_no_key_says_counts(job: Any, changed: dict[str, Any]) -> None:
    recipe = job(BASE).trial.recipe
    assert Recipe(**{**vars(recipe), **changed}).digest != recipe.digest


def test_the_format_counts(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = job(BASE).trial.recipe
    before = Recipe(**vars(recipe)).digest
    monkeypatch.setattr("runner.trial.recipe.FORMAT", 2)
    assert Recipe(**vars(recipe)).digest != before
