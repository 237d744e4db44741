"""What a state holds comes back to the last bit; what no file can hold is named."""

import json
import math
import random
import struct
from collections import OrderedDict, defaultdict, namedtuple
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torch import Tensor

from runner.states import codec
from runner.states.codec import DEPTH, Unstorable, decode, encode

Point = namedtuple("Point", "x y")
Level = IntEnum("Level", "LOW")
NAN_WITH_PAYLOAD = struct.unpack(">d", bytes.fromhex("fff80000deadbeef"))[0]


class Foo:
    pass


def stored_and_read(value: Any) -> Any:
    structure, tensors = encode(value)
    text = json.dumps(structure)
    return decode(json.loads(text), safetensors.torch.load(safetensors.torch.save(tensors)))


def bits(tensor: Tensor) -> bytes:
    tensor = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist())


def same(one: Any, other: Any) -> bool:
    """Whether types, order, strides and bits are the same."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    if isinstance(one, set | frozenset):
        return same(sorted(one, key=repr), sorted(other, key=repr))
    if type(one) is float:
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, Tensor):
        form, others = ((t.dtype, t.shape, t.stride()) for t in (one, other))
        return form == others and bits(one) == bits(other)
    if isinstance(one, np.ndarray | np.generic):
        form, others = ((a.dtype.str, a.shape, a.tobytes()) for a in (one, other))
        return form == others
    return bool(one == other)


floats = st.floats() | st.just(NAN_WITH_PAYLOAD)
scalars = st.none() | st.booleans() | st.integers() | floats | st.text(st.characters())
keys = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
dtypes = st.sampled_from(
    [
        *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
        *(torch.uint16, torch.uint32, torch.uint64, torch.float16, torch.bfloat16),
        *(torch.float32, torch.float64, torch.complex64, torch.complex128),
        *(torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz),
        *(torch.float8_e5m2fnuz, torch.float8_e8m0fnu, torch.float4_e2m1fn_x2),
    ]
)


@st.composite
def dense_tensors(draw: st.DrawFn) -> Tensor:
    """Any bits, in any order of the dimensions."""
    dtype, shape = draw(dtypes), draw(st.lists(st.integers(0, 4), max_size=4))
    count = math.prod(shape) * torch.empty(0, dtype=dtype).element_size()
    most = 1 if dtype == torch.bool else 255
    data = draw(st.lists(st.integers(0, most), min_size=count, max_size=count))
    tensor = torch.tensor(data, dtype=torch.uint8).view(dtype).reshape(shape)
    return tensor.permute(draw(st.permutations(range(len(shape)))))


numbers = npst.boolean_dtypes() | npst.integer_dtypes() | npst.floating_dtypes()
arrays = (numbers | npst.complex_number_dtypes()).flatmap(
    lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0, max_side=3))
)
leaves = (
    scalars | st.binary() | dense_tensors() | arrays | numbers.map(lambda d: d.type(1)) | dtypes
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | st.sets(keys, max_size=4)
        | st.frozensets(keys, max_size=4)
    ),
    max_leaves=8,
)


@given(values)
def test_every_nested_value_comes_back_to_the_last_bit(value: Any) -> None:
    assert same(stored_and_read(value), value)


@pytest.mark.parametrize(
    "value",
    [
        -0.0,
        NAN_WITH_PAYLOAD,
        math.inf,
        5e-324,
        10**5_000,
        -(10**5_000),
        "\ud800 lone, \x00 and \U0001f600",
        {True: 1, 2: True, 3.0: 1.0, (1, ("a", None)): -0.0, None: b"\x00\xff", "": []},
        {"z": 1, "a": 2, "__metadata__": torch.ones(1), "a.b": {"c": torch.zeros(1)}},
        torch.Size([2, 3]),
        torch.bfloat16,
        torch.tensor(3.5, dtype=torch.bfloat16),
        torch.empty(0, 3),
        np.float32(0.1),
        np.array(7, dtype=">i4"),
        np.longdouble(1) / 3,
        np.arange(6).reshape(2, 3).T,
        np.frombuffer(b"read only", dtype=np.uint8),
        set(),
        (),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_easily_lost_comes_back(value: Any) -> None:
    assert same(stored_and_read(value), value)


def test_an_ordered_dict_comes_back_as_a_dict_in_its_order() -> None:
    found = stored_and_read(OrderedDict(z=1, a=2))
    assert type(found) is dict
    assert list(found) == ["z", "a"]


def test_generators_go_on_where_they_stood() -> None:
    state = random.Random(3).getstate()
    _, words, *_ = np.random.RandomState(3).get_state()
    generator = torch.Generator().manual_seed(3)
    found = stored_and_read((state, words, generator.get_state()))
    assert same(found, (state, words, generator.get_state()))
    again = random.Random()
    again.setstate(found[0])
    assert again.random() == random.Random(3).random()


def test_625_integers_are_compact() -> None:
    structure, _ = encode(random.Random(3).getstate())
    assert len(json.dumps(structure)) < 8_500  # 11 digits and a comma each, at most


@pytest.mark.parametrize(
    ("tensor", "strides"),
    [
        (torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), (60, 1, 15, 3)),
        (torch.randn(2, 1, 4, 5).to(memory_format=torch.channels_last), (20, 1, 5, 1)),
        (torch.randn(3, 4).t(), (1, 4)),
        (torch.randn(2, 3, 4).permute(1, 2, 0).to(torch.complex64), (4, 1, 12)),
        (torch.randn(3, 4, dtype=torch.complex128).t().conj(), (1, 4)),
        (torch.randn(1, 3).expand(2, 3), (3, 1)),
        (torch.randn(4, 6)[:, ::2], (3, 1)),
        (torch.arange(9).as_strided((3, 3), (1, 1)), (3, 1)),
    ],
)
def test_a_dense_tensor_keeps_its_strides_and_another_becomes_contiguous(
    tensor: Tensor, strides: tuple[int, ...]
) -> None:
    found = stored_and_read([tensor])[0]
    assert found.stride() == strides
    assert found.dtype == tensor.dtype
    assert bits(found) == bits(tensor.resolve_conj())


def test_tensors_that_share_memory_come_back_apart_and_without_gradients() -> None:
    weight = torch.nn.Parameter(torch.arange(6.0))
    tied, part, again = stored_and_read([weight, weight[2:4], weight])
    tied.zero_()
    assert part.tolist() == [2, 3]
    assert again.tolist() == [0, 1, 2, 3, 4, 5]
    assert type(again) is Tensor
    assert not again.requires_grad


def test_an_array_that_comes_back_is_no_view_of_the_file() -> None:
    structure, tensors = encode(np.arange(6.0))
    found = decode(structure, tensors)
    found[0] = 7
    assert decode(structure, tensors)[0] == 0


def test_what_comes_back_lies_in_memory_as_torch_itself_aligns_it() -> None:
    found = stored_and_read([torch.ones(3, dtype=torch.uint8), torch.ones(5)])
    assert [tensor.data_ptr() % 64 for tensor in found] == [0, 0]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Foo(), "the state is a Foo, which no file can hold"),
        ({"optimizer": {"state": {0: {"helper": Foo()}}}}, "optimizer.state.0.helper is a Foo, "),
        ({"a": [1, (2, Foo())]}, "a.1.1 is a Foo, which no file can hold"),
        ({"a": {Foo(): 1}}, "a holds a Foo as a key or member, which no file can hold"),
        ({"a": {(1, Point(1, 2))}}, "a holds a Point as a key or member"),
        ({"a": Point(1, 2)}, "a is a Point, which"),
        ({"a": Level.LOW}, "a is a Level, which"),
        ({"a": defaultdict(int)}, "a is a defaultdict, which"),
        ({"a": 1j}, "a is a complex, which"),
        ({"a": np.array([Foo()])}, "a is a numpy ndarray of object, which"),
        ({"a": np.array(["b"])}, "a is a numpy ndarray of <U1, which"),
        ({"a": np.ma.array([1])}, "a is a numpy MaskedArray of int64, which"),
        ({"a": torch.ones(2).to_sparse()}, "a is a sparse_coo Tensor of torch.float32, which"),
        ({"a": torch.ones(2, device="meta")}, "a is a meta Tensor of torch.float32, which"),
        ({"a": torch.device("cpu")}, "a is a device, which"),
        ({"a": print}, "a is a builtin_function_or_method, which"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_no_file_can_hold_is_named_with_its_place(value: Any, words: str) -> None:
    with pytest.raises(Unstorable) as raised:
        encode(value)
    assert str(raised.value).startswith(words)


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(Unstorable, match=f"lies in more than {DEPTH} containers"):
        encode({"a": loop})


def nested(depth: int) -> Any:
    return () if depth == 1 else (nested(depth - 1),)


def test_as_many_containers_as_are_stored_are_read() -> None:
    deepest = nested(DEPTH)
    assert stored_and_read(deepest) == deepest
    assert stored_and_read({nested(DEPTH - 1): 1}) == {nested(DEPTH - 1): 1}
    with pytest.raises(Unstorable, match="more than 64"):
        encode((deepest,))
    with pytest.raises(Unstorable, match="as a key"):
        encode({deepest: 1})


def endless(depth: int) -> Any:
    node: Any = []
    for _ in range(depth):
        node = [node]
    return node


HOSTILE = [
    {},
    {"a": 1, "tuple": []},
    {"pickle": "gASVKAAAAAAAAACM"},
    {"builtins.eval": ["1"]},
    endless(DEPTH + 1),
    endless(1_000),
    {"dict": [[1]]},
    {"dict": [["a", 1], ["a", 2]]},
    {"dict": [[[], 1]]},
    {"set": [[1]]},
    {"size": [1.5]},
    {"tuple": 5},
    {"int": "0xg"},
    {"int": 5},
    {"float": "1" * 17},
    {"float": None},
    {"bytes": "a"},
    {"dtype": "load"},
    {"number": ["<f4", "00"]},
    {"number": ["<f4", "00" * 8]},
    {"number": ["O", "00" * 8]},
    {"number": ["|V4", "00" * 4]},
    {"number": ["f4,O", "00" * 8]},
    {"number": ["(1000000000,)f8", "00"]},
]
HOSTILE_TENSORS = [
    {"tensor": {"name": "../../etc/passwd"}},
    {"tensor": "0"},
    {"tuple": [{"tensor": {"name": "0"}}, {"tensor": {"name": "0"}}]},
    {"tensor": {"name": "0", "strides": [10**18, 1]}},
    {"tensor": {"name": "0", "strides": [0, 1]}},
    {"tensor": {"name": "0", "strides": [-3, 1]}},
    {"tensor": {"name": "0", "strides": [3]}},
    {"tensor": {"name": "0", "strides": ["a", "b"]}},
    {"tensor": {"name": "0", "dtype": "float32"}},
    {"tensor": {"name": "0", "dtype": "complex64"}},
    {"tensor": {"name": "0", "dtype": "complex128"}},
    {"tensor": {"name": "0", "dtype": "qint8"}},
    {"array": {"name": "0", "dtype": "|O", "shape": [1]}},
    {"array": {"name": "0", "dtype": "<f4,<f4", "shape": [1, 3]}},
    {"array": {"name": "0", "dtype": "|V4", "shape": [2, 3]}},
    {"array": {"name": "0", "dtype": "<f4", "shape": [10**18]}},
    {"array": {"name": "0", "dtype": "<f4", "shape": [10**30, 0]}},
    {"array": {"name": "0"}},
]


@pytest.mark.parametrize("structure", HOSTILE)
def test_a_structure_that_no_state_has_is_refused(structure: Any) -> None:
    with pytest.raises(ValueError, match="it holds what no state holds: "):
        decode(structure, {})


@pytest.mark.parametrize("structure", HOSTILE_TENSORS)
def test_a_tensor_that_no_state_has_is_refused(structure: Any) -> None:
    with pytest.raises(ValueError, match="it holds what no state holds: "):
        decode(structure, {"0": torch.ones(2, 3)})


def test_a_tensor_that_is_no_part_of_a_state_is_refused() -> None:
    with pytest.raises(ValueError, match="tensors that are no part of it"):
        decode(None, {"0": torch.ones(2, 3)})


NOTES = ("name", "dtype", "shape", "strides")
json_nodes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["0", "<f4", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*codec._CONTAINERS, *codec._ATOMS, "dict", "tensor", "array", *NOTES]),
            inner,
            max_size=3,
        )
    ),
)


@given(json_nodes)
def test_any_structure_gives_a_value_or_a_value_error(structure: Any) -> None:
    for tensor in (torch.ones(2, 3), torch.ones(8, dtype=torch.uint8)):
        try:
            decode(structure, {"0": tensor})
        except ValueError:
            continue


def test_a_value_is_decoded_where_no_code_can_be_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import pickle

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, fail)
    assert stored_and_read({"a": (1, torch.ones(2), np.ones(2))})["a"][0] == 1


def test_too_little_memory_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    stored = encode([torch.ones(2)])
    monkeypatch.setattr(torch, "empty_strided", full)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        decode(*stored)
