"""A loop that hands over its states goes on from any event with the same bits."""

import random

import numpy as np
import pytest
import torch

from runner.errors import Misuse
from runner.results.events import Chunk, Evaluation
from runner.training import own_loop
from runner.training.own_loop import Start
from runner.training.own_loop.snapshot import snapshot
from runner.trial import Numbers, Recipe, Trial
from schedules import Horizon, ReduceOnPlateau

CPU = torch.device("cpu")
STEPS = 20


@pytest.fixture
def start() -> Start:
    horizon = Horizon(STEPS, 5)
    schedule = ReduceOnPlateau(lr=0.3, factor=0.5, patience=0, cooldown=0).bind(horizon)
    parts = {key: {} for key in ("model", "dataset", "optimizer", "clipping", "versions")}
    rest = {"precision": "float32", "device": "cpu", "threads": 1, "weights": None}
    recipe = Recipe(**parts, batch_size=0, seed=3, **rest, loop={"keys": {}})
    trial = Trial(recipe, Numbers({"lr": schedule}, horizon), eval_every=4, stop_after=None)
    rest = {"keys": {}, "device": CPU, "threads": 1, "test": False, "keeps_best": False}
    return Start(trial, frozenset({"loss"}), "loss", **rest)


def drawing(run) -> None:
    """A loop that draws from every generator, with an optimizer that remembers."""
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=run.lr, momentum=0.9)
    run.keep(net)
    run.hand_over(optimizer=optimizer)
    for step in run.steps():
        run.set_rate(optimizer)
        x = torch.rand(8, 3) + np.random.rand() + random.random()
        loss = (net(x) - x.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
        if run.evaluates:
            run.report(val_loss=abs(step - 8) + 1)  # worse from step 8 on: the rate is cut


def trained(start, state, function=drawing, at=None):
    """Train; return what was heard, and the snapshot at an evaluation."""
    heard, found = [], []

    def hear(event) -> None:
        heard.append(event)
        if isinstance(event, Evaluation) and event.step == at:
            found.append(snapshot(state, CPU))

    own_loop.train(function, start.run(state, hear, lambda: False))
    return heard, found


def columns(heard, key, first=0):
    chunks = [event for event in heard if isinstance(event, Chunk)]
    values = {one.start + i: v for one in chunks for i, v in enumerate(one.columns[key].tolist())}
    return {step: value for step, value in values.items() if step >= first}


@pytest.mark.parametrize("at", [4, 12, 16])
def test_it_goes_on_from_an_event_to_the_bit(start, at) -> None:
    state = start.state()
    heard, [kept] = trained(start, state, at=at)
    again = kept.state("loss")
    assert again.step == at
    more, _ = trained(start, again)
    assert len(set(columns(heard, "train/lr").values())) > 1
    for key in ("train/lr", "train/loss"):
        assert columns(more, key) == columns(heard, key, first=at)
    for a, b in zip(state.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)
    third, _ = trained(start, kept.state("loss"))  # the snapshot is as it was
    assert columns(third, "train/loss") == columns(more, "train/loss")


def test_a_loop_that_hands_nothing_over_has_no_snapshot(start) -> None:
    def plain(run) -> None:
        for step in run.steps():
            run.report(val_loss=step * run.lr + 1)

    _, [kept] = trained(start, start.state(), plain, at=8)
    assert kept is None


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ((), "the state has model and optimizer, which the loop does not hand over before"),
        (("model",), "the state has optimizer, which the loop does not hand over before"),
        (("model", "scaler"), "scaler is handed over, but the state that the run goes on from"),
        (("number",), "number must be handed over with state_dict() and load_state_dict()"),
    ],
)
def test_what_does_not_fit_the_state_is_said(start, parts, why) -> None:
    _, [kept] = trained(start, start.state(), at=8)

    def other(run) -> None:
        for name in parts:
            run.hand_over(**{name: 3 if name == "number" else torch.nn.Linear(3, 1)})
        next(run.steps())

    with pytest.raises(Misuse, match=why.replace("(", r"\(").replace(")", r"\)")):
        own_loop.train(other, start.run(kept.state("loss"), lambda event: None, lambda: False))


def test_a_run_that_has_ended_knows_its_groups_again(start) -> None:
    def grouped(run) -> None:
        net = torch.nn.Linear(3, 1)
        groups = [{"params": [net.weight], "lr_scale": 0.5}, {"params": [net.bias]}]
        optimizer = torch.optim.SGD(groups, lr=run.lr)
        run.keep(net)
        run.hand_over(optimizer=optimizer)
        for _ in run.steps():
            run.set_rate(optimizer)
            optimizer.step()
            run.report(val_loss=1.0)

    state, again = start.state(), start.state()
    trained(start, state, grouped)
    own_loop.put(again, own_loop.stored(state, CPU))
    again.step, again.reported = STEPS, state.reported
    trained(start, again, grouped)
    assert again.groups == [{"lr_scale": 0.5}, {}]
