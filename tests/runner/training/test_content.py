"""What changes data changes their hash; another process, a device or a view does not."""

import functools
import json
import os
import random
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import IterableDataset, Subset, TensorDataset

from runner.errors import Unhashable
from runner.training import content
from runner.training.content import content_of, digest
from runner.training.data import Dataset, Split

ROOT = Path(__file__).parents[3]
INPUTS, TARGETS = torch.arange(12.0).reshape(6, 2), torch.arange(6)
BASE = content_of(Split(INPUTS, TARGETS))


class Rows:
    """A map-style data set that holds whatever it is given."""

    def __init__(self, **held: Any) -> None:
        vars(self).update(held)

    def __len__(self) -> int:
        return 40

    def __getitem__(self, i: int) -> Any:
        return torch.tensor([float(i)]), i % 2


class Stream(IterableDataset):
    def __init__(self, first: float) -> None:
        self.first = first

    def __iter__(self) -> Any:
        return ((torch.tensor([self.first + i]), i % 2) for i in range(100))


def plain_collate(samples: list[Any]) -> Any:
    inputs, targets = zip(*samples, strict=True)
    return torch.stack(inputs), torch.tensor(targets)


def of(train: Any, **more: Any) -> str:
    return content_of(Dataset(train, Rows(), Rows(), classes=2, **more).train)


@pytest.mark.parametrize(
    "split",
    [
        Split(INPUTS.clone(), TARGETS.clone()),
        Split(INPUTS.t().contiguous().t(), TARGETS),
        Split(torch.cat([INPUTS, INPUTS]), torch.cat([TARGETS, TARGETS])).head(6),
        Split(INPUTS, TARGETS).to(torch.device("cpu")),
    ],
)
def test_the_same_tensors_are_the_same_content(split: Split) -> None:
    assert content_of(split) == BASE


@pytest.mark.parametrize(
    "split",
    [
        Split(INPUTS, TARGETS.flip(0)),
        Split(INPUTS, TARGETS.int()),
        Split(INPUTS),
        Split(INPUTS.reshape(6, 1, 2), TARGETS),
        Split(INPUTS.view(torch.int32), TARGETS),
        Split(INPUTS + torch.tensor([0.0, 1e-6]), TARGETS),
        Split(INPUTS, TARGETS).head(5),
        Split({"x": INPUTS}, TARGETS),
        Split((INPUTS, INPUTS), TARGETS),
    ],
)
def test_other_tensors_are_another_content(split: Split) -> None:
    assert content_of(split) != BASE


def test_what_is_declared_counts() -> None:
    split = Split(INPUTS, TARGETS)
    found = [content_of(split, one) for one in ("", "edition 1", functools.partial(abs, 1))]
    assert len({BASE, *found}) == 4


def test_names_of_inputs_count_and_their_order_does_not() -> None:
    one = content_of(Split({"a": INPUTS, "b": INPUTS + 1}))
    assert one == content_of(Split({"b": INPUTS + 1, "a": INPUTS}))
    assert one != content_of(Split({"b": INPUTS, "a": INPUTS + 1}))
    assert one == content_of(Split(OrderedDict(a=INPUTS, b=INPUTS + 1)))


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(3, 0),
        torch.ones(3, dtype=torch.bool),
        torch.ones(3, dtype=torch.bfloat16),
        torch.ones(3, dtype=torch.complex64).conj(),
        torch.eye(3).to_sparse(),
    ],
)
def test_tensors_of_every_kind_have_a_content(tensor: torch.Tensor) -> None:
    assert digest(tensor) == digest(tensor.clone()) != digest(torch.zeros(3))


def test_tensors_are_read_once_until_they_change(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = torch.zeros(10, 4)
    split = Split(inputs)
    first, head = content_of(split), content_of(split.head(5))
    read: list[Any] = []
    before = torch.Tensor.contiguous
    monkeypatch.setattr(torch.Tensor, "contiguous", lambda one: read.append(one) or before(one))
    assert content_of(split) == content_of(split.to(torch.device("cpu"))) == first
    assert content_of(split.head(5)) == head
    assert not read
    inputs[7] = 1
    assert content_of(split) != first
    assert content_of(split.head(5)) == head != content_of(Split(inputs[5:]))
    with torch.inference_mode():
        assert content_of(Split(torch.zeros(10, 4))) == first


def test_nothing_is_kept_of_tensors_that_are_gone() -> None:
    before = len(content._tensors)
    split = Split(torch.zeros(10, 4))
    content_of(split.head(3))
    assert len(content._tensors) == before + 1
    del split
    assert len(content._tensors) == before


def test_what_a_data_set_holds_counts() -> None:
    held: list[dict[str, Any]] = [
        {},
        {"rows": INPUTS},
        {"rows": INPUTS + 1},
        {"rows": np.arange(3)},
        {"rows": np.arange(3.0)},
        {"rows": [1, 2, 3]},
        {"rows": (1, 2, 3)},
        {"rows": [[1, 2], 3]},
        {"rows": ["1", "2", "3"]},
        {"rows": np.array(["a", "b"])},
        {"rows": np.array(["a", "c"])},
        {"rows": {"a": 1}},
        {"rows": {"a": 2}},
        {"rows": {1: "a"}},
        {"rows": {"1": "a"}},
        {"rows": {"a", "b"}},
        {"rows": {"a", "c"}},
        {"rows": frozenset({"a", "b"})},
        {"rows": np.log},
        {"rows": np.exp},
        {"rows": random},
        {"rows": random.random},
        {"rows": random.Random(1)},
        {"rows": random.Random(2)},
        {"rows": np.random.default_rng(1)},
        {"rows": np.random.default_rng(2)},
        {"rows": torch.Generator().manual_seed(1)},
        {"rows": torch.Generator().manual_seed(2)},
        {"rows": SimpleNamespace(deep=[{"er": INPUTS}])},
        {"rows": SimpleNamespace(deep=[{"er": INPUTS + 1}])},
        {"rows": torch.nn.Parameter(INPUTS)},
    ]
    found = [of(Rows(**one)) for one in held]
    assert len(set(found)) == len(found)
    assert of(Rows(rows=INPUTS.clone())) == found[1]
    assert of(Rows(rows=["".join(["1"]), "2", "3"])) == found[8]


def test_the_samples_in_use_and_how_they_are_read_count() -> None:
    plain = of(Rows())
    data = Dataset(Rows(), Rows(), Rows(), classes=2)
    assert content_of(data.train) == plain
    assert content_of(data.train.head(30)) != plain
    assert of(Rows(), collate=plain_collate) != plain
    assert of(Subset(Rows(), range(40))) != of(Subset(Rows(), range(39, -1, -1)))
    assert content_of(data.train, "edition") != plain


def test_samples_that_code_makes_otherwise_count(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = of(Rows())
    monkeypatch.setattr(Rows, "__getitem__", lambda self, i: (torch.tensor([i + 0.5]), i % 2))
    assert of(Rows()) != plain


def test_a_stream_counts_by_what_it_holds() -> None:
    assert of(Stream(0.0)) == of(Stream(0.0)) != of(Stream(1.0))


def test_what_is_held_is_looked_at_once_before_it_changes() -> None:
    class_of_data = Rows(kept={})
    data = Dataset(class_of_data, Rows(), Rows(), classes=2)
    first = content_of(data.train)
    class_of_data.kept["read"] = 1
    assert content_of(data.train) == first
    assert of(class_of_data) != first


def test_generators_that_all_share_count_by_no_state() -> None:
    held = Rows(one=random.random, two=np.random.mtrand._rand, three=torch.default_generator)
    first = digest(held)
    random.random(), np.random.rand(), torch.rand(1)
    assert digest(held) == first


@pytest.mark.parametrize(
    "held",
    [lambda x: x, (i for i in "ab"), [{"deep": lambda x: x}]],
    ids=["lambda", "generator", "deep"],
)
def test_what_cannot_be_pickled_is_refused(held: Any) -> None:
    with pytest.raises(Unhashable, match=r"^cannot be pickled: .*[Pp]ickle"):
        of(Rows(held=held))


def test_an_open_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as file, pytest.raises(Unhashable, match="cannot be pickled"):
        of(Rows(held=file))


def test_an_array_that_a_file_backs_counts_by_the_file_and_its_place(tmp_path: Path) -> None:
    path = tmp_path / "tokens.bin"
    np.arange(100, dtype=np.int32).tofile(path)
    tokens = np.memmap(path, dtype=np.int32, mode="r")
    found = [digest(one) for one in (tokens, tokens[:50], tokens[50:], tokens[::2])]
    assert len(set(found)) == 4
    assert digest(np.memmap(path, dtype=np.int32, mode="r")[50:]) == found[2]
    os.utime(path, ns=(1, 1))
    assert digest(tokens) != found[0]
    private = np.memmap(path, dtype=np.int32, mode="c")
    before = digest(private)
    private[3] = 7
    assert digest(private) != before


PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np, torch
from runner.training.content import content_of, digest
from runner.training.data import Dataset, Split
from tests.runner.training.test_content import Rows, Stream
words = ["alpha", "beta", "gamma", "delta", "epsilon"]
class Named(set): ...
held = [
    {*words}, frozenset(words), {*words, 1, (2, "x")}, {frozenset(words), frozenset(words[:2])},
    dict.fromkeys({*words}, 0), dict.fromkeys({*words, 3, ("a", 1)}, 0), {words[0]: {*words}},
    words, Path("x"), torch.nn.Sequential(torch.nn.Linear(0, 2), torch.nn.ReLU()),
    np.random.default_rng(0), np.array(words), np.array(words, dtype=object), Named(words),
]
data = Dataset(Rows(held=held[:5]), Rows(), Rows(), classes=2)
found = [digest(one) for one in held]
found += [content_of(data.train), content_of(Split(torch.arange(3), torch.arange(3)))]
print(json.dumps([list({*words}), found]))
"""


def test_another_process_finds_the_same(tmp_path: Path) -> None:
    orders, found = [], []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        program = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(
            program, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        order, hashes = json.loads(done.stdout)
        orders.append(order)
        found.append(hashes)
    assert orders[0] != orders[1]
    assert found[0] == found[1]
    assert len(set(found[0])) == len(found[0])


def test_a_tensor_data_set_needs_no_file() -> None:
    one, other = TensorDataset(INPUTS, TARGETS), TensorDataset(INPUTS, TARGETS + 1)
    assert digest(one) == digest(TensorDataset(INPUTS.clone(), TARGETS)) != digest(other)
