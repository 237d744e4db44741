"""Objects as they were, whatever somebody does with them meanwhile."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from runner.training.capture.copies import copied, same
from runner.training.capture.held import Held
from runner.training.capture.kinds import Kind, has_extra_state
from runner.training.capture.reading import Reading
from runner.training.capture.writing import Values, write


class Before:
    """What objects hold now, of all whose changes are known, to be put back later.

    >>> model = torch.nn.Linear(1, 1)
    >>> model.calls = 3
    >>> before = Before(model=model)
    >>> model.calls, model.more = 4, 5
    >>> before.restore()
    >>> model.calls, hasattr(model, "more")
    (3, False)
    """

    def __init__(self, **roots: Any) -> None:
        self._roots, self._held = roots, Held(roots)
        self._contents = {
            path: copied(content)
            for path, content in Reading(self._held).contents.items()
            if not _belongs_to_a_gradient(content)
        }
        owners = [one.value for one in self._held.things.values() if has_extra_state(one.value)]
        self._extra = [(one, copy.deepcopy(one.get_extra_state())) for one in owners]

    def changed(self) -> list[str]:
        """Return the paths of what is not as it was, or was not there.

        >>> model = torch.nn.BatchNorm1d(1)
        >>> before = Before(model=model)
        >>> _ = model(torch.ones(2, 1))
        >>> before.changed()
        ['model.running_mean', 'model.running_var', 'model.num_batches_tracked']
        """
        now = Reading(Held(self._roots)).contents
        was = self._contents
        there = {path: copied(one) for path, one in now.items()}
        return [path for path in there if path not in was or not same(there[path], was[path])]

    def restore(self) -> None:
        """Put it back."""
        for owner, extra in self._extra:
            owner.set_extra_state(extra)
        values = Values(self._held, [], torch.device("cpu"))
        for path, content in self._contents.items():
            thing = self._held.things[path]
            if thing.kind is not Kind.OPAQUE:
                write(thing, values.content(thing.kind, content))


@contextmanager
def unchanged(**roots: Any) -> Iterator[None]:
    """Put back, at the end and where somebody fails, what objects hold now."""
    before = Before(**roots)
    try:
        yield
    finally:
        before.restore()


def _belongs_to_a_gradient(content: Any) -> bool:
    return isinstance(content, torch.Tensor) and content.grad_fn is not None
