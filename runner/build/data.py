"""Settings -> the data set."""

import functools
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from runner import config
from runner.build.augment import augmented
from runner.build.horizon import samples_of
from runner.culprit import blamed
from runner.errors import Mistake
from runner.training import devices
from runner.training.capture import Before, NotStorable
from runner.training.data import Dataset
from runner.training.workers import MOST

SLOW_SECONDS = 0.01  # of a batch, from which on workers read
MOST_USUAL = 4

_OWN = re.compile(r'"_target_": "(?!runner\.)')  # code that may be written anew meanwhile
_edition = 0


def load(spec: Mapping[str, Any]) -> Dataset | None:
    """Return the data set of a configuration; kept, since the jobs of a sweep share it, with its
    augmentation as it was made. What it draws without a seed of its own is the same in every run,
    whatever the run's seed.

    None without a configuration, as beside a loop that brings data of its own. Its key `workers` is
    ours: how many processes read what is not in memory. Raises Mistake for
    what is none, or has not as many training samples as it says.
    """
    if not spec:
        return None
    text = json.dumps(spec, sort_keys=True)
    found, before = _load(text, _edition if _OWN.search(text) else 0)
    if before is not None:
        before.restore()
    return found


def forget() -> None:
    """Keep no data set of a person's own any longer: the code that made it may have changed."""
    global _edition
    _edition += 1


@functools.lru_cache(maxsize=2)
def _load(spec: str, edition: int) -> tuple[Dataset | None, Before | None]:
    """Return a data set, and what its augmentation holds before anybody trains with it."""
    found = _built(spec)
    if found is None or found.augment is None:
        return found, None
    with suppress(NotStorable):
        return found, Before(augment=found.augment)
    return found, None


def _built(spec: str) -> Dataset | None:
    arguments = json.loads(spec)
    workers = _workers(arguments.pop("workers", None))
    stated, augment = arguments.get("train_size"), None
    if stated is not None and not _takes(arguments, "train_size"):
        del arguments["train_size"]
    if not _takes(arguments, "augment"):
        augment = arguments.pop("augment", None)
    split_seed = arguments.get("split_seed")
    seed = split_seed if isinstance(split_seed, int) else 0
    with devices.seeded(seed), blamed("dataset", arguments.get("_target_")):
        found = config.build("dataset", arguments)
    if found is not None and not isinstance(found, Dataset):
        raise Mistake(
            "dataset._target_",
            "must return a runner.training.Dataset or None",
            type(found).__name__,
        )
    size = samples_of(found)
    if size is None and workers is not None and workers > 1:
        must = "must be 0 or 1, as the training data are a stream, which has one order"
        raise Mistake("dataset.workers", must, str(workers))
    for part in found.loaded if found else ():
        part.workers.count = workers or 0
    if stated is not None and stated != size:
        raise Mistake(
            "dataset.train_size",
            "must be null, as the training data are a stream"
            if size is None
            else f"must be {size}, the training samples that there are",
            str(stated),
        )
    return found if augment is None else augmented(found, augment)


def _workers(given: Any) -> int | None:
    if given is not None and (type(given) is not int or not 0 <= given <= MOST):
        raise Mistake("dataset.workers", f"must be a whole number in [0, {MOST}]", repr(given))
    return given


def usual_workers(data: Dataset, batch_size: int, cores: int) -> int:
    """Return how many processes suit data that are not in memory: as many as there are cores, at
    most 4, where a batch takes long to read; none where it does not."""
    slow = max(part.seconds for part in data.loaded) * batch_size > SLOW_SECONDS
    return min(cores, 1 if data.is_stream else MOST_USUAL) if slow else 0


def _takes(arguments: Mapping[str, Any], name: str) -> bool:
    """Return whether what makes a data set has an argument of a name."""
    others = {k: v for k, v in arguments.items() if k not in ("augment", "train_size")}
    return config.partial("dataset", others).accepts(name)
