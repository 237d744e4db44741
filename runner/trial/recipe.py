"""Everything that decides a run except the rate, and the name of what it reaches."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run except what follows a schedule. Plain data, as in JSON.

    model, dataset, optimizer, clipping: `_target_` and arguments. weights: the SHA-256 of the
    weights it starts from. threads: CPU threads (their number changes the bits), None elsewhere.
    task: what differs from classification by the cross-entropy. accumulate: batches of an update.
    ema: the decay of an average of the weights. content: the digest of data that are not the same
    everywhere. drop_last: whether an epoch leaves out a last batch that is not whole. loop: of a
    person's own, `_target_`, its keys and its length; the other parts are empty then.
    """

    model: Mapping[str, Any]
    dataset: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    clipping: Mapping[str, Any]
    batch_size: int
    seed: int
    precision: str
    device: str
    threads: int | None
    weights: str | None
    versions: Mapping[str, str]
    task: Mapping[str, Any] = field(default_factory=dict)
    accumulate: int = 1
    ema: float | None = None
    content: str = ""
    drop_last: bool = False
    loop: Mapping[str, Any] = field(default_factory=dict)


_LATER = {  # not in earlier fingerprints
    "task": {},
    "accumulate": 1,
    "ema": None,
    "content": "",
    "drop_last": False,
    "loop": {},
}


def fingerprint(recipe: Recipe, traces: Mapping[str, np.ndarray]) -> str:
    """Return the name of the state that training reaches by a recipe and the numbers so far.

    traces: name -> the value that each update used, `lr` among them. Two runs with the same
    fingerprint have the same weights, bit for bit on one kind of CPU. The source code of a person's
    own classes is not part of it.
    """
    known = {k: v for k, v in vars(recipe).items() if k not in _LATER or v != _LATER[k]}
    text = json.dumps(known, sort_keys=True, default=dict)
    digest = hashlib.sha256(text.encode())
    digest.update(_bytes(traces["lr"]))
    for name in sorted(traces.keys() - {"lr"}):
        digest.update(name.encode())
        digest.update(_bytes(traces[name]))
    return digest.hexdigest()


def _bytes(trace: np.ndarray) -> bytes:
    return np.ascontiguousarray(trace, dtype="<f8").tobytes()
