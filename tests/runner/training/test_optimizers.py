"""Parameter groups by name, and optimizers in their exact fused form."""

from functools import partial

import pytest
import torch
from torch import nn

from runner.training import optimizers
from runner.training.groups import split_parameters
from runner.training.state import State
from runner.trial.groups import Group, read_groups
from runner.trial.limits import check_arguments


def net():
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))


def names_of(model, part):
    names = {id(p): name for name, p in model.named_parameters()}
    return [names[id(p)] for p in part["params"]]


def test_old_and_new_layers_have_rates_of_their_own():
    model = net()
    rest, old = split_parameters(model, [Group("0.*", lr_scale=0.01)])
    assert (names_of(model, rest), rest["lr_scale"]) == (["2.weight", "2.bias"], 1.0)
    assert (names_of(model, old), old["lr_scale"]) == (["0.weight", "0.bias"], 0.01)


def test_a_parameter_belongs_to_the_first_pattern_that_fits():
    model = net()
    groups = [Group("*.bias", weight_decay=0.0), Group("0.*", lr_scale=0.1)]
    rest, biases, old = split_parameters(model, groups)
    assert names_of(model, biases) == ["0.bias", "2.bias"]
    assert names_of(model, old) == ["0.weight"]
    assert names_of(model, rest) == ["2.weight"]
    assert biases["weight_decay"] == 0.0
    assert "weight_decay" not in rest


def test_frozen_parameters_are_not_trained():
    model = net()
    (rest,) = split_parameters(model, [Group("0.*", frozen=True)])
    assert names_of(model, rest) == ["2.weight", "2.bias"]
    assert not model[0].weight.requires_grad


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([Group("2.wieght")], r"groups\[0\].pattern must fit .* got '2.wieght' \(did you mean"),
        ([Group("0.*"), Group("0.bias")], r"groups\[1\].pattern .* earlier group has not taken"),
        ([Group("*", frozen=True)], "groups must leave at least one parameter to train"),
    ],
)
def test_groups_that_do_not_fit_the_model(groups, message):
    with pytest.raises(ValueError, match=message):
        split_parameters(net(), groups)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"patern": "0.*"}, r"groups\[0\].patern is not known \(did you mean 'pattern'\?\)"),
        ({"lr_scale": 0.1}, r"groups\[0\] must have a pattern, got"),
        ("0.*", r"groups\[0\] must have a pattern, got '0.\*'"),
        ({"pattern": "a", "lr_scale": -1}, r"groups\[0\].lr_scale must be a number >= 0, got -1"),
        ({"pattern": "a", "frozen": 1}, r"groups\[0\].frozen must be true or false, got 1"),
        ({"pattern": 3}, r"groups\[0\].pattern must be text, got 3"),
        ({"pattern": "a", "weight_decay": "x"}, r"weight_decay must be a number >= 0, got 'x'"),
    ],
)
def test_groups_that_cannot_be_read(entry, message):
    with pytest.raises(ValueError, match=message):
        read_groups([entry])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight_decay": -0.1}, "^weight_decay must be at least 0, got -0.1"),
        ({"momentum": 1.0}, r"^momentum must lie in \[0, 1\), got 1.0"),
        ({"betas": [0.9, 1.0]}, r"^betas must each lie in \[0, 1\), got \[0.9, 1.0\]"),
        ({"nesterov": True, "momentum": 0.0}, "^nesterov needs momentum greater than 0, got 0"),
        ({"eps": -1e-8}, "^eps must be greater than 0, got -1e-08"),
        ({"eps": 0}, "^eps must be greater than 0, got 0"),
        ({"eps": 1e-50}, r"^eps must lie in \[1.2e-38, 3.4e\+38\], as float32, got 1e-50"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        check_arguments(arguments)


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_optimizers_are_fused_where_that_can_be(kind):
    built = optimizers.build(kind, split_parameters(net(), []))
    assert built.defaults["fused"] is True


def test_complex_weights_are_not_for_a_fused_form():
    model = nn.Linear(2, 1, dtype=torch.complex64)
    assert not optimizers.build(torch.optim.Adam, split_parameters(model, [])).defaults["fused"]


def test_a_step_that_is_bad_leaves_sparse_weights_and_momentum_as_they_were():
    model = nn.Embedding(4, 2, sparse=True)
    sgd = optimizers.build(
        partial(torch.optim.SGD, momentum=0.9), split_parameters(model, []), sparse=True
    )
    guard = optimizers.Guard(model, sgd)

    def step(bad: float) -> tuple[torch.Tensor, torch.Tensor]:
        sgd.zero_grad()
        guard.before_forward()
        model(torch.tensor([1, 2])).sum().backward()
        guard.step(torch.tensor(bad))
        momentum = sgd.state[model.weight]["momentum_buffer"]
        return model.weight.detach().clone(), momentum.to_dense()

    good, bad, next_one = step(0.0), step(1.0), step(0.0)
    assert all(map(torch.equal, good, bad))
    assert not torch.equal(bad[0], next_one[0])


def test_other_optimizers_are_taken_as_they_are():
    built = optimizers.build(torch.optim.NAdam, split_parameters(net(), []))
    assert isinstance(built, torch.optim.NAdam)


class Wary(torch.optim.SGD):
    """Refuses a rate of 0, and has an attribute of its own."""

    def __init__(self, params, lr):
        if lr <= 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, lr)
        self.steps = [0]

    def step(self, closure=None):
        self.steps[0] += 1
        return super().step(closure)


def test_an_optimizer_may_want_a_positive_rate():
    assert isinstance(optimizers.build(Wary, split_parameters(net(), [])), Wary)
    embedding = nn.Embedding(3, 2, sparse=True)
    built = optimizers.build(torch.optim.SparseAdam, split_parameters(embedding, []))
    assert isinstance(built, torch.optim.SparseAdam)


def test_a_sparse_gradient_is_not_for_a_fused_form():
    built = optimizers.build(torch.optim.SGD, split_parameters(net(), []), sparse=True)
    assert not built.defaults["fused"]


def test_a_copy_of_a_state_is_trained_by_itself():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    first = State(model, Wary(model.parameters(), lr=0.1))
    second = first.copy()
    assert second is not None
    before = [p.clone() for p in model.parameters()]
    second.model(torch.ones(1, 4)).sum().backward()
    second.optimizer.step()
    assert (first.optimizer.steps, second.optimizer.steps) == ([0], [1])
    assert all(map(torch.equal, before, model.parameters()))
    assert not torch.equal(before[0], second.model[0].weight)


def test_no_copy_is_made_where_a_function_would_hold_the_first_model():
    model = net()
    inner = model.forward
    model.forward = lambda x: inner(x)
    assert State(model, Wary(model.parameters(), lr=0.1)).copy() is None
    hooked = net()
    hooked[0].register_forward_hook(lambda *_: hooked[2].weight.sum())
    assert State(hooked, Wary(hooked.parameters(), lr=0.1)).copy() is None


def test_no_copy_is_made_of_a_model_that_copies_itself_otherwise():
    class Odd(nn.Linear):
        def __deepcopy__(self, memo):
            return Odd(2, 2)

    model = Odd(2, 2)
    assert State(model, Wary(model.parameters(), lr=0.1)).copy() is None
