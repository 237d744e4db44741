"""Whether an object has changed of which nobody knows how it changes."""

import io
import pickle
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, FunctionType, ModuleType
from typing import Any
from weakref import ReferenceType

from torch import Tensor

from runner.training.capture.copies import bits, like
from runner.training.generators import SHARED

_SAME = (type, ModuleType, BuiltinFunctionType, ReferenceType)


def image(value: Any, path: Callable[[Any], str | None]) -> bytes | None:
    """Return bytes that stay the same as long as an object does not change; None where it cannot
    be said. They are compared and never read.

    path: of things in it that are looked at by themselves. A function is what it holds: its closure
    and defaults.

    >>> from collections import Counter
    >>> counter = Counter("a")
    >>> before = image(counter, lambda _: None)
    >>> before == image(counter, lambda _: None)
    True
    >>> counter.update("b")
    >>> before == image(counter, lambda _: None)
    False
    """
    written = io.BytesIO()
    try:
        _Picture(written, value, path).dump(value)
    except Exception:
        return None
    return written.getvalue()


class _Picture(pickle.Pickler):
    """Pickles what pickle knows, and functions by what they hold."""

    def __init__(self, file: io.BytesIO, root: Any, path: Callable[[Any], str | None]) -> None:
        super().__init__(file, protocol=4)
        self._root, self._path = root, path

    def persistent_id(self, obj: Any) -> str | None:
        """Return a name for what does not change here."""
        if obj is not self._root and (known := self._path(obj)) is not None:
            return known
        shared = any(obj is one for one in SHARED)  # which each update seeds
        if shared or isinstance(obj, _SAME) or type(obj).__module__.startswith("torch._"):
            return f"{id(obj)}"
        return None

    def reducer_override(self, obj: Any) -> Any:
        """Return what functions and tensors are made of."""
        if isinstance(obj, FunctionType):
            held = obj.__closure__, obj.__defaults__, obj.__kwdefaults__, vars(obj)
            return object, (), (id(obj.__code__), held)
        if isinstance(obj, CellType):
            try:
                return object, (), (obj.cell_contents,)
            except ValueError:  # it is empty
                return object, ()
        if isinstance(obj, Tensor):
            return object, (), (like(obj), bits(obj))
        return NotImplemented
