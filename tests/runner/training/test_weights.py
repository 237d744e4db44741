"""Saving weights, and starting from them."""

import pytest
import safetensors.torch
import torch
from torch import nn

from runner.training import weights
from runner.training.models import MLP


@pytest.fixture
def stored(tmp_path):
    torch.manual_seed(1)
    model = MLP((6,), 4, hidden=[5])
    weights.save(model.state_dict(), tmp_path / "weights.safetensors")
    return model, tmp_path / "weights.safetensors"


def test_all_weights_come_back_bit_for_bit(stored):
    model, file = stored
    other = MLP((6,), 4, hidden=[5])
    weights.load_into(other, file)
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_excepted_layers_stay_new_even_with_another_shape(stored):
    model, file = stored
    other = MLP((6,), 9, hidden=[5])
    before = other.dense2.weight.detach().clone()
    weights.load_into(other, file, keep_new=["dense2.*"])
    assert torch.equal(other.dense1.weight, model.dense1.weight)
    assert torch.equal(other.dense2.weight, before)


def test_weights_that_do_not_fit(stored, tmp_path):
    _, file = stored
    with pytest.raises(ValueError, match=r"'dense2.weight' is \(4, 5\) there and \(9, 5\) here"):
        weights.load_into(MLP((6,), 9, hidden=[5]), file)
    with pytest.raises(ValueError, match=r"must have 'dense3.weight', got dense1.*leave it new"):
        weights.load_into(MLP((6,), 4, hidden=[5, 4]), file, keep_new=["dense2.*"])
    with pytest.raises(ValueError, match=r"got 'dens2.\*' \(did you mean"):
        weights.load_into(MLP((6,), 4, hidden=[5]), file, keep_new=["dens2.*"])
    whole = tmp_path / "whole.safetensors"
    state = MLP((6,), 4, hidden=[5]).state_dict()
    weights.save({name: tensor.to(torch.int8) for name, tensor in state.items()}, whole)
    with pytest.raises(ValueError, match=r"'dense1.weight' holds int8 there and real numbers here"):
        weights.load_into(MLP((6,), 4, hidden=[5]), whole)
    junk = tmp_path / "junk.safetensors"
    junk.write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"weights must be a .safetensors file, got"):
        weights.load_into(MLP((6,), 4), junk)


def test_the_digest_is_that_of_the_file(tmp_path):
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert weights.digest(file).startswith("ba7816bf8f01cfea")


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
        self.b.weight = self.a.weight


class Extra(nn.Linear):
    def get_extra_state(self):
        return {"seen": 1}

    def set_extra_state(self, state):
        pass


def test_tied_weights_as_safetensors_writes_them(tmp_path):
    file = tmp_path / "tied.safetensors"
    model, other = Tied(), Tied()
    safetensors.torch.save_model(model, str(file))
    assert len(safetensors.torch.load_file(file)) == 1
    weights.load_into(other, file)
    assert torch.equal(other.a.weight, model.a.weight)
    assert other.b.weight is other.a.weight
    assert weights.unused(other, file) == []


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_prefixes_of_wrappers_are_taken_off(tmp_path, prefix):
    file = tmp_path / "wrapped.safetensors"
    model, other = MLP((6,), 4, hidden=[5]), MLP((6,), 4, hidden=[5])
    state = {f"{prefix}{name}": tensor for name, tensor in model.state_dict().items()}
    weights.save(state, file)
    weights.load_into(other, file)
    assert torch.equal(other.dense2.weight, model.dense2.weight)
    assert weights.unused(other, file) == []
    wrapped = nn.ModuleDict({"module": MLP((6,), 4, hidden=[5])})
    weights.save(wrapped.state_dict(), file)
    weights.load_into(wrapped, file)
    assert weights.unused(wrapped, file) == []


def test_an_extra_state_stays_as_it_is(tmp_path):
    file = tmp_path / "extra.safetensors"
    model, other = Extra(3, 2), Extra(3, 2)
    weights.save(model.state_dict(), file)
    weights.load_into(other, file)
    assert torch.equal(other.weight, model.weight)


def test_what_a_model_has_no_place_for_is_said(command, folder):
    file = folder / "more.safetensors"
    state = MLP((1, 28, 28), 10, hidden=[5]).state_dict()
    weights.save(state | {"ema.0": torch.ones(2), "old.head": torch.ones(2)}, file)
    line = f"model=mlp model.hidden=[5] model.weights={file} tracking=off train.steps=1"
    done = command(line)
    assert (done.status, done.err) == (
        0,
        "note: model.weights holds what the model has no place for: ema.0, old.head\n",
    )
