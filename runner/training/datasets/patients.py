"""Patients, and how their diabetes went on."""

from dataclasses import replace

import torch

from runner.training.data import Dataset, Split, divide
from runner.training.datasets.checks import check_seed


def diabetes(split_seed: int = 0, train_size: int | None = None) -> Dataset:
    """Return 442 patients: 265 train, 89 val, 88 test by split_seed; ships with scikit-learn.

    inputs: (n, 10) of float32, age, sex, body mass index, blood pressure and six blood values, with
    means 0 and deviations 1 over the 265. targets: (n,) of float32, how far the disease went in a
    year, in points from 25 to 346.
    Source: Efron et al. 2004, "Least angle regression"; sklearn.datasets.load_diabetes.
    """
    from sklearn.datasets import load_diabetes

    check_seed(split_seed)
    inputs, targets = (torch.from_numpy(a) for a in load_diabetes(return_X_y=True, scaled=False))
    parts = divide(Split(inputs, targets.float()), (0.2, 0.2), split_seed)
    known = parts[-1].inputs
    mean, std = known.mean(0), known.std(0, correction=0)
    test, val, train = (replace(p, inputs=((p.inputs - mean) / std).float()) for p in parts)
    return Dataset(train, val, test).limit(train_size)
