"""The models: shapes, sizes, starts."""

import pytest
import torch
from torch.nn import functional

from runner.training import models, weights


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (models.KerasCNN, 832 + 51_264 + 3_212_288 + 262_400 + 2_570),
        (models.LeNet, 156 + 2_416 + 48_120 + 10_164 + 850),
        (models.MLP, 100_480 + 1_290),
        (models.Linear, 7_850),
    ],
)
def test_a_classifier_has_the_size_worked_out_by_hand(model, parameters):
    built = model((1, 28, 28), 10)
    assert sum(p.numel() for p in built.parameters()) == parameters
    assert built(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


@pytest.mark.parametrize("model", [models.KerasCNN, models.LeNet, models.MLP, models.Linear])
def test_a_classifier_fits_other_shapes(model):
    assert model((3, 33, 20), 7)(torch.zeros(2, 3, 33, 20)).shape == (2, 7)


def test_the_keras_cnn_starts_as_keras_starts_it():
    torch.manual_seed(0)
    model = models.KerasCNN((1, 28, 28), 10)
    limit = (6 / (3136 + 1024)) ** 0.5  # Glorot: sqrt(6 / (inputs + outputs))
    weight = model.dense1.weight
    assert weight.abs().max() <= limit
    assert weight.std().item() == pytest.approx(limit / 3**0.5, rel=1e-3)
    assert not model.conv1.bias.any()


def test_the_two_hidden_layers_of_the_keras_cnn_are_linear():
    model = models.KerasCNN((1, 28, 28), 10)
    names = [name for name, _ in model.named_children()]
    assert names[names.index("flatten") :] == ["flatten", "dense1", "dense2", "dense3"]


def test_dropout_is_only_there_when_asked_for():
    kinds = [type(m) for m in models.MLP((4,), 2, hidden=[3, 3], dropout=0.5).children()]
    assert kinds.count(torch.nn.Dropout) == 2
    assert torch.nn.Dropout not in [type(m) for m in models.MLP((4,), 2).children()]


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"hidden must hold whole numbers >= 1, got \[0\]"):
        models.MLP((4,), 2, hidden=[0])
    with pytest.raises(ValueError, match=r"dropout must lie in \[0, 1\), got 1.0"):
        models.MLP((4,), 2, dropout=1.0)
    with pytest.raises(ValueError, match=r"at least 12 x 12 pixels, got \(1, 8, 8\)"):
        models.LeNet((1, 8, 8), 10)
    with pytest.raises(ValueError, match=r"input_shape must be .* got \(784,\)"):
        models.KerasCNN((784,), 10)


def test_the_quadratic_is_its_own_loss():
    model = models.Quadratic(w=3.0)
    loss = model()
    loss.backward()
    assert (loss.item(), model.w.grad.item()) == (16.0, 8.0)


def test_the_residual_network_has_the_size_worked_out_by_hand():
    convolutions = 9 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 2 * 128**2 + 2 * 512**2)
    normalised = 2 * (64 + 3 * 128 + 256 + 3 * 512)
    model = models.ResNet9((3, 32, 32), 10)
    assert sum(p.numel() for p in model.parameters()) == convolutions + normalised + 512 * 10
    assert model.conv3(torch.zeros(1, 256, 8, 8)).shape == (1, 512, 4, 4)
    assert models.ResNet9((1, 33, 20), 7, width=4)(torch.zeros(2, 1, 33, 20)).shape == (2, 7)


def test_the_residual_network_is_its_layers_one_after_another():
    torch.manual_seed(0)
    model = models.ResNet9((3, 8, 8), 5, width=2).eval()
    for norm in (m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_()
        norm.weight.data.normal_()

    def block(x, layer, pool=False):
        x = functional.conv2d(x, layer.conv.weight, padding=1)
        n = layer.norm
        x = (x - n.running_mean[:, None, None]) / (n.running_var + n.eps)[:, None, None].sqrt()
        x = (x * n.weight[:, None, None] + n.bias[:, None, None]).clamp(min=0)
        return x.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5)) if pool else x

    x = images = torch.randn(4, 3, 8, 8)
    x = block(block(x, model.prepare), model.conv1, pool=True)
    x = x + block(block(x, model.residual1.conv1), model.residual1.conv2)
    x = block(block(x, model.conv2, pool=True), model.conv3, pool=True)
    x = x + block(block(x, model.residual3.conv1), model.residual3.conv2)
    scores = 0.125 * x.amax((2, 3)) @ model.dense.weight.T
    torch.testing.assert_close(model(images), scores)


@pytest.mark.parametrize(("layers", "width"), [(2, 16), (3, 24)])
def test_a_decoder_has_the_size_of_the_formula(layers, width):
    model = models.GPT((8,), 65, layers=layers, heads=4, width=width)
    # a block: 4 w^2 of attention, 8 w^2 of the two layers, their biases, two normalisations
    expected = (65 + 8) * width + layers * (12 * width**2 + 13 * width) + 2 * width
    assert sum(p.numel() for p in model.parameters()) == expected
    assert model(torch.zeros(3, 8, dtype=torch.int64)).shape == (3, 8, 65)


def test_a_decoder_with_gpt2s_weights_gives_gpt2s_scores():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    sizes = {"vocab_size": 65, "n_positions": 8, "n_embd": 16, "n_layer": 3, "n_head": 4}
    theirs = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)).eval()
    names = {"tokens.": "wte.", "positions.": "wpe.", "blocks.": "h.", "norm1.": "ln_1."}
    names |= {"norm2.": "ln_2.", "norm.": "ln_f.", "attention.inputs.": "attn.c_attn."}
    names |= {"attention.out.": "attn.c_proj.", "mlp.inputs.": "mlp.c_fc."}
    names |= {"mlp.out.": "mlp.c_proj."}
    ours = models.GPT((8,), 65, layers=3, heads=4, width=16).eval()
    stored = theirs.transformer.state_dict()
    for name, parameter in ours.named_parameters():
        other = name
        for mine, its in names.items():
            other = other.replace(mine, its)
        parameter.data.normal_()
        source = stored[other]
        source.copy_(parameter.data.T if ".c_" in other and source.ndim > 1 else parameter.data)
    tokens = torch.randint(0, 65, (5, 8))
    torch.testing.assert_close(ours(tokens), theirs(tokens).logits, rtol=1e-4, atol=1e-3)


def test_an_attention_is_what_it_is_by_hand():
    torch.manual_seed(0)
    attention = models.GPT((6,), 5, heads=2, width=8).blocks[0].attention
    for parameter in attention.parameters():
        parameter.data.normal_()
    x = torch.randn(6, 8)
    query, key, value = (x @ attention.inputs.weight.T + attention.inputs.bias).split(8, dim=1)
    seen = torch.zeros(6, 8)
    for head in (slice(0, 4), slice(4, 8)):
        for j in range(6):
            products = torch.stack([query[j, head] @ key[i, head] for i in range(j + 1)]) / 4**0.5
            shares = products.exp() / products.exp().sum()
            seen[j, head] = shares @ value[: j + 1, head]
    by_hand = seen @ attention.out.weight.T + attention.out.bias
    torch.testing.assert_close(attention(x[None])[0], by_hand)


@pytest.mark.parametrize("changed", [0, 3, 7])
def test_a_token_changes_no_score_before_it(changed):
    torch.manual_seed(0)
    model = models.GPT((8,), 65, layers=2, heads=2, width=16)
    tokens = torch.randint(0, 64, (2, 8))
    other = tokens.clone()
    other[:, changed] += 1
    differs = (model(tokens) - model(other)).abs().amax((0, 2)) > 0
    assert differs.tolist() == [place >= changed for place in range(8)]
    torch.testing.assert_close(model(tokens[:, :5]), model(tokens)[:, :5])


def test_a_decoder_starts_as_gpt2_starts():
    torch.manual_seed(0)
    model = models.GPT((256,), 500, layers=8, heads=2, width=256)
    for name, parameter in model.named_parameters():
        if name.endswith("out.weight"):  # 0.02 / sqrt(2 x 8)
            assert parameter.std().item() == pytest.approx(0.005, rel=0.02)
        elif parameter.ndim > 1:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.02)
        else:
            assert (parameter == (0 if name.endswith("bias") else 1)).all()


def test_the_embedding_of_a_decoder_is_its_last_layer_after_loading_too(tmp_path):
    torch.manual_seed(0)
    one, other = (models.GPT((8,), 65, layers=2, heads=2, width=16).eval() for _ in range(2))
    weights.save(one.state_dict(), tmp_path / "weights.safetensors")
    weights.load_into(other, tmp_path / "weights.safetensors")
    tokens = torch.randint(0, 65, (5, 8))
    assert torch.equal(one(tokens), other(tokens))
    assert not weights.unused(other, tmp_path / "weights.safetensors")
    with torch.no_grad():
        before = other(tokens)
        other.tokens.weight[64] *= 2  # scores of a token that is not seen double
    unseen = (tokens != 64).all(1)
    torch.testing.assert_close(other(tokens)[unseen][..., 64], 2 * before[unseen][..., 64])


def test_a_decoder_drops_in_training_alone():
    torch.manual_seed(0)
    model = models.GPT((8,), 65, layers=1, heads=2, width=16, dropout=0.5)
    tokens = torch.zeros(2, 8, dtype=torch.int64)
    assert not torch.equal(model(tokens), model(tokens))
    model.eval()
    assert torch.equal(model(tokens), model(tokens))


def test_bad_arguments_of_the_larger_models_are_named():
    with pytest.raises(ValueError, match=r"^width must be a multiple of heads, 3, got 16$"):
        models.GPT((8,), 65, heads=3, width=16)
    with pytest.raises(ValueError, match=r"^layers must be at least 1, got 0$"):
        models.GPT((8,), 65, layers=0)
    with pytest.raises(ValueError, match=r"^dropout must lie in \[0, 1\), got -0.1$"):
        models.GPT((8,), 65, dropout=-0.1)
    with pytest.raises(ValueError, match=r"^input_shape must be \(context,\).* got \(1, 28, 28\)$"):
        models.GPT((1, 28, 28), 10)
    with pytest.raises(ValueError, match=r"^width must be at least 1 channel, got 0$"):
        models.ResNet9((3, 32, 32), 10, width=0)
    with pytest.raises(ValueError, match=r"^scale must be > 0, got 0$"):
        models.ResNet9((3, 32, 32), 10, scale=0)
    with pytest.raises(ValueError, match=r"at least 8 x 8 pixels, got \(3, 7, 32\)"):
        models.ResNet9((3, 7, 32), 10)
