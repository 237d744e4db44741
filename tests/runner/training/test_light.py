"""Torch's optimizers without its compiler: the same bits, states and hooks."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from runner.training.light import LIGHT

ALL = [
    (Adam, {"fused": True}),
    (Adam, {"weight_decay": 0.1, "amsgrad": True}),
    (AdamW, {"fused": True, "betas": (0.8, 0.9)}),
    (SGD, {"fused": True, "momentum": 0.9, "nesterov": True}),
    (SGD, {"weight_decay": 0.1}),
    (RMSprop, {"momentum": 0.9, "centered": True}),
]


def trained(kind: type[Optimizer], arguments: dict[str, Any], steps: int) -> Optimizer:
    torch.manual_seed(0)
    model = nn.Linear(7, 3)
    optimizer = kind(model.parameters(), lr=0.1, **arguments)  # type: ignore[call-arg]
    for step in range(steps):
        optimizer.zero_grad()
        model(torch.full((5, 7), step + 1.0)).square().sum().backward()
        optimizer.step()
    return optimizer


def tensors(optimizer: Optimizer) -> list[torch.Tensor]:
    held = optimizer.state_dict()["state"].values()
    found = [*optimizer.param_groups[0]["params"]]
    return found + [value for entry in held for value in entry.values() if value is not None]


@pytest.mark.parametrize(("kind", "arguments"), ALL)
def test_gives_the_bits_of_torchs_own(kind: type[Optimizer], arguments: dict[str, Any]) -> None:
    mine, theirs = trained(LIGHT[kind], arguments, 6), trained(kind, arguments, 6)
    assert type(mine) is not kind
    assert isinstance(mine, kind)
    assert str(mine) == str(theirs)
    pairs = [*zip(tensors(mine), tensors(theirs), strict=True)]
    assert len(pairs) > 1
    for one, other in pairs:
        assert torch.equal(one, other)


@pytest.mark.parametrize(("kind", "arguments"), ALL)
def test_takes_up_a_state_of_torchs_own(kind: type[Optimizer], arguments: dict[str, Any]) -> None:
    theirs, mine = trained(kind, arguments, 6), trained(LIGHT[kind], arguments, 1)
    mine.load_state_dict(theirs.state_dict())
    for one, other in zip(tensors(mine)[2:], tensors(theirs)[2:], strict=True):
        assert torch.equal(one, other)


def test_hooks_hear_each_step_once() -> None:
    heard = []
    optimizer = trained(LIGHT[Adam], {}, 1)
    optimizer.register_step_post_hook(lambda *_: heard.append("post"))
    optimizer.register_step_pre_hook(lambda *_: heard.append("pre"))
    optimizer.step()
    assert heard == ["pre", "post"]


def test_no_gradient_flows_through_a_step() -> None:
    optimizer = trained(LIGHT[AdamW], {}, 2)
    assert all(p.requires_grad and p.grad_fn is None for p in optimizer.param_groups[0]["params"])
