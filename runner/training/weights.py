"""Trained weights: saving them, and starting from them."""

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor, nn

from runner.errors import nearest
from schedules.errors import ArgumentError


def save(state: dict[str, Tensor], file: Path) -> None:
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

    shown: what messages call the file.
    Raises ValueError for a file that cannot be read, a pattern that fits nothing, and weights
    that are missing or of another shape.
    """
    try:
        stored = safetensors.torch.load_file(file)
    except (OSError, safetensors.SafetensorError) as error:
        raise ArgumentError("weights", "must be a .safetensors file", f"{file}: {error}") from error
    own = model.state_dict()
    for pattern in keep_new:
        if not any(fnmatchcase(name, pattern) for name in own):
            raise ArgumentError(
                "weights_except",
                "must fit weights of the model",
                f"'{pattern}'{nearest(pattern, own)}",
                f"there are {', '.join(own)}",
            )
    wanted = [n for n in own if not any(fnmatchcase(n, pattern) for pattern in keep_new)]
    for name in wanted:
        if name not in stored:
            raise ArgumentError(
                shown,
                f"must have '{name}'",
                f"{', '.join(stored)}",
                "leave it new with weights_except",
            )
        if stored[name].shape != own[name].shape:
            there, here = tuple(stored[name].shape), tuple(own[name].shape)
            raise ArgumentError(
                shown,
                f"must fit the model: '{name}' is {there} there and {here} here",
                advice="leave it new with weights_except",
            )
    model.load_state_dict(own | {name: stored[name] for name in wanted})
