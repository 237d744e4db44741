"""The models: shapes, sizes, starts."""

import pytest
import torch

from runner.training import models


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (models.KerasCNN, 832 + 51_264 + 3_212_288 + 262_400 + 2_570),
        (models.LeNet, 156 + 2_416 + 48_120 + 10_164 + 850),
        (models.MLP, 100_480 + 1_290),
        (models.Linear, 7_850),
    ],
)
def test_a_classifier_has_the_size_worked_out_by_hand(model, parameters):
    built = model((1, 28, 28), 10)
    assert sum(p.numel() for p in built.parameters()) == parameters
    assert built(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


@pytest.mark.parametrize("model", [models.KerasCNN, models.LeNet, models.MLP, models.Linear])
def test_a_classifier_fits_other_shapes(model):
    assert model((3, 33, 20), 7)(torch.zeros(2, 3, 33, 20)).shape == (2, 7)


def test_the_keras_cnn_starts_as_keras_starts_it():
    torch.manual_seed(0)
    model = models.KerasCNN((1, 28, 28), 10)
    limit = (6 / (3136 + 1024)) ** 0.5  # Glorot: sqrt(6 / (inputs + outputs))
    weight = model.dense1.weight
    assert weight.abs().max() <= limit
    assert weight.std().item() == pytest.approx(limit / 3**0.5, rel=1e-3)
    assert not model.conv1.bias.any()


def test_the_two_hidden_layers_of_the_keras_cnn_are_linear():
    model = models.KerasCNN((1, 28, 28), 10)
    names = [name for name, _ in model.named_children()]
    assert names[names.index("flatten") :] == ["flatten", "dense1", "dense2", "dense3"]


def test_dropout_is_only_there_when_asked_for():
    kinds = [type(m) for m in models.MLP((4,), 2, hidden=[3, 3], dropout=0.5).children()]
    assert kinds.count(torch.nn.Dropout) == 2
    assert torch.nn.Dropout not in [type(m) for m in models.MLP((4,), 2).children()]


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"hidden must hold whole numbers >= 1, got \[0\]"):
        models.MLP((4,), 2, hidden=[0])
    with pytest.raises(ValueError, match=r"dropout must lie in \[0, 1\), got 1.0"):
        models.MLP((4,), 2, dropout=1.0)
    with pytest.raises(ValueError, match=r"at least 12 x 12 pixels, got \(1, 8, 8\)"):
        models.LeNet((1, 8, 8), 10)
    with pytest.raises(ValueError, match=r"input_shape must be .* got \(784,\)"):
        models.KerasCNN((784,), 10)


def test_the_quadratic_is_its_own_loss():
    model = models.Quadratic(w=3.0)
    loss = model()
    loss.backward()
    assert (loss.item(), model.w.grad.item()) == (16.0, 8.0)
