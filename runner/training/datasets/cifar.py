"""CIFAR: small photographs of things and animals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from runner.training.data import Dataset, Split, divide
from runner.training.datasets.checks import check_seed
from runner.training.datasets.downloads import OFFLINE, leaving_nothing, torchvision_class
from runner.training.datasets.normalised import Normalised, moments
from schedules.errors import ArgumentError


def cifar10(root: str = "data", split_seed: int = 0, train_size: int | None = None) -> Dataset:
    """Return CIFAR-10: 45,000 train, 5,000 val by split_seed, the official 10,000 test pictures.

    inputs: (n, 3, 32, 32) of uint8; a batch has the channels' means and deviations over the 45,000
    at 0 and 1. Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    return _cifar("CIFAR10", 10, root, split_seed, train_size)


def cifar100(root: str = "data", split_seed: int = 0, train_size: int | None = None) -> Dataset:
    """Return CIFAR-100, of 100 fine classes, cut and normalised like CIFAR-10."""
    return _cifar("CIFAR100", 100, root, split_seed, train_size)


def _cifar(name: str, classes: int, root: str, split_seed: int, train_size: int | None) -> Dataset:
    check_seed(split_seed)
    source = torchvision_class(name)
    _fetch(source, Path(root))
    whole, test = (_read(source, root, train=train) for train in (True, False))
    val, train = divide(whole, (0.1,), split_seed)
    mean, std = moments(train.inputs)
    train, val, test = (
        Normalised(part.inputs, part.targets, mean=mean, std=std) for part in (train, val, test)
    )
    return Dataset(train, val, test, classes).limit(train_size)


def _fetch(source: Any, root: Path) -> None:
    """Make sure of the files of a data set, downloaded or unpacked where one is missing."""
    from torchvision.datasets.utils import check_integrity, download_and_extract_archive

    folder = root / source.base_folder
    missing = [f for f, md5 in _files(source) if not check_integrity(str(folder / f), md5)]
    if not missing:
        return
    try:
        with leaving_nothing(root):
            download_and_extract_archive(
                source.url, str(root), filename=source.filename, md5=source.tgz_md5
            )
    except (OSError, RuntimeError) as error:
        damaged = (folder / missing[0]).exists()
        raise ArgumentError(
            "root:",
            f"{missing[0]} is {'damaged' if damaged else 'not'} in {folder} and "
            f"{source.filename} could not be downloaded ({error})",
            advice=f"put {source.filename} into {root}, or use {OFFLINE}",
        ) from error


def _files(source: Any) -> Iterator[tuple[str, str]]:
    """Yield the files of a data set and their checksums."""
    yield from source.train_list
    yield from source.test_list
    yield source.meta["filename"], source.meta["md5"]


def _read(source: Any, root: str, *, train: bool) -> Split:
    found = source(root, train=train)
    images = np.ascontiguousarray(found.data.transpose(0, 3, 1, 2))
    return Split(torch.from_numpy(images), torch.tensor(found.targets))
