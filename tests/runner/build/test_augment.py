"""Augmentation as a configuration names it: in training alone, the same in each run of a seed."""

import pytest
import safetensors.torch
import torch
from torch.nn.functional import cross_entropy

from runner.training.augment import crop_flip
from runner.training.data import Dataset, Split
from runner.training.datasets import mnist_5k

BLACK = f"{{_target_: {__name__}.black}}"
DIGITS = "model=linear dataset.train_size=256 train.epochs=1"


def black(inputs, generator):
    """Return nothing but zeros."""
    return inputs * 0


def noisy(inputs, generator, std):
    """Return inputs with noise."""
    return inputs + std * torch.randn(inputs.shape, generator=generator, device=inputs.device)


class Noise:
    """The same as an object."""

    def __init__(self, std: float) -> None:
        self.std = std

    def __call__(self, inputs, generator):
        return noisy(inputs, generator, self.std)


def own(augment: bool = False) -> Dataset:
    """Return data with an argument `augment` of its own."""
    inputs = torch.full((4, 3), float(augment))
    return Dataset(*(Split(inputs, torch.arange(4) % 2) for _ in range(3)), classes=2)


def test_training_alone_sees_it(command, store) -> None:
    for words in (f"dataset.augment='{BLACK}'", "lr=0"):
        assert command(f"{DIGITS} schedule=constant {words}").status == 0
    trained, untouched = store.runs()
    files = (store.file(run, "weights.safetensors") for run in (trained, untouched))
    weights, before = map(safetensors.torch.load_file, files)
    # black pictures give the weights no gradient, and the bias how often each digit is
    assert torch.equal(weights["dense1.weight"], before["dense1.weight"])
    bias = weights["dense1.bias"]
    assert not torch.equal(bias, before["dense1.bias"])
    pictures, digits = mnist_5k().val.batch(slice(450))
    seen, unseen = pictures.flatten(1) @ weights["dense1.weight"].T + bias, bias.expand(450, 10)
    *_, loss = store.history(trained, "val/loss").values()
    assert loss == pytest.approx(cross_entropy(seen, digits).item(), rel=1e-5)
    assert abs(loss - cross_entropy(unseen, digits).item()) > 0.01


def test_a_run_repeats_itself_and_differs_with_the_seed(command, store) -> None:
    for seed in (0, 0, 1):
        assert command(f"{DIGITS} dataset.augment=crop_flip seed={seed}").status == 0
    losses = [store.history(run, "train/loss") for run in store.runs()]
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("name", ["noisy", "Noise"])
def test_a_function_or_a_class_of_ones_own_takes_its_keys(name: str, job) -> None:
    line = f"{DIGITS} ++dataset.augment._target_={__name__}.{name} ++dataset.augment.std=0.5"
    augment = job(line).data.augment
    seeded = torch.Generator().manual_seed(0)
    expected = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)) * 0.5
    assert torch.equal(augment(torch.zeros(2, 3), seeded), expected)


def test_a_name_and_null(job) -> None:
    assert job(f"{DIGITS} ++dataset.augment=crop_flip").data.augment is crop_flip
    assert job(f"{DIGITS} ++dataset.augment=null").data.augment is None
    assert job(DIGITS).data.augment is None


def test_an_argument_of_the_datas_own_is_left_to_it(job) -> None:
    line = f"model=linear dataset=none dataset._target_={__name__}.own ++dataset.augment=true"
    data = job(f"{line} train.batch_size=2").data
    assert data.augment is None
    assert data.train.inputs.tolist() == [[1.0] * 3] * 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("dataset.augment=flip", "dataset.augment must be null, crop_flip or {_target_: "
         "mine.augment}, got 'flip' (did you mean 'crop_flip'?)"),
        ("dataset.augment={std: 0.5}", "dataset.augment must have a _target_ and its arguments"),
        (f"dataset.augment={{_target_: {__name__}.noisy}}", "dataset.augment must take the inputs "
         "of a batch and a generator; it fails with TypeError: noisy() missing"),
        (f"dataset.augment={{_target_: {__name__}.noisy, sdt: 1}}", "dataset.augment.sdt is not an "
         f"argument of {__name__}.noisy"),
        ("dataset.augment={_target_: fractions.Fraction}", "dataset.augment._target_ must be a "
         "function of inputs and a generator, or a class whose objects are such, got the class "),
        ("dataset=diabetes task=regression model=mlp dataset.augment=crop_flip", "dataset.augment "
         "must fit the data: crop_flip takes images (channels, height, width), got (n, 10) of"),
        ("dataset=none model=quadratic dataset.augment=crop_flip", "dataset.augment must be null "
         "without data, got 'crop_flip'"),
    ],
)  # fmt: skip
def test_what_cannot_augment_is_one_line(words: str, message: str, command, folder) -> None:
    given = words if words.startswith("dataset=") else f"model=linear '{words}'"
    done = command(given)
    assert (done.status, done.err.count("\n"), list(folder.iterdir())) == (2, 1, [])
    assert done.err.startswith(f"error: {message}")
