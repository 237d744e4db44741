"""Data that are read sample by sample train as data in memory do, whoever reads them."""

import functools
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import IterableDataset, Subset, TensorDataset

from runner.results.events import Chunk
from runner.results.records import Records
from runner.training import Dataset, Split
from runner.training.clipping import GlobalNorm
from runner.training.course import Course
from runner.training.evaluation import EVAL_BATCH, evaluate
from runner.training.loop import train
from runner.training.models import MLP
from runner.training.state import State
from runner.training.tasks import Classification, Language, Regression
from runner.trial import Numbers, Recipe, Trial
from schedules import Constant, Horizon

N, BATCH, PER_EPOCH = 27, 4, 7
CPU = torch.device("cpu")
RECIPE = Recipe({}, {}, {}, {}, BATCH, 3, "float32", "cpu", 1, None, {})


def split(n, seed):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randint(0, 256, (n, 6), generator=generator, dtype=torch.uint8)
    return Split(inputs, inputs.long().sum(1) % 3)


PARTS = {"train": split(N, 0), "val": split(EVAL_BATCH + 9, 1), "test": split(10, 2)}
IN_MEMORY = Dataset(**PARTS, classes=3)


class Listed:
    """Has the two methods of a map-style data set, and no more."""

    def __init__(self, samples, change=lambda x, i: x, form=tuple):
        self.samples, self.change, self.form = samples, change, form

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        x = self.change(self.samples.inputs[i], i)
        y = int(self.samples.targets[i])
        return {"image": x, "label": y} if self.form is dict else (x, y)


class Together(Listed):
    """Gives many samples at once, as Hugging Face's data sets do."""

    def __getitems__(self, indices):
        return [self[i] for i in indices]


def noisy(x, i):
    """Draw from all three generators, from numpy's for some samples only."""
    numbers = [torch.rand(()).item(), random.random(), np.random.rand() if i % 3 else 0.5]
    return x.float() / 255 + sum(numbers)


def read_from(kind=Listed, workers=0, **how):
    more = {name: how.pop(name) for name in ("augment", "collate") if name in how}
    data = Dataset(**{k: kind(one, **how) for k, one in PARTS.items()}, classes=3, **more)
    data.train.workers.count = workers
    return data


def trial(steps=3 * PER_EPOCH, eval_every=5, per_epoch=PER_EPOCH, **recipe):
    numbers = Numbers({"lr": Constant(lr=0.05)}, Horizon(steps, per_epoch))
    return Trial(replace(RECIPE, **recipe), numbers, eval_every)


def fresh():
    torch.manual_seed(0)
    model = MLP((6,), 3, hidden=[8], dropout=0.2)
    return State(model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), GlobalNorm(1.0))


def weights(state):
    return torch.cat([p.detach().flatten() for p in state.model.parameters()])


def trained(data, state=None, **how):
    """Return the records and the weights of a run."""
    state, records = state or fresh(), Records()
    try:
        for event in train(state, trial(**how), data):
            records.hear(event)
    finally:
        data.close()
    return {k: v for k, v in records.arrays().items() if k != "time_ms"}, weights(state)


def same(one, other):
    (a, x), (b, y) = one, other
    equal = a.keys() == b.keys() and all(np.array_equal(a[k], b[k], equal_nan=True) for k in a)
    return equal and torch.equal(x, y)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("how", [{}, {"form": dict}, {"kind": Together}])
def test_the_bits_are_those_of_the_same_data_in_memory(how, workers):
    assert same(trained(read_from(workers=workers, **how)), trained(IN_MEMORY))


@pytest.mark.parametrize(
    "how", [{"accumulate": 2, "per_epoch": 4}, {"drop_last": True, "per_epoch": 6}]
)
def test_that_holds_for_several_batches_an_update_and_for_whole_ones_only(how):
    assert same(trained(read_from(workers=1), **how), trained(IN_MEMORY, **how))


def test_that_holds_for_batches_that_are_augmented():
    def brighter(x, generator):
        return x + torch.rand(len(x), 1, generator=generator)

    memory = replace(IN_MEMORY, augment=brighter)
    assert same(trained(read_from(augment=brighter)), trained(memory))
    assert not same(trained(memory), trained(IN_MEMORY))


@pytest.fixture(scope="module")
def alone():
    return {kind: trained(read_from(kind, change=noisy)) for kind in (Listed, Together)}


@pytest.mark.parametrize("kind", [Listed, Together])
@pytest.mark.parametrize("workers", [1, 3])
def test_what_samples_draw_depends_on_no_number_of_workers(alone, kind, workers):
    assert same(trained(read_from(kind, workers, change=noisy)), alone[kind])


@pytest.mark.parametrize("kind", [Listed, Together])
@pytest.mark.parametrize(("first", "then"), [(0, 3), (3, 1), (1, 0)])
def test_a_run_goes_on_in_the_middle_of_an_epoch_with_the_same_bits(alone, kind, first, then):
    state, stopped = fresh(), PER_EPOCH + 4  # between two evaluations
    data = read_from(kind, first, change=noisy)
    for event in train(state, trial(), data, lambda: state.step + 1 >= stopped):
        if isinstance(event, Chunk) and state.step >= stopped:
            break
    data.close()
    assert state.step % PER_EPOCH > 0
    assert state.step < 3 * PER_EPOCH
    records, found = trained(read_from(kind, then, change=noisy), state)
    assert torch.equal(found, alone[kind][1])
    loss = alone[kind][0]["train/loss"]
    assert np.array_equal(records["train/loss"], loss[len(loss) - len(records["train/loss"]) :])


def test_a_sample_draws_otherwise_in_each_epoch_and_for_each_seed():
    drawn = {}

    def kept(x, i):
        drawn.setdefault(i, []).append(torch.rand(()).item())
        return x

    data = Dataset(Listed(PARTS["train"], kept), PARTS["val"], PARTS["test"], classes=3)
    drawn.clear()
    for seed in (3, 4):
        trained(data, seed=seed)
    assert sorted(drawn) == list(range(N))
    assert all(len(values) == len(set(values)) == 6 for values in drawn.values())


def test_the_generators_of_the_training_are_as_they_were():
    data = read_from(change=noisy)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    _ = read_from(change=noisy)
    list(data.val.batches(100))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_evaluation_finds_what_it_finds_in_memory(workers):
    data, model = read_from(workers=workers), fresh().model
    found = evaluate(model, Classification(), data.val, "float32")
    data.close()
    assert found == evaluate(model, Classification(), IN_MEMORY.val, "float32")


def test_a_subset_is_read_sample_by_sample():
    rows = list(range(0, 2 * N, 2))
    twice = Split(
        *(
            torch.repeat_interleave(one, 2, 0)
            for one in (PARTS["train"].inputs, PARTS["train"].targets)
        )
    )
    subset = Subset(TensorDataset(twice.inputs, twice.targets), rows)
    data = Dataset(subset, PARTS["val"], PARTS["test"], classes=3)
    assert same(trained(data), trained(IN_MEMORY))


def test_a_data_set_knows_what_its_samples_are_like():
    data = read_from()
    assert data.input_shape == (6,)
    assert (len(data.train), len(data.val)) == (N, EVAL_BATCH + 9)
    assert not data.is_stream
    assert len(data.limit(5).train) == 5
    with pytest.raises(ValueError, match=r"train_size must lie in \[1, 27\]"):
        data.limit(28)


def test_fewer_training_samples_are_the_first_ones():
    assert same(
        trained(read_from().limit(8), per_epoch=2), trained(IN_MEMORY.limit(8), per_epoch=2)
    )


def test_a_persons_own_collate_makes_the_batches():
    def collate(samples):
        return {
            "x": torch.stack([x for x, _ in samples]),
            "y": torch.tensor([y for _, y in samples]),
        }

    assert same(trained(read_from(collate=collate)), trained(IN_MEMORY))


def test_what_a_collate_draws_depends_on_no_number_of_workers():
    def collate(samples):
        inputs = torch.stack([x for x, _ in samples]).float()
        return inputs + torch.rand(()), torch.tensor([y for _, y in samples])

    one, other = (trained(read_from(collate=collate, workers=count)) for count in (0, 2))
    assert same(one, other)
    assert not same(one, trained(IN_MEMORY))


def test_numbers_are_standardised_by_the_targets_of_samples():
    targets = torch.randn(300, generator=torch.Generator().manual_seed(0)) * 5 + 2
    parts = [TensorDataset(torch.zeros(300, 2), targets)] * 3
    task = Regression().of(Dataset(*parts))
    assert task.center.item() == pytest.approx(targets.mean().item(), rel=1e-6)
    assert task.scale.item() == pytest.approx(targets.std(correction=0).item(), rel=1e-6)


def test_tokens_of_a_language_are_counted_by_a_few_samples():
    targets = torch.full((40, 6), 3)
    targets[:, 4:] = -100
    data = Dataset(*[TensorDataset(torch.zeros(40, 6).long(), targets)] * 3, classes=5)
    assert Language().samples(data.train) == 160


class Stream(IterableDataset):
    """Gives 10 samples in their order."""

    def __iter__(self):
        for i in range(10):
            yield torch.full((6,), float(i)) + torch.rand(()), i % 3


class Standing(Stream):
    """Says where it stands."""

    i = 0

    def __iter__(self):
        while self.i < 10:
            self.i += 1
            yield torch.full((6,), float(self.i)) + torch.rand(()), self.i % 3
        self.i = 0

    def state_dict(self):
        return {"i": self.i}

    def load_state_dict(self, state):
        self.i = state["i"]


def streamed(kind=Standing, workers=0):
    val, test = (Split(PARTS[k].inputs.float(), PARTS[k].targets) for k in ("val", "test"))
    data = Dataset(kind(), val, test, classes=3)
    data.train.workers.count = workers
    return data


of_stream = functools.partial(trained, steps=9, per_epoch=9, eval_every=4)


@pytest.mark.parametrize("kind", [Stream, Standing])
def test_a_stream_is_read_alike_by_each_run_and_by_a_worker(kind):
    data = streamed(kind)
    first = of_stream(data)
    assert same(of_stream(data), first)
    assert same(of_stream(streamed(kind, workers=1)), first)


def test_a_stream_begins_again_behind_its_end():
    data, seen = streamed(), []
    for batches, _ in data.train.updates(Course(RECIPE, 9, None, CPU), 0, 4):
        seen += batches[0][1].tolist()
    once = [i % 3 for i in range(1, 11)]
    assert seen == (once + once)[:16]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_stream_that_says_where_it_stands_goes_on_there(workers):
    state, data = fresh(), streamed(workers=workers)
    steps = {"steps": 9, "per_epoch": 9, "eval_every": 4}
    for _ in train(state, trial(**steps), data, lambda: state.step >= 5):
        if state.step == 6:
            break
    data.close()
    assert 4 < state.step < 9
    copied = state.copy()
    _, found = trained(streamed(workers=workers), copied, **steps)
    assert torch.equal(found, trained(streamed(), **{**steps, "eval_every": 9})[1])


def test_another_stream_says_that_it_cannot():
    state = fresh()
    for _ in train(state, trial(steps=9, per_epoch=9), streamed(Stream), lambda: True):
        break
    with pytest.raises(
        ValueError, match=r"dataset\.train must have state_dict and load_state_dict"
    ):
        of_stream(streamed(Stream), state)
