"""The average of a model's weights, beside PyTorch's own."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from runner.results.events import Chunk
from runner.training.average import Average
from runner.training.evaluation import evaluate
from runner.training.loop import train
from runner.training.state import BestKeeper, State
from tests.runner.training.test_loop import DATA, all_of, fresh, same, small, trial, weights

GOOD, BAD = torch.zeros(()), torch.ones(())


def tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_weights_and_running_statistics_are_averaged_as_pytorch_does() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    ours = Average(model, decay=0.9)
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(8, 3)).square().mean().backward()
        optimizer.step()
        ours.update(model, GOOD)
        theirs.update_parameters(model)
    expected = tensors(theirs.module)
    assert expected["1.running_mean"].abs().sum() > 0
    for name, tensor in tensors(ours.model).items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, expected[name])
    assert not torch.equal(ours.model[0].weight, model[0].weight)


def test_an_update_that_was_not_finite_leaves_the_average() -> None:
    model = nn.Linear(2, 2)
    average = Average(model, decay=0.5)
    average.update(model, GOOD)
    with torch.no_grad():
        model.weight += 1
    before = tensors(average.model)
    average.update(model, BAD)
    assert all(torch.equal(before[name], one) for name, one in tensors(average.model).items())


def averaged(keeps: bool = False) -> State:
    state = fresh(model=small(dropout=0.2))
    state.average, state.keeps_average = Average(state.model, 0.8), keeps
    return state


def test_the_average_is_evaluated_beside_the_weights_and_changes_no_bit_of_them() -> None:
    state, plain = averaged(), fresh(model=small(dropout=0.2))
    found, alone = all_of(train(state, trial(), DATA)), all_of(train(plain, trial(), DATA))
    assert same({key: found[key] for key in alone}, alone)
    expected = evaluate(state.average.model, state.task, DATA.val, "float32")
    assert found["ema/val/loss"][-1] == expected["loss"] != found["val/loss"][-1]
    assert found["ema/val/accuracy"][-1] == expected["accuracy"]


def test_the_loop_averages_each_update() -> None:
    state, expected = averaged(), None
    for event in train(state, trial(eval_every=1), DATA):
        if isinstance(event, Chunk):
            assert len(event) == 1
            now = weights(state)
            expected = now if expected is None else 0.8 * expected + 0.2 * now
            found = [p.detach().flatten() for p in state.average.model.parameters()]
            torch.testing.assert_close(torch.cat(found), expected)


def test_a_state_with_an_average_goes_on_with_the_same_bits() -> None:
    whole, parted = averaged(), averaged()
    first = all_of(train(whole, trial(), DATA))
    for event in train(parted, trial(), DATA):
        if isinstance(event, Chunk) and parted.step >= 10:
            break
    resumed = parted.copy()
    assert resumed is not None
    again = all_of(train(resumed, trial(), DATA))["ema/val/loss"].tolist()
    assert again == first["ema/val/loss"].tolist()[-len(again) :]
    for name, one in tensors(whole.average.model).items():
        assert torch.equal(one, tensors(resumed.average.model)[name])


@pytest.mark.parametrize("keeps", [False, True])
def test_the_best_is_kept_of_what_is_kept(keeps: bool) -> None:
    state = averaged(keeps)
    keeper, seen = BestKeeper(state), {}
    for event in train(state, trial(), DATA):
        keeper.hear(event)
        if hasattr(event, "metrics"):
            seen[event.step] = event.metrics, copy.deepcopy(state.kept.state_dict())
    key = "ema/val/accuracy" if keeps else "val/accuracy"
    assert state.metric == key
    best = max(found[key] for found, _ in seen.values())
    assert state.best.metrics[key] == best
    kept = seen[state.best.step][1]
    assert all(torch.equal(kept[name], one) for name, one in state.best.weights.items())
