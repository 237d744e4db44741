"""CIFAR: files in their own format, normalised by the training part, checked and unpacked."""

import hashlib
import pickle
import tarfile

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torchvision import datasets as torchvision_datasets

from runner.training import datasets, weights
from runner.training.datasets.normalised import Normalised, moments
from runner.training.models import ResNet9

KINDS = {
    "cifar10": (torchvision_datasets.CIFAR10, 10, "labels", "label_names"),
    "cifar100": (torchvision_datasets.CIFAR100, 100, "fine_labels", "fine_label_names"),
}


def small(name, root, monkeypatch):
    """Write small files in the place of a data set's, with their own checksums; return images and
    labels of the training files and of the test's."""
    kind, classes, labels_key, names_key = KINDS[name]
    folder = root / kind.base_folder
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    written = {}

    def write(file, content):
        (folder / file).write_bytes(pickle.dumps(content, protocol=2))
        return hashlib.md5((folder / file).read_bytes()).hexdigest()

    for what, size in (("train_list", 20), ("test_list", 10)):
        listed, parts = [], []
        for file, _ in getattr(kind, what):
            images = rng.integers(0, 200, (size, 3072), dtype=np.uint8)
            labels = rng.integers(0, classes, size).tolist()
            listed.append([file, write(file, {"data": images, labels_key: labels})])
            parts.append((images, labels))
        monkeypatch.setattr(kind, what, listed)
        written[what] = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    names = write(kind.meta["filename"], {names_key: [f"class {i}" for i in range(classes)]})
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": names})
    monkeypatch.setattr(kind, "url", "http://127.0.0.1:9/nothing.tar.gz")
    return written["train_list"], written["test_list"]


@pytest.mark.parametrize("name", KINDS)
def test_the_pictures_are_those_of_the_files(name, tmp_path, monkeypatch):
    (images, labels), (test_images, test_labels) = small(name, tmp_path, monkeypatch)
    found = getattr(datasets, name)(root=str(tmp_path))
    n = len(images)
    assert [len(s) for s in (found.train, found.val, found.test)] == [n - n // 10, n // 10, 10]
    assert found.classes == KINDS[name][1]
    assert found.input_shape == (3, 32, 32)
    parts = (found.train, found.val)
    ours = {
        (row.numpy().tobytes(), int(label))
        for part in parts
        for row, label in zip(part.inputs, part.targets, strict=True)
    }
    assert ours == {(row.tobytes(), label) for row, label in zip(images, labels, strict=True)}
    assert (found.test.inputs.numpy().reshape(-1, 3072) == test_images).all()
    assert found.test.targets.tolist() == test_labels.tolist()


def test_a_batch_has_the_training_parts_means_at_0_and_deviations_at_1(tmp_path, monkeypatch):
    small("cifar10", tmp_path, monkeypatch)
    found = datasets.cifar10(root=str(tmp_path), train_size=50)
    assert found.train.inputs.dtype == torch.uint8
    whole = datasets.cifar10(root=str(tmp_path)).train.inputs.double().numpy() / 255
    mean, std = whole.mean((0, 2, 3), keepdims=True), whole.std((0, 2, 3), keepdims=True)
    for part in (found.train, found.val, found.test):
        expected = (part.inputs.double().numpy() / 255 - mean) / std
        for index in (slice(2, 9), torch.arange(2, 9)):
            inputs, targets = part.batch(index)
            assert inputs.dtype == torch.float32
            np.testing.assert_allclose(inputs.numpy(), expected[2:9], atol=1e-5)
            assert torch.equal(targets, part.targets[2:9])


def test_the_moments_of_bytes_are_those_of_the_images():
    images = torch.randint(0, 256, (7, 2, 5, 4), generator=torch.Generator().manual_seed(0))
    images = images.to(torch.uint8)
    mean, std = moments(images)
    values = images.double() / 255
    torch.testing.assert_close(mean[:, 0, 0], values.mean((0, 2, 3)).float())
    torch.testing.assert_close(std[:, 0, 0], values.std((0, 2, 3), correction=0).float())


def test_normalised_images_stay_so_wherever_they_go():
    moved = Normalised(
        torch.full((3, 2, 4, 4), 51, dtype=torch.uint8),
        torch.arange(3),
        mean=torch.tensor([0.1, 0.2])[:, None, None],
        std=torch.tensor([0.5, 0.1])[:, None, None],
    )
    meta = moved.to(torch.device("meta"))
    assert {t.device.type for t in (meta.inputs, meta.targets, meta.mean, meta.std)} == {"meta"}
    inputs, _ = moved.take(slice(1, 3)).batch(torch.tensor([1]))
    assert inputs[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.0], abs=1e-6)  # (0.2 - 0.1) / 0.5


def test_an_archive_that_lies_there_is_unpacked_without_a_network(tmp_path, monkeypatch):
    (images, _), _ = small("cifar10", tmp_path / "made", monkeypatch)
    kind = torchvision_datasets.CIFAR10
    root = tmp_path / "data"
    root.mkdir()
    with tarfile.open(root / kind.filename, "w:gz") as archive:
        archive.add(tmp_path / "made" / kind.base_folder, kind.base_folder)
    checksum = hashlib.md5((root / kind.filename).read_bytes()).hexdigest()
    monkeypatch.setattr(kind, "tgz_md5", checksum)
    found = datasets.cifar10(root=str(root))
    assert len(found.train) + len(found.val) == len(images)
    (root / kind.base_folder / "batches.meta").write_bytes(b"damaged")
    assert len(datasets.cifar10(root=str(root)).test) == 10


@pytest.mark.parametrize("name", KINDS)
def test_without_a_network_it_is_said_where_the_files_go(name, tmp_path, monkeypatch):
    kind = KINDS[name][0]
    monkeypatch.setattr(kind, "url", "http://127.0.0.1:9/nothing.tar.gz")
    root = tmp_path / "nothing" / "here"
    with pytest.raises(ValueError, match=r"is not in .* could not be downloaded \(") as error:
        getattr(datasets, name)(root=str(root))
    text = str(error.value)
    assert f"is not in {root / kind.base_folder} and {kind.filename} could" in text
    assert text.endswith(
        f"; put {kind.filename} into {root}, or use dataset=mnist_5k, which needs no network"
    )
    assert not (tmp_path / "nothing").exists()


def test_a_damaged_file_is_named(tmp_path, monkeypatch):
    small("cifar10", tmp_path, monkeypatch)
    file = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"^root: data_batch_3 is damaged in .*-batches-py and"):
        datasets.cifar10(root=str(tmp_path))


def test_the_cut_depends_on_the_split_seed_alone(tmp_path, monkeypatch):
    small("cifar10", tmp_path, monkeypatch)
    one, same, other = (datasets.cifar10(str(tmp_path), split_seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.val.inputs, same.val.inputs)
    assert not torch.equal(one.val.inputs, other.val.inputs)
    with pytest.raises(ValueError, match=r"^split_seed must be at least 0, got -1$"):
        datasets.cifar10(str(tmp_path), split_seed=-1)


def test_a_residual_network_learns_from_normalised_pictures_and_is_judged_on_them(
    tmp_path, monkeypatch, command, store
):
    small("cifar10", tmp_path / "data", monkeypatch)
    root = f"dataset.root={tmp_path / 'data'} dataset.train_size=90"
    line = f"dataset=cifar10 {root} dataset.augment=crop_flip model=resnet9 model.width=4"
    assert command(f"{line} train.epochs=2 train.batch_size=32").status == 0
    (run,) = store.runs()
    model = ResNet9((3, 32, 32), 10, width=4).eval()
    weights.load_into(model, store.file(run, "weights.safetensors"))
    pictures = datasets.cifar10(str(tmp_path / "data"))
    whole, val = (part.inputs.double() / 255 for part in (pictures.train, pictures.val))
    mean, std = whole.mean((0, 2, 3), keepdim=True), whole.std((0, 2, 3), keepdim=True)
    scores = model(((val - mean) / std).float())
    expected = cross_entropy(scores, pictures.val.targets).item()
    assert store.history(run, "val/loss")[6] == pytest.approx(expected, rel=1e-3)
