"""A row of a program is its training by itself, to rounding."""

import functools

import numpy as np
import pytest
import torch
from torch import nn

from runner.results.events import CLIPPED, GRAD_NORM, LOSS, LR, step_key
from runner.training import optimizers
from runner.training.clipping import Adaptive, GlobalNorm, Norm, Unclipped, Value
from runner.training.data import Dataset, Split
from runner.training.fused import chunks, likeness, why_not
from runner.training.groups import set_training, split_parameters
from runner.training.loop import Loop
from runner.training.models import GPT, MLP, KerasCNN, Quadratic
from runner.training.state import State
from runner.training.tasks import Classification, Language
from runner.trial import Numbers, Recipe, Trial
from runner.trial.groups import Group
from schedules import (
    Constant,
    Cosine,
    Exponential,
    Horizon,
    PiecewiseConstant,
    ReduceOnPlateau,
)

STEPS, PARTS = 50, 20
HORIZON = Horizon(STEPS, 7)
KINDS = {
    "adam": torch.optim.Adam,
    "amsgrad": functools.partial(torch.optim.Adam, amsgrad=True),
    "decoupled": functools.partial(torch.optim.Adam, weight_decay=0.1, decoupled_weight_decay=True),
    "adamw": functools.partial(torch.optim.AdamW, weight_decay=0.1),
    "sgd": torch.optim.SGD,
    "nesterov": functools.partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "rmsprop": torch.optim.RMSprop,
    "centered": functools.partial(torch.optim.RMSprop, momentum=0.5, centered=True),
}
OTHERS = {
    "adagrad": torch.optim.Adagrad,
    "unfused": functools.partial(torch.optim.Adam, foreach=True),
}
CLIPPINGS = {
    "none": lambda i: Unclipped(),
    "global": lambda i: GlobalNorm(0.1 + 0.5 * i),
    "norm": lambda i: Norm(0.05 + 0.2 * i),
    "value": lambda i: Value(0.01 + 0.02 * i),
    "adaptive": lambda i: Adaptive(0.01 + 0.02 * i),
}


def images(n=50, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n, 1, 4, 4, generator=generator, dtype=dtype)
    return Split(inputs, (inputs.sum(dim=(1, 2, 3)) > 0).long())


DATA = Dataset(images(), images(20, 1), images(20, 2), classes=2)
DATA32 = Dataset(*(images(n, dtype=torch.float32) for n in (50, 20, 20)), classes=2)


def row(
    i,
    kind="adam",
    clipping="none",
    model=None,
    seed=3,
    groups=(),
    task=None,
    precision="float32",
    double=True,
    accumulate=1,
    settings=None,
    **more,
):
    """Return a state and a trial, by what differs from row to row."""
    torch.manual_seed(seed)
    net = (model or (lambda: MLP((1, 4, 4), 2, hidden=[16], dropout=0.2)))()
    net = net.double() if double else net
    optimizer = optimizers.build((KINDS | OTHERS)[kind], split_parameters(net, groups))
    state = State(net, optimizer, CLIPPINGS[clipping](i), task or Classification())
    schedule = Cosine(lr=0.01 * (1 + i)).bind(HORIZON)
    parts = {key: {} for key in ("model", "dataset", "optimizer", "clipping")} | (settings or {})
    of = (8, seed, precision, "cpu", 1, None, {})
    recipe = Recipe(*parts.values(), *of, accumulate=accumulate)
    numbers = {"lr": schedule, **{k: v(i) for k, v in more.items()}}
    return state, Trial(recipe, Numbers(numbers, HORIZON), STEPS)


def alone(state, trial, data=DATA):
    set_training(state.model)
    loop = Loop(state, trial, data)
    return loop.chunk(trial.numbers.between(state.memory, 0, STEPS), lambda: False)


def together(pairs, data=DATA, steps=STEPS):
    for state, _ in pairs:
        set_training(state.model)
    loops = [Loop(state, trial, data) for state, trial in pairs]
    numbers = [t.numbers.between(s.memory, s.step, steps) for s, t in pairs]
    return chunks(loops, numbers, lambda: False)


def check(rows, data=DATA, tolerance=1e-10):
    """Train rows by themselves and together, in two parts; the records, weights and optimizers are
    the same."""
    singles, fused = [row() for row in rows], [row() for row in rows]
    expected = [alone(state, trial, data) for state, trial in singles]
    early = together(fused, data, steps=PARTS)
    for state, _ in fused:
        state.step = PARTS
    late = together(fused, data)
    for i, ((one, _), (other, _), want) in enumerate(zip(singles, fused, expected, strict=True)):
        assert list(want.columns) == list(early[i].columns) == list(late[i].columns)
        assert (len(early[i]), len(late[i])) == (PARTS, STEPS - PARTS)
        for key, column in want.columns.items():
            got = np.concatenate([early[i].columns[key], late[i].columns[key]])
            np.testing.assert_allclose(got, column, rtol=tolerance, atol=1e-12)
        same(one.model.state_dict(), other.model.state_dict(), tolerance)
        same(one.optimizer.state_dict()["state"], other.optimizer.state_dict()["state"], tolerance)
    return late


def same(one, other, tolerance):
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, dict):
            same(value, other[key], tolerance)
        elif value is not None:
            assert value.dtype == other[key].dtype
            assert value.shape == other[key].shape
            torch.testing.assert_close(other[key], value, rtol=tolerance, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("clipping", CLIPPINGS)
def test_rows_of_every_optimizer_and_clipping(kind, clipping):
    check([functools.partial(row, i, kind, clipping) for i in range(3)])


def test_rows_of_seeds():
    """Each has batches, dropout and first weights of its own."""
    chunks = check([functools.partial(row, 1, seed=seed) for seed in (3, 4, 5)])
    assert len({tuple(chunk.columns[LOSS].tolist()) for chunk in chunks}) == 3


def test_rows_of_groups_with_numbers_that_follow_schedules():
    groups = [Group("dense2.*", lr_scale=0.1, weight_decay=0.3), Group("dense1.bias", frozen=True)]
    rows = [
        functools.partial(
            row,
            i,
            "adamw",
            "global",
            groups=groups,
            momentum=lambda i: Constant(lr=0.8 + 0.05 * i).bind(HORIZON),
            weight_decay=lambda i: Exponential(lr=0.1 * (i + 1), decay_rate=0.9).bind(HORIZON),
            max_norm=lambda i: Constant(lr=0.5 + i).bind(HORIZON),
        )
        for i in range(3)
    ]
    chunks = check(rows)
    assert {tuple(chunk.columns) for chunk in chunks} == {
        (LR, *map(step_key, ("momentum", "weight_decay", "max_norm")), LOSS, GRAD_NORM, CLIPPED)
    }


def test_a_momentum_that_rises_from_nothing():
    def rises(i):
        return PiecewiseConstant(boundaries=(10 * i + 5,), values=(0.0, 0.8)).bind(HORIZON)

    check([functools.partial(row, i, "sgd", momentum=rises) for i in range(3)])


class Sum(nn.Module):
    """Two weights that have one gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = (nn.Parameter(torch.full((16, 2), 0.1)) for _ in range(2))

    def forward(self, x):
        return x.flatten(1) @ (self.one + self.other)


def test_weights_of_one_gradient_are_clipped_once():
    check([functools.partial(row, i, "sgd", "global", model=Sum) for i in range(2)])


class Fourier(nn.Module):
    """Holds numbers beside its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.frequencies = torch.randn(16)
        self.dense = nn.Linear(16, 2)

    def forward(self, x):
        return self.dense((x.flatten(1) * self.frequencies.double()).sin())


def test_what_is_held_beside_weights_must_be_the_same():
    one, again, other = (row(0, model=Fourier, seed=seed) for seed in (3, 3, 4))
    assert likeness(*one) == likeness(*again)
    assert likeness(*one) != likeness(*other)
    assert why_not(*one, DATA) == ""


def test_a_schedule_that_listens_may_be_a_row():
    state, trial = row(0)
    listens = ReduceOnPlateau(lr=0.1).bind(HORIZON)
    numbers = Numbers({"lr": listens}, HORIZON)
    assert why_not(state, Trial(trial.recipe, numbers, STEPS), DATA) == ""


def normalised(momentum=0.1):
    norm = nn.BatchNorm2d(3, momentum=momentum)
    return nn.Sequential(nn.Conv2d(1, 3, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


@pytest.mark.parametrize("model", [normalised, lambda: KerasCNN((1, 4, 4), 2)])
def test_rows_of_convolutions(model):
    check([functools.partial(row, i, "sgd", model=model) for i in range(2)])


class Words(GPT):
    """Tokens of 5, and a class."""

    def __init__(self) -> None:
        super().__init__((6,), 5, layers=1, heads=2, width=8, dropout=0.2)


def test_rows_of_a_language_model():
    """Attention drops out too."""
    tokens = torch.randint(0, 5, (50, 7), generator=torch.Generator().manual_seed(0))
    split = Split(tokens[:, :-1], tokens[:, 1:])
    data = Dataset(split, split.head(5), split.head(5), classes=5)
    rows = [functools.partial(row, i, "adamw", model=Words, task=Language()) for i in range(2)]
    check(rows, data)


def test_rows_without_data():
    rows = [functools.partial(row, i, "sgd", model=Quadratic) for i in range(3)]
    check(rows, data=None)


def test_rows_in_bfloat16_are_near():
    singles, fused = (
        [row(i, precision="bfloat16", double=False) for i in range(2)] for _ in range(2)
    )
    expected = [alone(state, trial, DATA32) for state, trial in singles]
    for want, got in zip(expected, together(fused, DATA32), strict=True):
        np.testing.assert_allclose(got.columns[LOSS], want.columns[LOSS], rtol=0.1, atol=0.02)


def test_augmented_rows_of_seeds():
    data = Dataset(*(DATA.train, DATA.val, DATA.test), classes=2, augment=flipped)
    check([functools.partial(row, 1, seed=seed) for seed in (3, 4)], data)
    check([functools.partial(row, i) for i in range(2)], data)


def flipped(inputs, generator):
    return torch.where(torch.rand((), generator=generator) < 0.5, inputs, inputs.flip(-1))


def test_rows_go_on_from_the_middle():
    """In two parts, the second of them of fewer rows."""
    singles, fused = ([row(i, "adam") for i in range(3)] for _ in range(2))
    for state, trial in singles:
        alone(state, trial)
    together(fused, steps=20)
    for state, _ in fused:
        state.step = 20
    together(fused[:2])
    for (one, _), (other, _) in zip(singles[:2], fused, strict=False):
        same(one.model.state_dict(), other.model.state_dict(), 1e-10)


def test_a_row_that_is_not_finite_stays_as_it_was():
    """The others do not notice."""
    rows = [functools.partial(row, i, "sgd") for i in (0, 1e200)]
    pairs = [make() for make in rows]
    state, trial = rows[0]()
    expected = alone(state, trial)
    good, bad = together(pairs)
    np.testing.assert_allclose(good.columns[LOSS], expected.columns[LOSS], rtol=1e-10)
    assert not np.isfinite(bad.columns[LOSS]).all()
    frozen = pairs[1][0].model.state_dict()
    assert all(torch.isfinite(one).all() for one in frozen.values())


def test_what_a_row_that_is_not_finite_has_counted_stays_too():
    """The running statistics of a batch normalisation, as in a training by itself."""
    rows = [functools.partial(row, i, "sgd", model=normalised) for i in (0, 1e200)]
    pairs, (single, trial) = [make() for make in rows], rows[1]()
    alone(single, trial)
    together(pairs)
    norm, expected = pairs[1][0].model[1], single.model[1]
    assert norm.num_batches_tracked == expected.num_batches_tracked < STEPS
    torch.testing.assert_close(norm.running_var, expected.running_var, rtol=1e-6, atol=0.0)


class Counts(MLP):
    """Remembers how often it was called."""

    def __init__(self) -> None:
        super().__init__((1, 4, 4), 2, hidden=[4])
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


class Noisy(MLP):
    """Draws what is no dropout."""

    def __init__(self) -> None:
        super().__init__((1, 4, 4), 2, hidden=[4])

    def forward(self, x):
        return super().forward(x + torch.randn_like(x))


class DrawsOfItsOwn(Noisy):
    def forward(self, x):
        return MLP.forward(self, x + np.random.rand())


class NoisyInTraining(Noisy):
    """Draws where it is trained only."""

    def forward(self, x):
        return MLP.forward(self, x + torch.randn_like(x) if self.training else x)


class Asks(Noisy):
    def forward(self, x):
        scale = 2.0 if self.dense1.weight.sum() > 0 else 1.0
        return MLP.forward(self, x * scale)


class Unused(Noisy):
    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.dense2(self.relu1(self.dense1(self.flatten(x))))


class OfTheBatch(Noisy):
    """Its rows know of each other."""

    def forward(self, x):
        return MLP.forward(self, x) * len(torch.unique(x.detach())) / len(x)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"model": Counts}, "an update changes model, which is no weight and no buffer"),
        ({"model": Noisy}, "randomness"),
        ({"model": NoisyInTraining}, "randomness"),
        ({"model": DrawsOfItsOwn}, "the model draws from a generator that is all rows' alike"),
        ({"model": Asks}, "data-dependent control flow"),
        ({"model": Unused}, "the loss does not depend on spare"),
        ({"model": lambda: normalised(momentum=None)}, ".item()"),
        ({"kind": "adagrad"}, "Adagrad is none of Adam, AdamW, SGD, RMSprop"),
        ({"kind": "unfused"}, "Adam is asked to compute in a way of its own"),
        ({"accumulate": 2}, "train.accumulate is above 1"),
    ],
)
def test_what_cannot_be_a_row_says_why(more, reason):
    state, trial = row(0, **more)
    state.model.eval()  # as a look at what fits leaves it
    before = {name: one.clone() for name, one in state.model.state_dict().items()}
    assert reason in why_not(state, trial, DATA)
    same(before, state.model.state_dict(), 0)
    assert all(parameter.grad is None for parameter in state.model.parameters())
    assert not state.model.training


@pytest.mark.parametrize("kind", KINDS)
def test_what_can_be_a_row(kind):
    state, trial = row(0, kind)
    set_training(state.model)
    assert why_not(state, trial, DATA) == ""


def test_only_what_differs_in_numbers_is_alike():
    def of(**more):
        return likeness(*row(0, **more))

    assert of() == of(seed=4) == likeness(*row(1))
    assert of() != of(kind="adamw", settings={"optimizer": {"_target_": "AdamW"}})
    adam = {"optimizer": {"_target_": "Adam", "weight_decay": 0.1, "amsgrad": False}}
    other = {"optimizer": {"_target_": "Adam", "weight_decay": 0.2, "amsgrad": False}}
    third = {"optimizer": {"_target_": "Adam", "weight_decay": 0.1, "amsgrad": True}}
    assert of(settings=adam) == of(settings=other)
    assert of(settings=adam) != of(settings=third)
    assert of(clipping="global") != of(clipping="none")
    assert of(settings={"model": {"hidden": [8]}}) != of(settings={"model": {"hidden": [9]}})
