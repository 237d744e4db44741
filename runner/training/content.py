"""The content of data, as a hash that is the same in every process."""

import hashlib
import weakref
from collections.abc import Iterable, MutableMapping
from operator import itemgetter
from pathlib import PurePath
from types import ModuleType
from typing import Any

import numpy as np
import torch
from joblib.hashing import Hasher, NumpyHasher
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from runner.errors import Unhashable, one_line, out_of_memory
from runner.training.data import Split
from runner.training.files import Files
from runner.training.generators import SHARED
from runner.training.loaded import Loaded
from runner.training.nested import mapped
from runner.training.workers import Workers

_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
_LISTS = frozenset({list, tuple})
_DEEPEST = 20  # of lists in lists that are written at once

_tensors: MutableMapping[Tensor, dict[Any, tuple[int, bytes]]] = WeakTensorKeyDictionary()
_parts: MutableMapping[Workers, dict[str, str]] = weakref.WeakKeyDictionary()


def content_of(part: Split | Loaded, *more: Any) -> str:
    """Return the SHA-256 of a part of a data set.

    part: of a Split all that its tensors hold counts, wherever they lie; of a Loaded, or a stream,
    what its object held when it was first asked for here, before any training, and the few samples
    that were looked at. Files that the object names in a text or a path count by their size and
    the time of their last change, folders by all files below; so do files that numpy maps. The
    order of sets and mappings does not count, nor does the code of functions.
    more: what else decides the samples: what a person declares of them, an augmentation.

    Raises Unhashable for what cannot be pickled, and for too many files.
    """
    if isinstance(part, Split):
        held: Any = (_plain(part.inputs), _plain(part.targets))
    else:
        known = _parts.setdefault(part.workers, {})
        if part.name not in known:
            source = part.workers.source
            known[part.name] = digest(source.parts[part.name], source.collate, source.target_key)
        held = (known[part.name], part.size, _plain(part.inputs), _plain(part.targets))
    return digest(type(part), held, *more)


def digest(*values: Any) -> str:
    """Return the SHA-256 of values, as `content_of` takes them.

    >>> digest({"b", "a"}, {"x": 1, "y": 2}) == digest({"a", "b"}, {"y": 2, "x": 1})
    True
    """
    return _Hasher(Files()).of(values)


def _plain(value: Any) -> Any:
    """Return a structure of tensors in the types that a Split has on another device too."""
    return mapped(lambda one: one, value)


class _Hasher(NumpyHasher):  # type: ignore[misc]
    """joblib's, which pickles what it hashes and takes arrays by their bytes.

    What it writes of sets and mappings that cannot be sorted differs between processes.
    """

    def __init__(self, files: Files) -> None:
        super().__init__(hash_name="sha256")
        self._files = files

    def of(self, values: Any) -> str:
        """Return the digest. Raises Unhashable."""
        try:
            self.dump(values)
        except Unhashable:
            raise
        except Exception as error:
            if out_of_memory(error):
                raise
            raise Unhashable(f"cannot be pickled: {one_line(error)}") from error
        self._hash.update(self.stream.getbuffer())
        return str(self._hash.hexdigest())

    def save(self, obj: Any) -> None:
        """Write what stands for an object; it is never read."""
        super().save(obj if type(obj) in _PLAIN else self._instead(obj))
        if isinstance(obj, str):
            super().save(self._files.named(obj))

    def _instead(self, value: Any) -> Any:
        if type(value) in _LISTS and (texts := _texts(value)) is not None:
            marks = [mark for one in texts if (mark := self._files.named(one)) is not None]
            return (b"plain", hashlib.sha256(repr((value, marks)).encode()).digest())
        if isinstance(value, Tensor) and value.layout is torch.strided and not value.is_quantized:
            return (Tensor, type(value), _hashed(value), vars(value))
        if isinstance(value, np.memmap) and (place := _place(value)) is not None:
            name, where = place
            return (np.memmap, where, self._files.at(name))
        if isinstance(value, np.ndarray) and value.dtype.kind in "UT":
            return (type(value), value.dtype.kind.encode(), value.shape, value.tolist())
        if isinstance(value, set | frozenset):
            return (type(value), sorted(map(self._apart, value)))
        if isinstance(value, PurePath):
            return (PurePath, str(value).encode(errors="surrogateescape"), self._files.at(value))
        if isinstance(value, ModuleType):
            return (b"module", value.__name__.encode())
        if any(value is one for one in SHARED):
            return (type(value), b"shared")
        return value

    def _batch_setitems(self, items: Iterable[tuple[Any, Any]], *rest: Any) -> None:
        """Write a mapping in an order that depends on its keys alone."""
        pairs = sorted(((self._apart(key), value) for key, value in items), key=itemgetter(0))
        super(Hasher, self)._batch_setitems(iter(pairs), *rest)  # Hasher's swallows errors

    def _apart(self, value: Any) -> bytes:
        """Return what stands for a key or an element: a name is no file's."""
        if type(value) not in _PLAIN:
            return _Hasher(self._files).of(value).encode()
        is_path = isinstance(value, str) and not value.isidentifier()
        return repr((value, self._files.named(value) if is_path else None)).encode()


def _texts(value: list[Any] | tuple[Any, ...]) -> list[str] | None:
    """Return the texts in lists of lists; None where anything but numbers and bytes is among them.

    >>> _texts([("cat.png", 0), ("dog.png", 1)]), _texts([{}])
    (['cat.png', 'dog.png'], None)
    """
    found: list[str] = []
    level = list(value)
    for _ in range(_DEEPEST):
        if not set(map(type, level)) <= _PLAIN | _LISTS:
            return None
        found += [one for one in level if type(one) is str]
        level = [inner for one in level if type(one) in _LISTS for inner in one]
    return found if not level else None


def _hashed(tensor: Tensor) -> bytes:
    """Return the SHA-256 of a tensor, kept as long as it is there and not changed by torch."""
    base = tensor if tensor._base is None else tensor._base
    known = _tensors.setdefault(base, {})
    key = (tensor.dtype, tensor.shape, tensor.stride(), tensor.storage_offset())
    version = -1 if tensor.is_inference() else tensor._version
    if key not in known or known[key][0] != version:
        plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
        found = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(plain.reshape(-1).view(torch.uint8).numpy().data)
        known[key] = (version, found.digest())
    return known[key][1]


def _place(array: np.memmap) -> tuple[str, Any] | None:
    """Return the file that an array maps, and where in it; None where memory may hold more."""
    root = array
    while isinstance(root.base, np.memmap):
        root = root.base
    if root.filename is None or root.mode == "c":
        return None
    start = root.offset + array.ctypes.data - root.ctypes.data
    return str(root.filename), (array.dtype, array.shape, array.strides, start)
