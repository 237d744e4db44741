"""When `runner.trial.recipe.FORMAT` must be another one: small known runs have other bits.

Their arithmetic is the same on every processor: one weight, or draws of seeded generators. Where a
test fails since our own training, data or models now give other bits on purpose, raise FORMAT and
write what is found under the new number; else what has changed the bits is wrong.
"""

import hashlib
from typing import Any

import numpy as np
import pytest

from runner.training.loop import Loop, train
from runner.trial.recipe import FORMAT

ONE = "model=quadratic dataset=none train.steps=20 threads=1 tracking=off seed=7 optimizer=sgd"
MANY = "model=mlp model.hidden=[5] threads=1 tracking=off seed=7"
LINES = {
    "plain": "schedule=exponential",
    "momentum": "optimizer.momentum=0.9 optimizer.nesterov=true clipping=global_norm",
    "average": "clipping=adaptive train.ema=0.5 optimizer.weight_decay=0.5",
    "plateau": "schedule=plateau train.eval_every=3",
}
KNOWN = {
    1: {
        "plain": "2a5831f1007ab190",
        "momentum": "f1969e8588f19fb2",
        "average": "000a9edceecba259",
        "plateau": "a33610b0e08ee2a2",
        "order": "886bcacdeb771b66",
        "drawn": "7e35c1dc1a72793f",
        "start": "c264ab828ec564f1",
    }
}


def digest(*arrays: Any) -> str:
    whole = hashlib.sha256()
    for one in arrays:
        whole.update(np.ascontiguousarray(one).tobytes())
    return whole.hexdigest()[:16]


def weights(setup: Any) -> list[np.ndarray]:
    return [tensor.detach().numpy() for tensor in setup.state.model.state_dict().values()]


@pytest.mark.parametrize("name", LINES)
def test_the_bits_of_one_weight(job: Any, name: str) -> None:
    setup = job(f"{ONE} {LINES[name]}")
    list(train(setup.state, setup.trial, setup.data))
    kept = weights(setup)
    if setup.state.average is not None:
        kept += list(setup.state.average.model.state_dict().values())
    assert digest(*kept) == KNOWN[FORMAT][name], "see the head of this file"


def test_the_order_of_samples_and_what_is_drawn(job: Any) -> None:
    setup = job(f"{MANY} train.batch_size=64 train.accumulate=2")
    loop = Loop(setup.state, setup.trial, setup.data)
    orders = [part.numpy() for t in (0, 1, 40) for part in loop.course(t)]
    assert digest(*orders) == KNOWN[FORMAT]["order"], "see the head of this file"
    drawn = np.array([loop.noise, loop.augmentation])
    assert digest(drawn) == KNOWN[FORMAT]["drawn"], "see the head of this file"


def test_the_weights_at_the_start(job: Any) -> None:
    assert digest(*weights(job(MANY))) == KNOWN[FORMAT]["start"], "see the head of this file"
