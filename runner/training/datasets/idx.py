"""MNIST, and what has its file format, IDX."""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from runner.training.data import Dataset, Split, divide
from runner.training.datasets.checks import check_seed
from runner.training.datasets.downloads import OFFLINE, leaving_nothing, torchvision_class
from schedules.errors import ArgumentError

_HEADER = {"images": 16, "labels": 8}
_PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
_MD5 = {  # as torchvision has them, which takes a second to load
    "MNIST": (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "FashionMNIST": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    "KMNIST": (
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
}
CHECKSUMS = {
    name: {f"{part}-ubyte.gz": md5 for part, md5 in zip(_PARTS, found, strict=True)}
    for name, found in _MD5.items()
}


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
    check_seed(split_seed)
    val, rest = divide(train, (0.1,), split_seed)
    return Dataset(rest, val, test, classes=10).limit(train_size)


def _fetch(name: str, folder: Path) -> dict[str, Path]:
    """Return the four checked files by name, downloaded where they are missing."""
    files = {}
    for file, md5 in CHECKSUMS[name].items():
        path = folder / file
        if not path.exists():
            _download(torchvision_class(name), file, md5, folder)
        if not path.is_file() or _md5(path) != md5:
            raise ArgumentError(
                "root:",
                f"{path} is damaged (its checksum must be {md5})",
                advice="delete it, and it is downloaded again",
            )
        files[file] = path
    return files


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _download(source: Any, file: str, md5: str, folder: Path) -> None:
    from torchvision.datasets.utils import download_url

    reasons = []
    with leaving_nothing(folder):
        for mirror in source.mirrors:
            try:
                return download_url(mirror + file, str(folder), file, md5)  # type: ignore[no-any-return]
            except (OSError, RuntimeError) as error:
                reasons.append(str(error))
        names = ", ".join(f"{part}-ubyte.gz" for part in _PARTS)
        raise ArgumentError(
            "root:",
            f"{file} is not in {folder} and could not be downloaded ({reasons[-1]})",
            advice=f"put the four files {names} there, or use {OFFLINE}",
        )


def _read(path: Path) -> np.ndarray:
    """Return the bytes behind the header of a gzipped IDX file."""
    kind = "images" if "images" in path.name else "labels"
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ArgumentError("root:", f"{path} is damaged ({error})") from error
    return np.frombuffer(bytearray(content), dtype=np.uint8, offset=_HEADER[kind])
