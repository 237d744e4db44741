"""A state that is captured at any step and given to a fresh one goes on with the same bits."""

import copy
import functools
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

import numpy as np
import pytest
import schedulefree
import torch
from torch import Tensor, nn
from torch.utils.data import IterableDataset

from runner.errors import Diverged
from runner.results.events import Chunk, Evaluation, Event
from runner.results.records import Records
from runner.training import devices, optimizers
from runner.training.augment import crop_flip
from runner.training.average import Average
from runner.training.capture import NotStorable, Watched
from runner.training.clipping import Adaptive, GlobalNorm, Norm, Unclipped, Value
from runner.training.data import Dataset, Split
from runner.training.groups import split_parameters
from runner.training.loop import evaluated, train
from runner.training.models import MLP, Quadratic
from runner.training.state import BestKeeper, State
from runner.training.tasks import Classification
from runner.trial import Numbers, Recipe, Trial
from runner.trial.groups import Group
from schedules import Cosine, GreedyPlateau, Horizon, Polynomial, ReduceOnPlateau

STEPS, PER_EPOCH, BATCH = 30, 7, 4
HORIZON = Horizon(STEPS, PER_EPOCH)
DEVICE = torch.device(os.environ.get("TEST_DEVICE", "cpu"))  # an accelerator, by hand
RECIPE = Recipe({}, {}, {}, {}, BATCH, 3, "float32", DEVICE.type, 1, None, {})


def cosine(peak: float, floor: float = 0.0) -> Cosine:
    return Cosine(lr=peak, floor=floor).bind(HORIZON)


def images(n: int, seed: int, channels: int = 1) -> Split:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randint(0, 256, (n, channels, 4, 4), generator=generator, dtype=torch.uint8)
    return Split(inputs, inputs.long().sum((1, 2, 3)) % 3)


def pictures(channels: int = 1, **how: Any) -> Dataset:
    parts = (images(26, 0, channels), images(9, 1, channels), images(5, 2, channels))
    return Dataset(*parts, classes=3, **how)


def tokens() -> Dataset:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randint(0, 7, (n, 3), generator=generator) for n in (26, 9, 5)]
    return Dataset(*(Split(one, one.sum(1) % 3) for one in parts), classes=3)


def small(dropout: float = 0.0) -> nn.Module:
    return MLP((1, 4, 4), 3, hidden=[6], dropout=dropout)


def watched_over(model: nn.Module) -> nn.Module:
    """Keep what comes out, with what of the gradient's way is left, for a look."""

    def keep(model: nn.Module, _: Any, found: Tensor) -> None:
        model.found = found

    model.register_forward_hook(keep)
    return model


def flat(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Flatten(), *layers)


def normalised() -> nn.Module:
    return flat(nn.Linear(16, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))


class Tied(nn.Module):
    """One weight in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 16)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x.flatten(1))))[:, :3]


class Conv(nn.Module):
    """Weights whose channels lie last."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.dense = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(12, 3)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(torch.relu(self.norm(self.conv(x))).flatten(1))


class Sparse(nn.Module):
    """Learns by sparse gradients only."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 3, sparse=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.table(x).mean(1)


class Complex(nn.Module):
    """Weights that are complex."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, 3, dtype=torch.complex64) / 4)

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1).to(torch.complex64) @ self.weight).abs()


class Tally:
    """An object of a person's own."""

    def __init__(self) -> None:
        self.sizes: list[int] = []


class Keeping(nn.Module):
    """Keeps all kinds of things in all kinds of places, each of which changes what it returns."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.norm = nn.Linear(16, 3), nn.Embedding(4, 3, max_norm=0.5)
        self.calls, self.last, self.tally = 0, None, Tally()
        self.seen: dict[str, Any] = {"shapes": [], "mean": np.zeros(3, np.float32)}
        self.register_buffer("hidden", torch.zeros(3), persistent=False)
        self.register_buffer("remade", torch.zeros(3))
        self.register_buffer("late", None)
        self.same = self.seen  # twice the same
        self.now_and_then: list[float] = []
        self.drawn, self.noise = np.random.default_rng(1), torch.Generator().manual_seed(2)
        self.scale, self.sizes, self.pair = lambda x: x * 0.1, {7}, {(0, "a")}

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.tally.sizes.append(len(x))
        self.same["shapes"].append(x.shape)
        self.sizes.add(self.calls % 7)  # without collisions, as these have an order of their own
        ((count, _),) = self.pair
        self.pair = {(count + 1, "b")}
        if self.calls == 1:
            self.made = self.again = [0]
        self.made.append(self.made)
        self.now_and_then.clear() if self.now_and_then else self.now_and_then.append(0.5)
        found = self.dense(x.flatten(1))
        found = found + self.norm(torch.arange(len(x)) % 4)
        found = found + 0.1 * torch.rand(3, generator=self.noise) + self.drawn.normal()
        found = found + self.scale(self.calls + len(self.tally.sizes) + len(self.seen["shapes"]))
        found = found + 0.01 * (len(self.again) + len(self.sizes) + count % 5)
        found = found + len(self.now_and_then)
        found = found * (1 + self.hidden + torch.from_numpy(self.seen["mean"]) + self.remade)
        if self.last is not None:
            found = found + self.last + self.late.sum()
        with torch.no_grad():
            mean = found.mean(0) / 100
            self.hidden += mean
            self.seen["mean"] += mean.numpy()
            self.remade = self.remade + mean
            self.late = torch.full((self.calls,), 0.01)
        self.last = mean
        return found


class Told(nn.Linear):
    """Says itself what is to be stored of what is not plain."""

    def __init__(self) -> None:
        super().__init__(16, 3)
        self.counter: Counter[str] = Counter()

    def forward(self, x: Tensor) -> Tensor:
        self.counter["calls"] += 1
        return super().forward(x.flatten(1)) * (1 + 0.01 * self.counter["calls"])

    def get_extra_state(self) -> dict[str, int]:
        return dict(self.counter)

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.counter = Counter(state)


class Recurrent(nn.LSTM):
    """Goes on from where it stood, as on a text that is cut into pieces."""

    def __init__(self) -> None:
        super().__init__(4, 3, batch_first=True)
        self.carried: tuple[Tensor, ...] | None = None

    def forward(self, x: Tensor) -> Tensor:
        before = self.carried
        start = before and tuple(one[:, :1].repeat(1, len(x), 1) for one in before)
        found, after = super().forward(x[:, 0], start)
        self.carried = tuple(one.detach() for one in after)
        return found[:, -1]


class Unfreezes(nn.Module):
    """Lets a layer learn late, and lets one rest."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.norm, self.head = nn.Linear(16, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
            if self.calls % 9 in (0, 4):
                self.body.requires_grad_(self.calls % 9 == 0)
            if self.calls == 6:
                self.norm.eval()
        return self.head(torch.relu(self.norm(self.body(x.flatten(1)))))


class Precise(torch.optim.Optimizer):
    """Momentum in float64 beside float32 weights, a counter in each group and one of its own."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr, "betas": (0.9, 0.99)})
        self.steps = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.steps += 1
        for group in self.param_groups:
            group["count"] = group.get("count", 0) + 1
            for p in (one for one in group["params"] if one.grad is not None):
                state = self.state[p]
                if not state:
                    state["sum"], state["t"] = torch.zeros_like(p, dtype=torch.float64), 0
                state["t"] += 1
                state["sum"].mul_(0.9).add_(p.grad.double() / 3)
                p.sub_((group["lr"] * state["sum"] / (self.steps + group["count"])).float())


class Slows:
    """A clipping that remembers."""

    def __init__(self) -> None:
        self.norms: list[Tensor] = []

    def __call__(self, parameters: Any) -> tuple[Tensor, Tensor]:
        norm, _ = Unclipped()(parameters)
        self.norms = [*self.norms[-2:], norm]
        limit = torch.stack(self.norms).mean()
        for p in parameters:
            p.grad.mul_(limit / (norm + limit))
        return norm, norm > limit


class Weighs(nn.Module):
    """A loss that moves, and draws."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("level", torch.zeros(()))
        self.drawn = np.random.RandomState(4)

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        each = nn.functional.cross_entropy(outputs, targets)
        self.level.mul_(0.9).add_(each.detach(), alpha=0.1)
        return each * (1 + self.level + 0.1 * self.drawn.rand())


class Shifts:
    """An augmentation that counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        self.calls += 1
        return crop_flip(inputs, generator) * (1 + 0.01 * self.calls)


class Drawing:
    """A map-style data set that draws from generators of all and from its own."""

    def __init__(self, samples: Split) -> None:
        self.samples, self.own = samples, np.random.default_rng(5)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        x = self.samples.inputs[i].float() / 255 + self.own.random() + torch.rand(()) / 9
        return x, int(self.samples.targets[i])


class Standing(IterableDataset):  # type: ignore[type-arg]
    """A stream that says where it stands."""

    i = 0

    def __iter__(self) -> Any:
        while self.i < 37:
            self.i += 1
            yield torch.full((1, 4, 4), self.i / 37) + torch.rand(()), self.i % 3
        self.i = 0

    def state_dict(self) -> dict[str, Any]:
        return {"i": self.i}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.i = state["i"]


def read(workers: int = 0) -> Dataset:
    data = pictures()
    parts = {name: Drawing(getattr(data, name)) for name in ("train", "val", "test")}
    found = Dataset(**parts, classes=3)
    found.train.workers.count = workers
    return found


def streamed() -> Dataset:
    return Dataset(Standing(), Drawing(images(9, 1)), Drawing(images(5, 2)), classes=3)


def sgd(**how: Any) -> Callable[..., torch.optim.Optimizer]:
    return functools.partial(torch.optim.SGD, **how) if how else torch.optim.SGD


@dataclass
class Mode:
    """What a run is made of."""

    model: Callable[[], nn.Module] = small
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW
    data: Callable[[], Dataset | None] = pictures
    clipping: Callable[[], Any] = Unclipped
    loss: Callable[[], Callable[..., Tensor]] = lambda: nn.functional.cross_entropy
    groups: tuple[Group, ...] = ()
    ema: float | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    eval_every: int = 5
    per_epoch: int = PER_EPOCH
    at: tuple[int, ...] = tuple(range(STEPS + 1))

    def state(self) -> State:
        torch.manual_seed(0)
        model = self.model().to(DEVICE)
        parts = split_parameters(model, self.groups)
        built = optimizers.build(self.optimizer, parts, sparse=optimizers.has_sparse(model))
        state = State(model, built, self.clipping(), Classification(loss=self.loss()))
        if self.ema:
            state.average = Average(model, self.ema)
        return state

    def trial(self) -> Trial:
        numbers = {"lr": cosine(0.05)} | dict(self.numbers)
        horizon = Horizon(STEPS, self.per_epoch)
        return Trial(replace(RECIPE, **self.recipe), Numbers(numbers, horizon), self.eval_every)


PLATEAU = ReduceOnPlateau(lr=0.1, patience=1, min_delta=10.0)
GREEDY = GreedyPlateau(lr=0.1, factor=0.8, patience=0)
GROUPS = (
    Group("1.*", lr_scale=0.1),
    Group("*bias", weight_decay=0.0),
)
FREE = schedulefree.AdamWScheduleFree

SOME = (1, 5, 14, 23, 30)  # of the steps: in an epoch, behind one, at an evaluation and behind
THIRD = tuple(range(2, STEPS + 1, 3))
SCHEDULED = {
    "momentum": cosine(0.95, floor=0.5),
    "max_norm": Polynomial(lr=1.0, end=0.1).bind(HORIZON),
}
FOREACH = functools.partial(torch.optim.Adam, foreach=True)
RMSPROP = functools.partial(torch.optim.RMSprop, momentum=0.5, centered=True)

EACH = {  # goes on from each step
    "dropout": Mode(functools.partial(small, 0.3)),
    "batch normalisation, averaged": Mode(normalised, sgd(momentum=0.9, nesterov=True), ema=0.8),
    "schedule-free": Mode(optimizer=functools.partial(FREE, warmup_steps=4), eval_every=3),
    "things of one's own": Mode(Keeping, sgd()),
}
SOMETIMES = {
    "plateau": Mode(small, sgd(), numbers={"lr": PLATEAU}, eval_every=3, at=THIRD),
    "a stream": Mode(data=streamed, at=THIRD),
    "augmentation": Mode(data=lambda: pictures(augment=Shifts())),
    "greedy": Mode(optimizer=sgd(), numbers={"lr": GREEDY}, eval_every=2),
    "scheduled": Mode(
        small, sgd(momentum=0.9), clipping=lambda: GlobalNorm(1.0), numbers=SCHEDULED
    ),
    "scheduled beta": Mode(
        optimizer=functools.partial(torch.optim.Adam, amsgrad=True),
        numbers={"momentum": cosine(0.95, floor=0.5)},
        clipping=lambda: Norm(0.2),
    ),
    "value": Mode(optimizer=RMSPROP, clipping=lambda: Value(0.05)),
    "adaptive": Mode(optimizer=FOREACH, clipping=lambda: Adaptive(0.05)),
    "a clipping that remembers": Mode(clipping=Slows),
    "groups": Mode(
        lambda: flat(nn.Linear(16, 6), nn.Linear(6, 3)),
        groups=GROUPS,
        numbers={"weight_decay": cosine(0.3)},
    ),
    "a frozen group, in bfloat16": Mode(
        normalised, groups=(Group("2.*", frozen=True),), recipe={"precision": "bfloat16"}
    ),
    "accumulation": Mode(functools.partial(small, 0.2), recipe={"accumulate": 2, "batch_size": 2}),
    "samples that draw": Mode(data=read),
    "a worker": Mode(data=functools.partial(read, 1), at=(6, 15)),
    "schedule-free, averaged": Mode(optimizer=schedulefree.SGDScheduleFree, ema=0.7),
    "radam, schedule-free": Mode(normalised, schedulefree.RAdamScheduleFree),
    "float64 beside float32": Mode(optimizer=Precise),
    "bfloat16 weights": Mode(lambda: small().bfloat16(), Precise, recipe={"precision": "bfloat16"}),
    "channels last": Mode(Conv, data=functools.partial(pictures, 2)),
    "tied": Mode(Tied),
    "an extra state": Mode(Told),
    "what comes out is kept": Mode(lambda: watched_over(small(0.2))),
    "carried along": Mode(Recurrent),
    "unfrozen late": Mode(Unfreezes),
    "a loss that moves": Mode(loss=Weighs),
    "sparse": Mode(Sparse, sgd(), tokens),
    "sparse, adam": Mode(Sparse, torch.optim.SparseAdam, tokens),
    "complex": Mode(Complex, torch.optim.Adam),
    "no data": Mode(
        lambda: Quadratic(5.0), sgd(momentum=0.5), lambda: None, eval_every=4, per_epoch=1
    ),
}
for one in SOMETIMES.values():
    one.at = one.at if len(one.at) < STEPS else SOME
MODES = EACH | SOMETIMES


@dataclass
class Ran:
    """A run: what was heard, what was captured by step, and the weights that are kept."""

    events: list[Event] = field(default_factory=list)
    captured: dict[int, dict[str, Any]] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)

    def go(self, mode: Mode, start: "Ran | None" = None, at: int = 0) -> "Ran":
        """Train to the end, from what another one captured at a step."""
        state, data, trial = mode.state(), mode.data(), mode.trial()
        devices.use(DEVICE, torch.get_num_threads())
        data = data and data.to(DEVICE)
        watched = Watched(state, data)
        if start is None:
            self.captured[0] = watched.capture()
        else:
            if at % 2 or at == 0:  # nothing of another state stays
                watched.restore(copy.deepcopy(start.captured[STEPS - at]))
            if at:
                watched.restore(copy.deepcopy(start.captured[at]))
            else:
                watched.renew()
            assert state.step == at
            before = [e for e in start.events if isinstance(e, Evaluation) and e.step < at]
            lr = trial.numbers["lr"]
            state.memory = lr.begin()
            for one in before:
                state.evaluated = one.step
                if lr.listens:
                    state.memory = lr.observe(state.memory, one.step, one.metrics[lr.monitor])
        try:
            for event in train(state, trial, data, cuts=range(STEPS) if start is None else ()):
                self.events.append(event)
                if isinstance(event, Chunk) and start is None:
                    self.captured[state.step] = watched.capture()
        finally:
            if data is not None:
                data.close()
        self.captured[STEPS] = watched.capture()
        state.restore()
        self.kept = copy.deepcopy(state.model.state_dict())
        return self

    def arrays(self, start: int = 0) -> dict[str, list[float]]:
        """Return what was heard of updates and evaluations from a step on."""
        records = Records()
        for event in self.events:
            last = event.step if isinstance(event, Evaluation) else event.start + len(event) - 1
            if last >= start:
                records.hear(event)
        return {k: v.tolist() for k, v in records.arrays().items() if k != "time_ms"}


def alike(one: Any, other: Any) -> bool:
    """Return whether two values are the same to the last bit and stride."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, Tensor):
        kind = (one.dtype, one.stride()) == (other.dtype, other.stride())
        return kind and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return bool(one == other)


@pytest.mark.parametrize("name", MODES)
def test_a_state_goes_on_from_each_step_with_the_same_bits(name: str) -> None:
    mode = MODES[name]
    whole = Ran().go(mode)
    assert list(whole.captured) == list(range(STEPS + 1))
    for step in mode.at:
        other = Ran().go(mode, whole, step)
        assert other.arrays() == whole.arrays(step), step
        assert alike(other.captured[STEPS], whole.captured[STEPS]), step
        assert alike(other.kept, whole.kept), step


def run(mode: Mode, should_stop: Callable[[State], bool] | None = None, **how: Any) -> State:
    """Train to the end, or as far as it goes, without a look at it."""
    state = mode.state()
    for _ in train(state, mode.trial(), mode.data(), **how):
        if should_stop and should_stop(state):
            break
    return state


@pytest.mark.parametrize("name", ["dropout", "schedule-free", "things of one's own"])
def test_cuts_and_captures_do_not_change_a_bit(name: str) -> None:
    mode = MODES[name]
    state = run(mode)
    state.restore()
    assert alike(state.model.state_dict(), Ran().go(mode).kept)


def test_chunks_end_at_cuts_too() -> None:
    mode = MODES["dropout"]
    events = list(train(mode.state(), mode.trial(), mode.data(), cuts=[2, 3, 5, 17, 99]))
    ends = [one.start + len(one) for one in events if isinstance(one, Chunk)]
    assert ends == [2, 3, 5, 10, 15, 17, 20, 25, 30]


class Dreaming(nn.Module):
    """Draws when it is evaluated, counts its passes and moves a buffer in them."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.table = nn.Linear(16, 3), nn.Embedding(5, 3, max_norm=0.4)
        self.register_buffer("level", torch.ones(()))
        self.calls, self.own = 0, torch.Generator().manual_seed(1)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.level += 0.1
        found = nn.functional.dropout(self.dense(x.flatten(1)), 0.3, training=True)
        found = found + self.table(torch.arange(len(x)) % (2 if self.training else 5))
        return found * self.level + self.calls / 9 + torch.rand(3, generator=self.own)


def figures(every: int, mode: Mode) -> tuple[dict[int, Any], Any]:
    """Return what evaluations found by step, and what is captured in the end."""
    mode = replace(mode, eval_every=every)
    state, data = mode.state(), mode.data()
    watched = Watched(state, data)
    events = list(train(state, mode.trial(), data))
    found = {one.step: one.metrics for one in events if isinstance(one, Evaluation)}
    return found, watched.capture()


OFTEN = {
    **{name: MODES[name] for name in ("dropout", "value", "scheduled", "schedule-free")},
    **{name: MODES[name] for name in ("schedule-free, averaged", "radam, schedule-free")},
    **{name: MODES[name] for name in ("float64 beside float32", "unfrozen late", "an extra state")},
    "draws": Mode(Dreaming, sgd(momentum=0.9), ema=0.5),
    "a loss that draws": Mode(normalised, loss=Weighs),
}


@pytest.mark.parametrize("name", OFTEN)
def test_evaluations_change_no_bit_of_training_or_of_each_other(name: str) -> None:
    (some, often), (few, seldom) = figures(3, OFTEN[name]), figures(30, OFTEN[name])
    assert alike(often, seldom)
    assert list(some) == list(range(3, 31, 3))
    assert few == {30: some[30]}


def test_an_evaluation_is_the_same_whatever_was_drawn_before() -> None:
    mode = OFTEN["draws"]
    state, data = run(mode), mode.data()
    assert data is not None
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        found.append(evaluated(state.model, state, mode.trial(), data.test))
    assert found[0] == found[1]
    state.step += 1
    assert evaluated(state.model, state, mode.trial(), data.test) != found[0]


def test_a_measure_begins_each_evaluation_alike() -> None:
    class Growing:
        """Counts how often it was asked."""

        times = 0

        def reset(self) -> None: ...

        def update(self, outputs: Tensor, targets: Tensor) -> None: ...

        def compute(self) -> int:
            self.times += 1
            return self.times

    mode = MODES["dropout"]
    state = mode.state()
    state.task = Classification(measures={"grows": Growing()})
    events = train(state, mode.trial(), mode.data())
    found = [one.metrics["val/grows"] for one in events if isinstance(one, Evaluation)]
    assert found == [1] * 6


def test_the_weights_that_are_kept_are_those_to_evaluate() -> None:
    mode = MODES["schedule-free"]
    state = mode.state()
    keeper, last = BestKeeper(state), {}
    for event in train(state, mode.trial(), mode.data()):
        keeper.hear(event)
        if isinstance(event, Evaluation):
            last = copy.deepcopy(state.model.state_dict())
    trained = copy.deepcopy(state.model.state_dict())
    best, state.best = state.best, None
    state.restore()
    assert alike(state.model.state_dict(), last)
    assert not alike(trained, last)
    state.best = best
    state.restore()
    assert best is not None
    assert alike(state.model.state_dict(), best.weights)


def test_a_state_that_stopped_early_is_captured_behind_that() -> None:
    mode = MODES["schedule-free"]
    whole, state, made = Ran().go(mode), mode.state(), []
    state.optimizer.register_step_post_hook(lambda *_: made.append(1))
    watched = Watched(state)
    list(train(state, mode.trial(), mode.data(), lambda: len(made) >= 17))
    assert state.step == 17
    captured = watched.capture()
    assert alike(captured["weights"], whole.captured[17]["weights"])
    assert alike(captured["new"], whole.captured[17]["new"])


def test_what_diverged_is_not_stored() -> None:
    class Breaks(nn.Linear):
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return super().forward(x.flatten(1)) * (1 if self.calls < 8 else float("nan"))

    mode = Mode(lambda: Breaks(16, 3), eval_every=30)
    state = mode.state()
    watched = Watched(state)
    events = train(state, mode.trial(), mode.data())
    next(events)
    with pytest.raises(NotStorable, match="a loss or gradient is not finite"):
        watched.capture()
    with pytest.raises(Diverged, match="at step 7"):
        next(events)


def captured() -> dict[str, Any]:
    """Return a state at step 5 that says all that there is to say."""
    state = (mode := Mode(Keeping)).state()
    watched = Watched(state)
    next(iter(train(state, mode.trial(), mode.data())))
    return copy.deepcopy(watched.capture())


def deep(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change of what lies at a path."""

    def change(found: dict[str, Any]) -> None:
        *inner, last = path.split("/")
        for name in inner:
            found = found[int(name) if isinstance(found, list | tuple) else name]
        found[last] = value(found[last]) if isinstance(value, FunctionType) else value

    return change


def without(path: str) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        *inner, last = path.split("/")
        for name in inner:
            found = found[name]
        del found[last]

    return change


def moments(change: Callable[[Tensor], Tensor]) -> Callable[[dict[str, Any]], None]:
    """Return a change of the largest tensor that the optimizer keeps."""

    def changed(found: dict[str, Any]) -> None:
        new = found["new"]
        i = max(
            (i for i, (kind, _) in enumerate(new) if kind == "tensor"),
            key=lambda i: new[i][1][0].numel(),
        )
        new[i] = ("tensor", (change(new[i][1][0]), "cpu"))

    return changed


DENSE = "weights/model.dense.weight"
UNFIT = {
    "a shape": (
        deep(DENSE, torch.zeros(3, 17)),
        r"model.dense.weight is \(3, 17\) of float32 there and \(3, 16\) of float32 here",
    ),
    "a type": (deep(DENSE, lambda one: one.double()), "is .* of float64 there"),
    "no tensor": (deep(DENSE, 1.0), "model.dense.weight is a float there"),
    "a weight less": (without(DENSE), "model.dense.weight is here and not there"),
    "one more": (deep("weights/model.more", torch.zeros(1)), "model.more is there and not here"),
    "a thing more": (deep("held/model.more", []), "model.more is there and not here"),
    "a step": (deep("step", -1), "step is -1 there"),
    "no parts": (without("new"), "must be whole, but it is not: KeyError: 'new'"),
    "a reference": (deep("position", ("new", 999)), "must be whole, but it is not: IndexError"),
    "one from behind": (deep("position", ("new", -999)), "must be whole"),
    "something else": (deep("position", len), "a builtin_function_or_method is no plain value"),
    "moments of another shape": (
        moments(lambda one: one[:1]),
        r"'exp_avg' of the optimizer is \(1, 16\) of float32 with strides",
    ),
    "moments without memory": (
        moments(lambda one: one[:1, :1].expand(one.shape)),
        "'exp_avg' of the optimizer is .* with strides",
    ),
    "a rate": (
        deep("held/optimizer.param_groups[0]", lambda group: [("lr", "fast"), *group[1:]]),
        "optimizer.param_groups|must be whole",
    ),
    "a method of torch's": (
        deep("held/model/attributes/_parameters", None),
        "model has _parameters there, which is no attribute to store",
    ),
    "a generator": (deep("held/model.noise", torch.zeros(3)), "must be whole"),
    "an array": (
        deep("held/model.seen['mean']", np.zeros(4)),
        r"model.seen\['mean'\] is \(4,\) of float64 there and \(3,\) of float32 here",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_is_refused_in_one_line_and_changes_nothing(name: str) -> None:
    change, match = UNFIT[name]
    given = captured()
    change(given)
    state = Mode(Keeping).state()
    watched = Watched(state)
    before = watched.capture()
    with pytest.raises(ValueError, match=match) as caught:
        watched.restore(given)
    assert str(caught.value).startswith("a stored state must ")
    assert "\n" not in str(caught.value)
    assert alike(watched.capture(), before)
    watched.restore(captured())
    assert state.step == 5


def test_a_state_of_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must fit its recipe: model\.dense1"):
        Watched(MODES["dropout"].state()).restore(captured())


class Holding(nn.Linear):
    """Does something with what it holds, at each pass."""

    def __init__(self, held: Any, use: Callable[["Holding"], object]) -> None:
        super().__init__(16, 3)
        self.held, self.use = held, use

    def forward(self, x: Tensor) -> Tensor:
        found = super().forward(x.flatten(1))
        self.use(self)
        return found


def counting() -> Callable[[], int]:
    calls = 0

    def count() -> int:
        nonlocal calls
        calls += 1
        return calls

    return count


def features(model: Holding) -> None:
    model.held = model.weight * 2


def replaced(model: Holding) -> None:
    model.held = nn.Linear(2, 2)


REFUSED = {
    "a counter": (
        Counter(),
        lambda one: one.held.update("a"),
        "model.held is a collections.Counter, which changes in training",
    ),
    "a closure": (
        counting(),
        lambda one: one.held(),
        "model.held is a function, which changes in training",
    ),
    "an iterator": (
        (i for i in range(99)),
        lambda one: next(one.held),
        "model.held is a generator, which cannot be compared",
    ),
    "a module": (None, replaced, "model.held is a torch.nn.modules.linear.Linear, which training"),
    "a gradient": (None, features, "model.held is a tensor with a gradient, which training makes"),
    "an object": (
        None,
        lambda one: setattr(one, "held", Tally()),
        "model.held is a .*Tally, which training makes",
    ),
    "a view": (
        None,
        lambda one: setattr(one, "held", one.weight.detach()[0]),
        "model.held shares its memory with model.weight, since training began",
    ),
    "another parameter": (
        None,
        lambda one: setattr(one, "bias", nn.Parameter(torch.zeros(3))),
        "model.bias is a parameter, which training makes",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_changes_and_is_not_plain_is_said(name: str) -> None:
    held, use, match = REFUSED[name]
    mode = Mode(lambda: Holding(held, use))
    state = mode.state()
    watched = Watched(state)
    next(iter(train(state, mode.trial(), mode.data())))
    with pytest.raises(NotStorable, match=match):
        watched.capture()


@pytest.mark.parametrize(
    "held",
    [
        lambda x: x,
        Counter("abc"),
        counting(),
        functools.partial(torch.relu),
        torch.distributions.Normal(torch.zeros(2), torch.ones(2)),
        np.random.mtrand._rand,
        torch.ones(1).expand(3),
        {torch.nn.functional.relu, nn.Tanh()},
        nn.MultiheadAttention(4, 2),
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)),
    ],
    ids=lambda held: type(held).__name__,
)
def test_what_is_not_plain_and_does_not_change_is_no_obstacle(held: Any) -> None:
    mode = Mode(lambda: Holding(held, lambda _: np.random.rand()))
    state = mode.state()
    watched = Watched(state)
    next(iter(train(state, mode.trial(), mode.data())))
    captured = watched.capture()
    assert "model.held" not in captured["held"]


def test_tensors_of_a_capture_are_copies() -> None:
    state = MODES["dropout"].state()
    found = Watched(state).capture()["weights"]
    with torch.no_grad():
        for p in state.model.parameters():
            assert not torch.equal(p.add_(1), found.popitem()[1])
