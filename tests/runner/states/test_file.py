"""A file that is not as it was written is never read, nor one that was made to do harm."""

import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch

from runner.states import file
from runner.states.codec import Unstorable
from runner.states.disk import Damaged
from runner.states.file import Unusable
from runner.trial.name import StateName

NAME = StateName("a" * 64, 7, "0" * 64)
CONTENT = {"weight": torch.arange(6.0).reshape(2, 3).t(), "rng": (3, tuple(range(5)))}


@pytest.fixture(scope="module")
def packed() -> bytes:
    return file.pack(NAME, CONTENT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / NAME.file


def made(header: dict[str, Any], data: bytes = b"", **metadata: Any) -> bytes:
    """Return a file with a right checksum, by hand."""
    whose = {"format": "1", "recipe": NAME.recipe, "step": "7", "trace": NAME.trace}
    whole = {**whose, "structure": "null", **metadata, "checksum": "0" * 64}
    text = json.dumps({"__metadata__": whole, **header}, separators=(",", ":")).encode()
    start = struct.pack("<Q", len(text))
    digest = hashlib.sha256(start + text + data).hexdigest()
    right = text.replace(b'"checksum":"' + b"0" * 64, b'"checksum":"' + digest.encode())
    return start + right + data


def test_what_was_packed_is_read(path: Path, packed: bytes) -> None:
    path.write_bytes(packed)
    found = file.read(path, NAME)
    assert found["rng"] == (3, (0, 1, 2, 3, 4))
    assert found["weight"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["weight"].stride() == (1, 3)
    file.check_size(path)


def test_other_programs_read_a_file_and_what_it_says(path: Path, packed: bytes) -> None:
    path.write_bytes(packed)
    with safetensors.safe_open(path, "pt") as opened:
        metadata = opened.metadata()
        assert opened.get_tensor("0").shape == (3, 2)
    named = {key: metadata[key] for key in ("format", "recipe", "step", "trace")}
    assert named == {"format": "1", "recipe": NAME.recipe, "step": "7", "trace": NAME.trace}
    zeroed = packed.replace(metadata["checksum"].encode(), b"0" * 64)
    assert metadata["checksum"] == hashlib.sha256(zeroed).hexdigest()


def test_a_file_made_by_hand_with_a_right_checksum_is_read(path: Path) -> None:
    path.write_bytes(made({}, structure='{"tuple": [1]}'))
    assert file.read(path, NAME) == (1,)


def test_a_file_of_any_other_length_is_damaged(path: Path, packed: bytes) -> None:
    for length in range(len(packed)):
        path.write_bytes(packed[:length])
        for read in (lambda: file.read(path, NAME), lambda: file.check_size(path)):
            with pytest.raises(Damaged, match=r"it is empty|too early|as long as it says"):
                read()
    path.write_bytes(packed + b"\0")
    with pytest.raises(Damaged, match="not as long as it says"):
        file.read(path, NAME)


def test_a_flipped_bit_anywhere_is_damage(path: Path, packed: bytes) -> None:
    for place in range(len(packed)):
        flipped = bytearray(packed)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(Damaged, match=r"^its? "):
            file.read(path, NAME)


@pytest.mark.parametrize(
    "other", [StateName("b" * 64, 7, "0" * 64), StateName("a" * 64, 8, "0" * 64)]
)
def test_a_file_under_another_name_is_damaged(path: Path, packed: bytes, other: StateName) -> None:
    path.write_bytes(packed)
    with pytest.raises(Damaged, match="it holds another state than its name says"):
        file.read(path, other)


def test_a_whole_file_of_another_format_is_not_damaged(path: Path) -> None:
    path.write_bytes(made({}, format="2", structure="whatever that will be"))
    for read in (lambda: file.read(path, NAME), lambda: file.check_size(path)):
        with pytest.raises(Unusable, match=r"written by another version \(format 2\)"):
            read()


def hostile() -> Iterator[tuple[str, bytes]]:
    def tensor(shape: list[int], offsets: list[int], dtype: str = "F32") -> dict[str, Any]:
        return {"dtype": dtype, "shape": shape, "data_offsets": offsets}

    structure = json.dumps({"tensor": {"name": "0"}})
    for shape in ([10**18], [10**18, 10**18], [2**63, 2], [-1], [10**18, 10**18, 0]):
        yield "claimed sizes", made({"0": tensor(shape, [0, 4])}, b"1234", structure=structure)
        yield "claimed sizes", made({"0": tensor(shape, [0, 0])}, structure=structure)
    yield "offsets", made({"0": tensor([1], [10**18, 10**18 + 4])}, b"1234", structure=structure)
    yield "offsets", made({"0": tensor([1], [4, 0])}, b"1234", structure=structure)
    yield "offsets", made({"0": tensor([1], [-4, 4])}, b"1234", structure=structure)
    yield "overlap", made({"0": tensor([1], [0, 4]), "1": tensor([1], [0, 4])}, b"1234")
    yield "unknown type", made({"0": tensor([1], [0, 4], "PICKLE")}, b"1234", structure=structure)
    yield "a name", made({"../../x": tensor([1], [0, 4])}, b"1234", structure=structure)
    yield "no structure", made({}, structure="")
    yield "deep", made({}, structure="[" * 100_000)
    yield "deep", made({}, structure="[" * 500 + "]" * 500)
    yield "a long number", made({}, structure="9" * 5_000)
    yield "no text", made({}, structure=["a"])
    strides = json.dumps({"tensor": {"name": "0", "strides": [10**18]}})
    yield "strides", made({"0": tensor([2], [0, 8])}, b"12345678", structure=strides)
    for header in (b"[]", b"{}", b"{", b'{"__metadata__":1}', b"[" * 100_000, b"\xff", b'"a"'):
        yield "a header", struct.pack("<Q", len(header)) + header
    yield "a header", struct.pack("<Q", 2**64 - 1) + b"{}"
    yield "a header", struct.pack("<Q", 10**18) + b"{}"


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in hostile()])
def test_a_file_that_was_made_to_do_harm_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(Damaged, match=r"."):
        file.read(path, NAME)


def test_an_empty_tensor_takes_no_memory_whatever_it_claims(path: Path) -> None:
    structure = json.dumps({"tensor": {"name": "0"}})
    entry = {"dtype": "F32", "shape": [0, 10**12], "data_offsets": [0, 0]}
    path.write_bytes(made({"0": entry}, structure=structure))
    assert file.read(path, NAME).untyped_storage().nbytes() == 0


def test_more_than_a_header_holds_is_refused_before_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file, "_MOST_HEADER_BYTES", 2_000)
    file.pack(NAME, "x" * 1_000)
    with pytest.raises(Unstorable, match="more than 2,000 bytes beside its tensors"):
        file.pack(NAME, "x" * 2_000)


def test_too_little_memory_is_no_damage(
    path: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(data: bytes) -> None:
        raise MemoryError

    path.write_bytes(packed)
    monkeypatch.setattr(safetensors.torch, "load", full)
    with pytest.raises(MemoryError):
        file.read(path, NAME)
