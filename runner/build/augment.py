"""Settings -> augmentation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runner import config
from runner.errors import Mistake, nearest
from runner.training.augment import NAMED
from runner.training.data import Augment, Dataset, kinds


def augmented(data: Dataset | None, given: Any) -> Dataset:
    """Return a data set of which training sees other views.

    given: a name, or a `_target_` and its arguments: a function of inputs and a generator, or a
    class whose objects are such. Raises Mistake for what is none, or does not fit the data.
    """
    if data is None:
        raise Mistake("dataset.augment", "must be null without data", f"{given!r}")
    if isinstance(given, Mapping):
        augment = _function("dataset.augment", given)
    elif given in NAMED:
        augment = NAMED[given]
        if not data.holds_images:
            must = f"must fit the data: {given} takes images (channels, height, width)"
            raise Mistake("dataset.augment", must, kinds(data.train.inputs))
    else:
        must = f"must be null, {', '.join(NAMED)} or {{_target_: mine.augment}}"
        raise Mistake("dataset.augment", must, f"{given!r}{nearest(str(given), NAMED)}")
    return replace(data, augment=augment)


def _function(key: str, spec: Mapping[str, Any]) -> Augment:
    """Return a function with its keys bound, or an object that a class has made of them."""
    target = config.partial(key, spec)
    made: Any = target() if isinstance(target.bound.func, type) else target.plain
    if not callable(made):
        must = "must be a function of inputs and a generator, or a class whose objects are such"
        raise Mistake(f"{key}._target_", must, f"the class {type(made).__name__}")
    augment: Augment = made
    return augment
