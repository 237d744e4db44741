"""Everything that decides a run except the rate."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

FORMAT = 1  # of our own training: another one where it gives other bits


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run except what follows a schedule. Plain data, as in JSON.

    model, dataset, optimizer, clipping: `_target_` and arguments. weights: the SHA-256 of the
    weights it starts from. threads: CPU threads (their number changes the bits), None elsewhere.
    task: what differs from classification by the cross-entropy. accumulate: batches of an update.
    ema: the decay of an average of the weights. content: the digest of the training data.
    drop_last: whether an epoch leaves out a last batch that is not whole. loop: of a
    person's own, `_target_`, its keys and its length; the other parts are empty then. code: the
    digest of each module of a person's own that is reached. versions: of the distributions.
    machine: what of it decides bits. unnamed: why no state of it can have a name, as where a part
    has no source; "" where it can. fused: most rows of the program that it is one of, None where
    it trains by itself. compile: torch.compile's mode, None where nothing is compiled.
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
    code: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    unnamed: str = ""
    fused: int | None = None
    compile: str | None = None

    @property
    def rows(self) -> dict[str, Any]:
        """All that counts, as plain data."""
        rows = {name: value for name, value in vars(self).items() if name in _ROWS}
        for name in ("fused", "compile"):
            if rows[name] is None:  # as before there was such a thing
                del rows[name]
        plain: dict[str, Any] = json.loads(json.dumps(rows | {"format": FORMAT}, default=dict))
        return plain

    @cached_property
    def digest(self) -> str:
        """The same 64 hex digits for recipes that are the same."""
        return hashlib.sha256(json.dumps(self.rows, sort_keys=True).encode()).hexdigest()


_ROWS = frozenset(Recipe.__dataclass_fields__)
