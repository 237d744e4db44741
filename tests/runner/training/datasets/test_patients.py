"""The patients: all of them, their inputs standardised by the training part alone."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

from runner.training import datasets


def everything(found):
    parts = (found.train, found.val, found.test)
    return torch.cat([p.inputs for p in parts]), torch.cat([p.targets for p in parts])


def test_the_442_patients_are_in_three_parts_that_never_mix():
    found = datasets.diabetes()
    assert [len(p) for p in (found.train, found.val, found.test)] == [265, 89, 88]
    assert found.input_shape == (10,)
    assert found.classes is None
    inputs, targets = everything(found)
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.float32)
    assert inputs.shape == (442, 10)
    assert len(torch.unique(inputs, dim=0)) == 442
    theirs, progress = load_diabetes(return_X_y=True, scaled=False)
    assert sorted(targets.tolist()) == sorted(progress.tolist())
    # inputs standardised by the training part are linear in scikit-learn's, each in order
    columns = np.sort(inputs.double().numpy(), axis=0), np.sort(theirs, axis=0)
    for ours, raw in zip(*(c.T for c in columns), strict=True):
        slope, start = np.polyfit(raw, ours, 1)
        np.testing.assert_allclose(slope * raw + start, ours, atol=1e-5)
    # a patient's target stays with the inputs: the published fit of all 442 has R2 0.5177
    fit = LinearRegression().fit(inputs, targets)
    assert fit.score(inputs, targets) == pytest.approx(0.5177, abs=1e-4)


def test_the_inputs_are_standardised_by_the_training_part_whatever_its_size():
    whole, part = datasets.diabetes(), datasets.diabetes(train_size=20)
    assert whole.train.inputs.mean(0).abs().max() < 1e-6
    torch.testing.assert_close(whole.train.inputs.std(0, correction=0), torch.ones(10))
    assert whole.val.inputs.mean(0).abs().min() > 1e-4
    assert torch.equal(part.train.inputs, whole.train.inputs[:20])
    assert torch.equal(part.test.inputs, whole.test.inputs)


def test_the_cut_depends_on_the_split_seed_alone():
    one, same, other = (datasets.diabetes(split_seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.val.targets, same.val.targets)
    assert not torch.equal(one.val.targets, other.val.targets)
    with pytest.raises(ValueError, match=r"^split_seed must be at least 0, got -1$"):
        datasets.diabetes(split_seed=-1)


def test_a_linear_model_comes_to_the_least_squares_of_scikit_learn(command, store):
    line = "dataset=diabetes task=regression model=linear schedule=cosine lr=0.1"
    assert command(f"{line} train.batch_size=265 train.steps=300 train.eval_every=300").status == 0
    (run,) = store.runs()
    data = datasets.diabetes()
    fit = LinearRegression().fit(data.train.inputs, data.train.targets)
    for name in ("val", "test"):
        part = getattr(data, name)
        predicted = fit.predict(part.inputs)
        rmse = ((predicted - part.targets.numpy()) ** 2).mean() ** 0.5
        assert run.data.metrics[f"{name}/rmse"] == pytest.approx(rmse, rel=1e-2)
        assert run.data.metrics[f"{name}/r2"] == pytest.approx(
            fit.score(part.inputs, part.targets), abs=1e-2
        )
