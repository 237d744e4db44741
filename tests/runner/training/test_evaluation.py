"""Loss and accuracy over a split, and the check that a model fits its data."""

import pytest
import torch
from torch import nn

from runner.training import devices
from runner.training.data import Dataset, Split
from runner.training.evaluation import EVAL_BATCH, evaluate
from runner.training.fit import check_model
from runner.training.measures import Whole
from runner.training.models import Linear, Quadratic
from runner.training.tasks import Classification


def split(n=7):
    return Split(torch.randn(n, 4, generator=torch.Generator().manual_seed(0)), torch.arange(n) % 3)


def test_loss_and_accuracy_are_those_of_one_big_batch():
    samples = split(2 * EVAL_BATCH + 1)
    model = Linear((4,), 3)
    found = evaluate(model, Classification(), samples, "float32")
    scores = model(samples.inputs)
    loss = nn.functional.cross_entropy(scores.double(), samples.targets).item()
    right = (scores.argmax(1) == samples.targets).sum().item()
    assert found["loss"] == pytest.approx(loss, rel=1e-6)
    assert found["accuracy"] == right / len(samples)


def test_a_model_is_evaluated_without_dropout_and_goes_on_in_training_mode():
    model = nn.Sequential(nn.Dropout(0.9), nn.Linear(4, 3))
    assert evaluate(model, Classification(), split(), "float32") == evaluate(
        model, Classification(), split(), "float32"
    )
    assert model.training


def test_what_a_metric_of_all_outputs_has_heard_is_let_go():
    task = Classification(measures={"own": Whole(lambda scores, labels: len(labels))})
    assert evaluate(Linear((4,), 3), task, split(), "float32")["own"] == 7
    assert task.measures["own"].outputs == []


def test_without_data_the_models_own_loss_and_its_scalars():
    assert evaluate(Quadratic(2.0), Classification(), None, "float32") == {
        "loss": 9.0,
        "param/w": 2.0,
    }


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (nn.Linear(4, 5), split(), r"must return scores of shape \(2, 3\).*got \(2, 5\)"),
        (nn.Linear(9, 3), split(), r"must take input of shape \(batch, 4\); it fails with"),
        (nn.Linear(4, 3), None, "must take no input; it fails with"),
        (Quadratic(), split(), r"must take input of shape \(batch, 4\)"),
    ],
)
def test_a_model_that_does_not_fit(model, data, message):
    with pytest.raises(ValueError, match=message):
        check_model(model, Classification(), data and Dataset(data, data, data, 3), data)


def test_the_check_changes_nothing():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    check_model(model, Classification(), Dataset(split(), split(), split(), 3), split())
    assert all(torch.equal(model.state_dict()[k], v) for k, v in before.items())
    assert model.training


def test_devices_are_named_or_refused():
    assert devices.resolve("cpu") == torch.device("cpu")
    assert devices.resolve("auto").type == devices.available()[0]
    for bad in ("gpu", "cuda:99", "cpu:1", "cuda:x"):
        with pytest.raises(ValueError, match=f"^device must be one of auto, .*cpu, got '{bad}'"):
            devices.resolve(bad)
