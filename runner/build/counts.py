"""What of a run decides the bits of its training, and what does not: one table.

A state's name is made of what stands here under RECIPE and TRACE, so runs that differ in the rest
only share their states.
"""

from collections.abc import Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any


class Counts(Enum):
    """Where something counts: in the recipe, in the numbers of each update, or nowhere."""

    RECIPE = "recipe"
    TRACE = "trace"
    NOWHERE = "nowhere"


RECIPE, TRACE, NOWHERE = Counts
TABLE: Mapping[str, Counts] = {
    # keys of a configuration, the longest that fits
    "model": RECIPE,
    "model.weights": RECIPE,  # by a hash of what the file holds, wherever it lies
    "dataset": RECIPE,
    "dataset.root": NOWHERE,  # the samples themselves count
    "dataset.workers": NOWHERE,
    "task": RECIPE,
    "task.metric": NOWHERE,  # evaluations are named apart
    "task.metrics": NOWHERE,
    "loop": RECIPE,
    "optimizer": RECIPE,
    "clipping": RECIPE,
    "*.*_schedule": TRACE,
    "lr": TRACE,
    "schedule": TRACE,
    "warmup": TRACE,
    "seed": RECIPE,
    "precision": RECIPE,
    "device": RECIPE,  # its kind
    "threads": RECIPE,  # on a CPU
    "train.batch_size": RECIPE,
    "train.accumulate": RECIPE,
    "train.drop_last": RECIPE,
    "train.ema": RECIPE,
    "train.compile": RECIPE,
    "train.graph": NOWHERE,  # the same bits with it
    "train.epochs": NOWHERE,  # of a loop of one's own, which is told of it, they do
    "train.steps": NOWHERE,
    "train.steps_per_epoch": NOWHERE,
    "train.eval_every": NOWHERE,
    "train.stop_after": NOWHERE,
    "train.keep": NOWHERE,
    "tracking": NOWHERE,
    "states": NOWHERE,
    # what no key says
    "code": RECIPE,  # that the targets reach, beside what has a version
    "content": RECIPE,  # of the training data
    "versions": RECIPE,  # of torch, numpy, Python and what the targets reach
    "machine": RECIPE,  # its device, processor and torch's switches
    "format": RECIPE,  # of the runner's own training
}


def counts(key: str) -> Counts:
    """Return where a key of a configuration counts.

    >>> counts("model.hidden"), counts("clipping.max_norm_schedule.lr"), counts("dataset.root")
    (<Counts.RECIPE: 'recipe'>, <Counts.TRACE: 'trace'>, <Counts.NOWHERE: 'nowhere'>)
    """
    parts = key.split(".")
    for n in range(len(parts), 0, -1):
        found = [row for row in TABLE if fnmatchcase(".".join(parts[:n]), row)]
        if found:
            return TABLE[found[0]]
    raise KeyError(key)


def counting(group: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return those arguments of a group that count in the recipe.

    >>> counting("dataset", {"root": "data", "context": 64})
    {'context': 64}
    """
    return {k: v for k, v in arguments.items() if counts(f"{group}.{k}") is Counts.RECIPE}
