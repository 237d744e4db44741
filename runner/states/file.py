"""A state's file: safetensors, whose metadata say whose it is, what it holds and its checksum.

The checksum is the SHA-256 of the whole file with zeros in the checksum's place. It and the format
number keep their places in all formats to come.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, BinaryIO

import safetensors.torch

from runner.errors import one_line, out_of_memory
from runner.states import disk
from runner.states.codec import Unstorable, decode, encode
from runner.states.disk import Damaged
from runner.trial.name import StateName

FORMAT = "1"
_ZEROS = b"0" * 64
_CHECKSUM = b'"checksum":"'  # in no text of the header, where quotes are escaped
_MOST_HEADER_BYTES = 100_000_000  # that safetensors reads


class Unusable(Exception):
    """A whole file that another version has written."""


def pack(name: StateName, content: Any) -> bytes:
    """Return a state's file. Raises Unstorable."""
    structure, tensors = encode(content)
    metadata = {
        "format": FORMAT,
        **_whose(name),
        "structure": json.dumps(structure, separators=(",", ":")),
        "checksum": _ZEROS.decode(),
    }
    data = safetensors.torch.save(tensors, metadata)
    if int.from_bytes(data[:8], "little") > _MOST_HEADER_BYTES:
        raise Unstorable(f"holds more than {_MOST_HEADER_BYTES:,} bytes beside its tensors")
    start, end = _checksum_place(data)
    digest = hashlib.sha256(data).hexdigest().encode()
    return b"".join((memoryview(data)[:start], digest, memoryview(data)[end:]))


def read(file: Path, name: StateName) -> Any:
    """Return what a state's file holds.

    Raises OSError, Damaged, Unusable.
    """
    with disk.opened(file) as (stream, size):
        header = _header(stream, size)
        stream.seek(0)
        data = stream.read(size)
    metadata = header["__metadata__"]
    if _checksum(data) != metadata["checksum"]:
        raise Damaged("its checksum does not fit")
    _check_format(metadata)
    if any(metadata.get(field) != value for field, value in _whose(name).items()):
        raise Damaged("it holds another state than its name says")
    try:
        structure = json.loads(metadata["structure"])
        return decode(structure, safetensors.torch.load(data))
    except Exception as error:  # of whatever somebody has made by hand
        if out_of_memory(error):
            raise
        raise Damaged(one_line(error)) from error


def check_size(file: Path) -> None:
    """Check that a file is as long as it says.

    Raises OSError, Damaged, Unusable.
    """
    with disk.opened(file) as (stream, size):
        _check_format(_header(stream, size)["__metadata__"])


def _header(stream: BinaryIO, size: int) -> dict[str, Any]:
    """Return the header of a file that is as long as it says."""
    length = int.from_bytes(stream.read(8), "little")
    if not 0 < length <= min(size - 8, _MOST_HEADER_BYTES):
        raise Damaged("it ends too early" if size else "it is empty")
    try:
        header: dict[str, Any] = json.loads(stream.read(length))
        tensors = [entry for key, entry in header.items() if key != "__metadata__"]
        end = max((entry["data_offsets"][1] for entry in tensors), default=0)
        whole = size == 8 + length + end and isinstance(header["__metadata__"]["checksum"], str)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged("its header cannot be read") from error
    if not whole:
        raise Damaged("it is not as long as it says")
    return header


def _checksum(data: bytes) -> str:
    start, end = _checksum_place(data)
    digest = hashlib.sha256(memoryview(data)[:start])
    digest.update(_ZEROS)
    digest.update(memoryview(data)[end:])
    return digest.hexdigest()


def _checksum_place(data: bytes) -> tuple[int, int]:
    start = data.find(_CHECKSUM) + len(_CHECKSUM)
    return start, start + len(_ZEROS)


def _check_format(metadata: dict[str, str]) -> None:
    if (given := metadata.get("format")) != FORMAT:
        raise Unusable(f"written by another version (format {given})")


def _whose(name: StateName) -> dict[str, str]:
    return {"recipe": name.recipe, "step": str(name.step), "trace": name.trace}
