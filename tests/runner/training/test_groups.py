"""Layer-wise decay of the rate."""

import copy

import pytest
import torch
from torch import nn

from runner.training.groups import layers, set_training, split_parameters
from runner.training.models import MLP, KerasCNN
from runner.trial.groups import Group


def scales(model, groups=(), decay=0.8):
    """The lr_scale of each parameter by name."""
    names = {id(p): name for name, p in model.named_parameters()}
    parts = split_parameters(model, groups, decay)
    return {names[id(p)]: part["lr_scale"] for part in parts for p in part["params"]}


class Blocks(nn.Module):
    """Two blocks behind an embedding with a parameter of its own, as in a transformer."""

    def __init__(self):
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, 4))
        self.embed = nn.Linear(3, 4)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"norm": nn.LayerNorm(4), "fc": nn.Linear(4, 4)}) for _ in range(2)
        )
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 2)


def test_each_layer_below_the_last_learns_at_a_share_of_the_one_above():
    found = scales(KerasCNN((1, 28, 28), 10))
    by_layer = {name: found[f"{name}.weight"] for name in layers_of(found)}
    assert list(by_layer) == ["conv1", "conv2", "dense1", "dense2", "dense3"]
    assert list(by_layer.values()) == pytest.approx([0.4096, 0.512, 0.64, 0.8, 1.0])
    assert all(found[f"{name}.bias"] == scale for name, scale in by_layer.items())


def layers_of(names):
    return dict.fromkeys(name.rpartition(".")[0] for name in names)


def test_a_numbered_block_is_one_layer_and_a_norm_belongs_to_the_layer_before():
    found = layers(Blocks())
    assert found["position"] == found["embed.weight"] == found["embed.bias"] == 0
    assert {found[name] for name in found if name.startswith("blocks.0.")} == {1}
    assert {found[name] for name in found if name.startswith("blocks.1.")} == {2}
    assert found["norm.weight"] == 2
    assert found["head.weight"] == found["head.bias"] == 3


def test_torchvision_s_vision_transformer_has_its_blocks_a_stem_and_a_head():
    from torchvision.models import VisionTransformer

    found = layers(VisionTransformer(32, 16, 12, 2, 8, 16, num_classes=3))
    assert max(found.values()) == 13
    assert found["class_token"] == found["conv_proj.weight"] == found["encoder.pos_embedding"] == 0
    for i in range(12):
        block = f"encoder.layers.encoder_layer_{i}."
        assert {found[name] for name in found if name.startswith(block)} == {i + 1}
    assert found["encoder.ln.weight"] == 12
    assert found["heads.head.weight"] == 13


def test_torchvision_s_resnet_has_its_eight_blocks():
    from torchvision.models import resnet18

    found = layers(resnet18(num_classes=3))
    assert found["conv1.weight"] == found["bn1.weight"] == 0
    blocks = [f"layer{stage}.{i}." for stage in (1, 2, 3, 4) for i in (0, 1)]
    for layer, block in enumerate(blocks, start=1):
        assert {found[name] for name in found if name.startswith(block)} == {layer}
    assert found["fc.weight"] == 9
    behind = nn.Sequential(resnet18(), nn.Linear(1000, 2))
    assert layers(behind)["1.weight"] == layers(behind)["0.fc.weight"] == 9


def test_it_multiplies_the_scale_of_a_group_and_leaves_frozen_ones_out():
    model = MLP((1, 4, 4), 3, hidden=[5, 6])
    groups = [Group("dense1.*", frozen=True), Group("*.bias", lr_scale=0.5, weight_decay=0.0)]
    assert scales(model, groups, decay=0.1) == pytest.approx(
        {"dense2.weight": 0.1, "dense2.bias": 0.05, "dense3.weight": 1.0, "dense3.bias": 0.5}
    )


def test_without_a_decay_there_is_one_group():
    (part,) = split_parameters(Blocks(), [])
    assert part["lr_scale"] == 1.0
    assert len(part["params"]) == len(list(Blocks().parameters()))


@pytest.mark.parametrize("decay", [0, 1.2, -1, True, "0.8"])
def test_a_decay_out_of_its_range(decay):
    with pytest.raises(ValueError, match=r"^layer_decay must be a number in \(0, 1\], got "):
        split_parameters(Blocks(), [], decay)


def test_a_model_of_vectors_only_is_one_layer():
    assert layers(nn.BatchNorm1d(3)) == {"weight": 0, "bias": 0}


class Normed(nn.Module):
    """A block with a batch normalisation, another one without parameters, and a head."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(
            nn.Linear(4, 3), nn.BatchNorm1d(3), nn.BatchNorm1d(3, affine=False), nn.Dropout()
        )
        self.bn = nn.BatchNorm1d(3)
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.bn(self.block(x)))


@pytest.mark.parametrize(
    ("patterns", "stay"),
    [
        ([], set()),
        (["block.*"], {"block.1", "block.2"}),
        (["block.1.*"], {"block.1"}),
        (["bn.*", "block.1.weight"], {"bn"}),
        (["head.*"], set()),
    ],
)
def test_the_statistics_of_what_is_frozen_stay(patterns, stay):
    model = Normed()
    split_parameters(model, [Group(pattern, frozen=True) for pattern in patterns])
    before = copy.deepcopy(model.state_dict())
    model = copy.deepcopy(model)
    set_training(model)
    model(torch.randn(8, 4))
    changed = {
        key.rpartition(".")[0]
        for key, value in model.state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert changed == {"block.1", "block.2", "bn"} - stay
    assert model.block[3].training
