"""Trained weights: saving them, and starting from them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor, nn

from runner.errors import nearest
from schedules.errors import ArgumentError


def save(state: Mapping[str, Tensor], file: Path) -> None:
    """Write a model's state as safetensors."""
    tensors = {
        name: tensor.detach().cpu().contiguous().clone()  # tied weights may not share memory
        for name, tensor in state.items()
        if isinstance(tensor, Tensor)
    }
    safetensors.torch.save_file(tensors, file)


def digest(file: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_into(
    model: nn.Module, file: Path, keep_new: Sequence[str] = (), shown: str = "weights"
) -> None:
    """Fill a model with stored weights, except where a name fits a pattern of `keep_new`.

    A name is also found without the prefixes of torch's wrappers, `module.` and `_orig_mod.`, and
    weights that the file says are another's, as safetensors' save_model does, are that one's.
    shown: what messages call the file.
    Raises ValueError for a file that cannot be read, a pattern that fits nothing, and weights
    that are missing or of another shape.
    """
    try:
        stored = safetensors.torch.load_file(file)
        names = _names(file)
    except (OSError, safetensors.SafetensorError) as error:
        raise ArgumentError("weights", "must be a .safetensors file", f"{file}: {error}") from error
    own = _tensors(model)
    for pattern in keep_new:
        if not any(fnmatchcase(name, pattern) for name in own):
            raise ArgumentError(
                "weights_except",
                "must fit weights of the model",
                f"'{pattern}'{nearest(pattern, own)}",
                f"there are {', '.join(own)}",
            )
    found = {}
    for name in _wanted(own, keep_new):
        source = _source(name, names)
        if source is None:
            raise ArgumentError(
                shown,
                f"must have '{name}'",
                f"{', '.join(stored)}",
                "leave it new with weights_except",
            )
        if stored[source].shape != own[name].shape:
            there, here = tuple(stored[source].shape), tuple(own[name].shape)
            raise ArgumentError(
                shown,
                f"must fit the model: '{name}' is {there} there and {here} here",
                advice="leave it new with weights_except",
            )
        if own[name].is_floating_point() and not stored[source].is_floating_point():
            kind = f"{stored[source].dtype}".removeprefix("torch.")
            must = f"must fit the model: '{name}' holds {kind} there and real numbers here"
            raise ArgumentError(shown, must, advice="leave it new with weights_except")
        found[name] = stored[source]
    model.load_state_dict(model.state_dict() | found)


def unused(model: nn.Module, file: Path, keep_new: Sequence[str] = ()) -> list[str]:
    """Return the names of stored weights that the model has no place for."""
    names, own = _names(file), _tensors(model)
    used = {_source(name, names) for name in own}
    excepted = (name for name in names if any(fnmatchcase(name, one) for one in keep_new))
    return sorted(set(names.values()) - used - {names[name] for name in excepted})


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return a model's state without what is no tensor, such as an extra state."""
    state = model.state_dict()
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def _wanted(own: Iterable[str], keep_new: Sequence[str]) -> list[str]:
    return [n for n in own if not any(fnmatchcase(n, pattern) for pattern in keep_new)]


def _names(file: Path) -> dict[str, str]:
    """Return what is stored by each name that a file knows."""
    with safetensors.safe_open(file, framework="pt") as opened:
        stored, said = list(opened.keys()), opened.metadata() or {}
    tied = {name: kept for name, kept in said.items() if kept in stored and name not in stored}
    return tied | {name: name for name in stored}


def _source(name: str, names: Mapping[str, str]) -> str | None:
    """Return what is stored for a weight; None where nothing is."""
    if name in names:
        return names[name]
    return next((kept for other, kept in names.items() if _plain(other) == _plain(name)), None)


def _plain(name: str) -> str:
    """Return a weight's name without the prefixes of torch's wrappers.

    >>> _plain("module._orig_mod.0.weight")
    '0.weight'
    """
    return name.replace("_orig_mod.", "").removeprefix("module.")
