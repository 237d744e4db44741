"""The loop: exact rates, data order and continuation, and what it does when it diverges."""

import copy
import functools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from runner.errors import Diverged
from runner.results.events import Chunk, Evaluation
from runner.results.records import Records
from runner.training import optimizers
from runner.training.clipping import GlobalNorm, Unclipped
from runner.training.data import Dataset, Split, order
from runner.training.groups import split_parameters
from runner.training.loop import train
from runner.training.models import MLP, Quadratic
from runner.training.state import State
from runner.trial import Numbers, Recipe, Trial
from runner.trial.groups import Group
from schedules import (
    Constant,
    Cosine,
    Exponential,
    Horizon,
    OneCycle,
    PiecewiseInterpolation,
    Polynomial,
    ReduceOnPlateau,
    Warmup,
)

N, BATCH, EPOCHS = 50, 8, 3
HORIZON = Horizon(total_steps=EPOCHS * 7, steps_per_epoch=7)
T = np.arange(HORIZON.total_steps)
OPTIMIZERS = {
    "sgd": functools.partial(torch.optim.SGD, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": functools.partial(torch.optim.RMSprop, momentum=0.5),
}


def digits(n=N, seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randint(0, 256, (n, 1, 4, 4), generator=generator, dtype=torch.uint8)
    return Split(inputs, inputs.sum(dim=(1, 2, 3)) % 3)


DATA = Dataset(digits(N), digits(20, 1), digits(20, 2), classes=3)


def trial(schedule=None, horizon=HORIZON, eval_every=5, seed=3, precision="float32", **others):
    recipe = Recipe(
        model={},
        dataset={},
        optimizer={},
        clipping={},
        batch_size=BATCH,
        seed=seed,
        precision=precision,
        device="cpu",
        threads=1,
        weights=None,
        versions={},
    )
    schedule = schedule or Cosine(lr=0.05).bind(HORIZON)
    return Trial(recipe, Numbers({"lr": schedule, **others}, horizon), eval_every)


def small(kind=MLP, dropout=0.0):
    torch.manual_seed(0)
    return kind((1, 4, 4), 3, hidden=[16], dropout=dropout)


def fresh(optimizer="adam", model=None, groups=(), clipping=None):
    model = model or small(dropout=0.2)
    parts = split_parameters(model, groups)
    built = optimizers.build(OPTIMIZERS[optimizer], parts)
    return State(model, built, clipping or GlobalNorm(1.0))


def weights(state):
    return torch.cat([p.detach().flatten().clone() for p in state.model.parameters()])


def all_of(events):
    records = Records()
    for event in events:
        records.hear(event)
    return records.arrays()


def same(a, b):
    return a.keys() == b.keys() and all(
        np.array_equal(a[k], b[k], equal_nan=True) for k in a if k != "time_ms"
    )


class Noisy(nn.Linear):
    """Keeps the noise that each of its steps draws."""

    def __init__(self) -> None:
        super().__init__(16, 3)
        self.drawn: list[float] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.drawn += [torch.rand(()).item()] * self.training
        return super().forward(x.flatten(1))


def noise(seed: int) -> list[float]:
    model = Noisy()
    list(train(State(model, torch.optim.SGD(model.parameters(), lr=0.1)), trial(seed=seed), DATA))
    return model.drawn


def test_noise_comes_from_seed_and_step_alone() -> None:
    drawn = noise(seed=3)
    assert len(set(drawn)) == HORIZON.total_steps
    assert noise(seed=3) == drawn
    assert not set(noise(seed=4)) & set(drawn)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_two_runs_of_one_seed_give_the_same_bits(optimizer, precision):
    runs = []
    for _ in range(2):
        state = fresh(optimizer)
        records = all_of(train(state, trial(precision=precision), DATA))
        runs.append((weights(state), records))
    assert torch.equal(runs[0][0], runs[1][0])
    assert same(runs[0][1], runs[1][1])


def test_another_seed_gives_other_bits():
    one, other = fresh(), fresh()
    all_of(train(one, trial(seed=3), DATA))
    all_of(train(other, trial(seed=4), DATA))
    assert not torch.equal(weights(one), weights(other))


PLATEAU = ReduceOnPlateau(lr=0.05, patience=1, min_delta=10.0)
KINDS = [(name, Cosine(lr=0.05).bind(HORIZON)) for name in OPTIMIZERS] + [("sgd", PLATEAU)]


@pytest.mark.parametrize(("optimizer", "schedule"), KINDS)
def test_a_state_continued_at_any_step_gives_the_same_bits(optimizer, schedule):
    whole = fresh(optimizer)
    records = all_of(train(whole, trial(schedule=schedule), DATA))
    for pause in range(1, HORIZON.total_steps):
        first = fresh(optimizer)
        both = list(train(first, trial(schedule=schedule), DATA, after(first, pause)))
        assert first.step == pause
        second = copy.deepcopy(first)
        both += train(second, trial(schedule=schedule), DATA)
        assert torch.equal(weights(second), weights(whole)), pause
        assert same(all_of(both), records), pause


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_else_is_scheduled_continues_too_and_changes_the_bits(optimizer):
    others = {
        "momentum": Cosine(lr=0.9, floor=0.5).bind(HORIZON),
        "max_norm": Polynomial(lr=1.0, end=0.1).bind(HORIZON),
    }
    whole = fresh(optimizer)
    records = all_of(train(whole, trial(**others), DATA))
    assert records["train/momentum"].tolist() == others["momentum"](T).tolist()
    assert records["train/max_norm"].tolist() == others["max_norm"](T).tolist()
    for pause in (1, 5, 12):
        state = fresh(optimizer)
        both = list(train(state, trial(**others), DATA, after(state, pause)))
        state = copy.deepcopy(state)
        both += train(state, trial(**others), DATA)
        assert torch.equal(weights(state), weights(whole)), pause
        assert same(all_of(both), records), pause
    plain = fresh(optimizer)
    all_of(train(plain, trial(), DATA))
    assert not torch.equal(weights(plain), weights(whole))


def test_the_momentum_is_the_one_that_torch_would_cycle():
    scheduled = {
        "momentum": PiecewiseInterpolation(
            boundaries=(0, 6, 20), values=(0.95, 0.85, 0.95), shape="cosine"
        )
    }
    state = fresh("sgd", small(), clipping=Unclipped())
    once = OneCycle(lr=0.05, total_steps=20, rise_steps=6)
    horizon = Horizon(total_steps=20, steps_per_epoch=7)
    all_of(train(state, trial(schedule=once, horizon=horizon, **scheduled), DATA))

    model = small()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    # PyTorch's peak and end lie one step before the share and the length that it is given.
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=21, pct_start=7 / 21)
    for t in range(20):
        epoch, i = divmod(t, 7)
        index = order(3, epoch, N)[i * BATCH : (i + 1) * BATCH]
        optimizer.zero_grad()
        inputs = DATA.train.inputs[index].float() / 255
        nn.functional.cross_entropy(model(inputs), DATA.train.targets[index]).backward()
        optimizer.step()
        cycle.step()
    torch.testing.assert_close(weights(state), weights(State(model, optimizer)))


def test_a_copy_taken_at_any_yield_gives_the_same_bits():
    whole = fresh("sgd")
    records = all_of(train(whole, trial(schedule=PLATEAU), DATA))
    state, copies, before = fresh("sgd"), [], []
    for event in train(state, trial(schedule=PLATEAU), DATA):
        before.append(event)
        copies.append((copy.deepcopy(state), list(before)))
    assert len(copies) == 10
    for kept, events in copies:
        events += train(kept, trial(schedule=PLATEAU), DATA)
        assert torch.equal(weights(kept), weights(whole))
        assert same(all_of(events), records)


def after(state, updates):
    """A wish to stop once the optimizer has made so many updates."""
    made = []
    state.optimizer.register_step_post_hook(lambda *_: made.append(1))
    return lambda: len(made) >= updates


def test_the_loop_does_what_a_plain_loop_does_bit_for_bit():
    state = fresh("adam", small(), clipping=Unclipped())
    all_of(train(state, trial(), DATA))

    model = small()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    trace = Cosine(lr=0.05).bind(HORIZON)(np.arange(HORIZON.total_steps))
    for t, rate in enumerate(trace):
        epoch, i = divmod(t, HORIZON.steps_per_epoch)
        index = order(3, epoch, N)[i * BATCH : (i + 1) * BATCH]
        optimizer.param_groups[0]["lr"] = float(rate)
        optimizer.zero_grad()
        inputs = DATA.train.inputs[index].float() / 255
        nn.functional.cross_entropy(model(inputs), DATA.train.targets[index]).backward()
        optimizer.step()
    assert torch.equal(weights(state), weights(State(model, optimizer)))


def test_the_rate_used_is_the_rate_recorded_scaled_for_each_group():
    used = []

    class Spy(torch.optim.SGD):
        def step(self, closure=None):
            used.append([g["lr"] for g in self.param_groups])

    model = small()
    parts = split_parameters(model, [Group("dense1.*", lr_scale=0.01)])
    state = State(model, Spy(parts, lr=0.0))
    schedule = Exponential(lr=0.1, decay_rate=0.9, decay_steps=7, staircase=True)
    records = all_of(train(state, trial(schedule=schedule), DATA))
    assert records["train/lr"].tolist() == [0.1] * 7 + [0.1 * 0.9] * 7 + [0.1 * 0.9**2] * 7
    assert used == [[1.0 * rate, 0.01 * rate] for rate in records["train/lr"].tolist()]


def test_each_epoch_sees_every_sample_once_and_keeps_the_last_short_batch():
    sizes, seen = [], []

    class Watching(MLP):
        def forward(self, x):
            if self.training:
                sizes.append(len(x))
                seen.extend(x.flatten(1).sum(1).tolist())
            return super().forward(x)

    state = fresh("sgd", small(Watching))
    all_of(train(state, trial(), DATA))
    assert sizes == [8, 8, 8, 8, 8, 8, 2] * EPOCHS
    everything = sorted((DATA.train.inputs.float() / 255).flatten(1).sum(1).tolist())
    for epoch in range(EPOCHS):
        assert sorted(seen[epoch * N : (epoch + 1) * N]) == pytest.approx(everything)
    assert seen[:N] != seen[N : 2 * N]


def test_evaluations_come_every_so_many_steps_and_at_the_end():
    events = list(train(fresh(), trial(eval_every=5), DATA))
    assert [e.step for e in events if isinstance(e, Evaluation)] == [5, 10, 15, 20, 21]
    assert [len(e) for e in events if isinstance(e, Chunk)] == [5, 5, 5, 5, 1]


def test_the_recorded_loss_is_the_one_before_the_update():
    state = State(Quadratic(5.0), torch.optim.SGD([{"params": []}], lr=0.0))
    state.optimizer = optimizers.build(torch.optim.SGD, split_parameters(state.model, []))
    horizon = Horizon(3, 1)
    quadratic = trial(schedule=Constant(lr=0.2), horizon=horizon, eval_every=1)
    records = all_of(train(state, quadratic, None))
    assert records["train/loss"] == pytest.approx([36.0, 12.96, 4.6656])
    assert records["train/grad_norm"] == pytest.approx([12.0, 7.2, 4.32])
    assert records["param/w"] == pytest.approx([2.6, 1.16, 0.296])
    assert records["val/loss"] == pytest.approx([12.96, 4.6656, 1.679616])
    assert records["param/w@step"].tolist() == [1, 2, 3]


class Breaks(nn.Module):
    """A model whose loss or gradient is not finite from the k-th forward pass in training on."""

    def __init__(self, k, how):
        super().__init__()
        torch.manual_seed(0)
        self.dense, self.norm = nn.Linear(16, 3), nn.BatchNorm1d(16)
        self.k, self.how, self.calls = k, how, 0

    def forward(self, x):
        x = x.flatten(1)
        if not self.training:
            return self.dense(self.norm(x))
        self.calls += 1
        if self.calls <= self.k:
            return self.dense(self.norm(x))
        if self.how == "loss":
            return self.dense(self.norm(x * float("inf")))
        scores = self.dense(self.norm(x))
        return scores + 0 * torch.sqrt(scores * 0)  # a finite loss, a gradient of 0 * inf


@pytest.mark.parametrize("how", ["loss", "gradient"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_loss_that_is_not_finite_keeps_the_state_before_it(optimizer, how):
    k = 9
    short = trial(eval_every=100)
    good = fresh(optimizer, Breaks(10**9, how))
    at_k = None
    for event in train(good, trial(eval_every=k), DATA):
        if isinstance(event, Evaluation) and event.step == k:
            at_k = copy.deepcopy(good.model.state_dict())
    state = fresh(optimizer, Breaks(k, how))
    events = []
    with pytest.raises(
        Diverged, match=rf"at step {k}, learning rate {short.numbers.trace('lr')[k]:.6g}"
    ):
        events.extend(train(state, short, DATA))
    (chunk,) = events
    assert len(chunk) == k + 1
    assert state.step == k
    loss = chunk.columns["train/loss"]
    assert np.isfinite(loss[:k]).all()
    assert np.isfinite(loss[k]) == (how == "gradient")
    assert not np.isfinite(chunk.columns["train/grad_norm"][k])
    kept = state.model.state_dict()
    assert all(torch.equal(kept[name], at_k[name]) for name in at_k)


def test_the_host_looks_at_the_latest_every_200_steps():
    horizon = Horizon(1000, 7)
    model = Breaks(250, "loss")
    chunks = []
    long = trial(schedule=Constant(lr=0.01), horizon=horizon, eval_every=1000)
    with pytest.raises(Diverged, match=r"at step 250, learning rate 0\.01"):
        chunks.extend(train(fresh("adam", model), long, DATA))
    assert sum(len(c) for c in chunks) == 251
    assert model.calls <= 400


def test_a_validation_loss_that_is_not_finite_diverges_too():
    class OnlyInEvaluation(MLP):
        def forward(self, x):
            scores = super().forward(x)
            return scores if self.training else scores * float("nan")

    with pytest.raises(Diverged, match="val/loss is nan at step 5"):
        list(train(fresh("sgd", small(OnlyInEvaluation)), trial(), DATA))


@pytest.mark.parametrize("warm", [False, True])
def test_a_listening_schedule_extends_its_trace_after_each_evaluation(warm):
    schedule = ReduceOnPlateau(lr=0.1, factor=0.5, patience=1, min_delta=10.0)
    if warm:
        schedule = Warmup(schedule=schedule, steps=4)
    records = all_of(train(fresh("sgd"), trial(schedule=schedule, eval_every=5), DATA))
    memory, expected, start = schedule.begin(), [], 0
    for stop, loss in zip(records["val/loss@step"], records["val/loss"], strict=True):
        expected += schedule.rates(memory, np.arange(start, stop)).tolist()
        memory, start = schedule.observe(memory, int(stop), float(loss)), stop
    assert records["train/lr"].tolist() == expected
    # the first evaluation is the best so far, each later one (improved by less than 10) cuts
    assert expected[-1] == 0.1 * 0.5**3


def test_stopping_ends_after_the_step_with_all_records():
    state, calls = fresh(), []

    def stop():
        calls.append(1)
        return len(calls) >= 4

    records = all_of(train(state, trial(), DATA, should_stop=stop))
    assert state.step == 4 == len(records["train/lr"])
    assert "val/loss" not in records


def test_clipping_is_recorded_every_step():
    records = all_of(train(fresh("sgd", clipping=GlobalNorm(0.3)), trial(), DATA))
    assert records["train/clipped"].tolist() == (records["train/grad_norm"] > 0.3).tolist()
    assert records["train/clipped"].any()


class TwoModes(torch.optim.SGD):
    """Has weights to train and weights to evaluate, as schedule-free optimizers do."""

    mode = "none"

    def train(self) -> None:
        self.mode = "train"

    def eval(self) -> None:
        self.mode = "eval"


class Asking(nn.Linear):
    """Notes the mode of the model and of the optimizer at each pass."""

    optimizer: TwoModes

    def __init__(self, note: Callable[[tuple[bool, str]], None]) -> None:
        super().__init__(16, 3)
        self.note = note

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.note((self.training, self.optimizer.mode))
        return super().forward(x.flatten(1))


@pytest.mark.parametrize("steps", [9, 21])
def test_an_optimizer_of_two_modes_is_in_that_of_the_model(steps: int) -> None:
    seen: set[tuple[bool, str]] = set()
    model = Asking(seen.add)
    model.optimizer = TwoModes(model.parameters(), lr=0.1)
    state = State(model, model.optimizer)
    for _ in train(state, trial(eval_every=4), DATA, lambda: state.step + 1 >= steps):
        pass
    assert seen == {(True, "train"), (False, "eval")}
    assert model.optimizer.mode == "train"
    state.restore()
    assert model.optimizer.mode == "eval"
