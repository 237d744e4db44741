"""Saving weights, and starting from them."""

import pytest
import torch

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
    junk = tmp_path / "junk.safetensors"
    junk.write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"weights must be a .safetensors file, got"):
        weights.load_into(MLP((6,), 4), junk)


def test_the_digest_is_that_of_the_file(tmp_path):
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert weights.digest(file).startswith("ba7816bf8f01cfea")
