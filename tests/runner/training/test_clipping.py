"""Clipping against the formulas, worked out by hand and by torch.nn.utils."""

import pytest
import torch
from torch import nn

from runner.training.clipping import Adaptive, GlobalNorm, Norm, Unclipped, Value


def parameters(*gradients, weights=None):
    found = []
    for i, gradient in enumerate(gradients):
        gradient = torch.tensor(gradient)
        start = torch.zeros_like(gradient) if weights is None else torch.tensor(weights[i])
        p = nn.Parameter(start)
        p.grad = gradient
        found.append(p)
    return found


def gradients(found):
    return [p.grad.tolist() for p in found]


def test_no_clipping_returns_the_global_norm():
    found = parameters([3.0, 0.0], [4.0])
    norm, clipped = Unclipped()(found)
    assert (norm.item(), clipped.item()) == (5.0, False)
    assert gradients(found) == [[3.0, 0.0], [4.0]]


def test_global_norm_scales_all_gradients_together():
    found = parameters([3.0, 0.0], [4.0])
    norm, clipped = GlobalNorm(2.5)(found)
    assert (norm.item(), clipped.item()) == (5.0, True)
    assert gradients(found) == [[1.5, 0.0], [2.0]]


@pytest.mark.parametrize("limit", [5.0, 7.0])
def test_global_norm_leaves_small_gradients_bit_for_bit(limit):
    found = parameters([3.0, 0.1], [4.0 - 0.0025])
    before = gradients(found)
    _, clipped = GlobalNorm(limit)(found)
    assert gradients(found) == before
    assert not clipped


def test_global_norm_agrees_with_torch():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(30, 20), nn.Linear(20, 5))
    (model(torch.randn(8, 30)) ** 2).sum().backward()
    ours = parameters(*(p.grad.tolist() for p in model.parameters()))
    norm, _ = GlobalNorm(0.5)(ours)
    theirs = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    assert norm.item() == pytest.approx(theirs.item(), rel=1e-6)
    for mine, other in zip(ours, model.parameters(), strict=True):
        assert torch.allclose(mine.grad, other.grad, rtol=1e-5)


def test_norm_scales_each_tensor_by_itself():
    found = parameters([3.0, 4.0], [0.3, 0.4])
    norm, clipped = Norm(1.0)(found)
    assert found[0].grad.tolist() == pytest.approx([0.6, 0.8])
    assert found[1].grad.tolist() == pytest.approx([0.3, 0.4])
    assert norm.item() == pytest.approx((25 + 0.25) ** 0.5)
    assert clipped


def test_value_cuts_each_element():
    found = parameters([3.0, -0.2], [-4.0])
    norm, clipped = Value(0.5)(found)
    assert found[0].grad.tolist() == pytest.approx([0.5, -0.2])
    assert found[1].grad.tolist() == [-0.5]
    assert (norm.item(), clipped.item()) == (pytest.approx(25.04**0.5), True)
    assert not Value(0.5)(found)[1]


def test_adaptive_limits_each_unit_by_its_own_weights():
    # rows: weight norms 5 and 0 (counted as eps), gradient norms 1 and 2; a bias of norm 10
    found = parameters(
        [[0.6, 0.8], [2.0, 0.0]], [0.1, 0.0], weights=[[[3.0, 4.0], [0.0, 0.0]], [6.0, 8.0]]
    )
    norm, clipped = Adaptive(factor=0.1, eps=0.01)(found)
    assert found[0].grad[0].tolist() == pytest.approx([0.3, 0.4])  # to 0.1 * 5
    assert found[0].grad[1].tolist() == pytest.approx([0.001, 0.0])  # to 0.1 * 0.01
    assert found[1].grad.tolist() == pytest.approx([0.1, 0.0])  # 0.1 <= 0.1 * 10
    assert (norm.item(), clipped.item()) == (pytest.approx(5.01**0.5), True)


def test_a_convolution_has_a_unit_for_each_output_channel():
    gradient = torch.ones(2, 3, 2, 2)
    p = nn.Parameter(torch.stack([torch.full((3, 2, 2), 1.0), torch.full((3, 2, 2), 100.0)]))
    p.grad = gradient
    Adaptive(factor=0.5, eps=1e-3)([p])
    assert p.grad[0].norm().item() == pytest.approx(0.5 * 12**0.5)
    assert torch.equal(p.grad[1], torch.ones(3, 2, 2))


@pytest.mark.parametrize(
    "clipping", [Unclipped(), GlobalNorm(1.0), Norm(1.0), Value(1.0), Adaptive(0.01)]
)
def test_a_gradient_that_is_not_finite_shows_in_the_norm(clipping):
    norm, _ = clipping(parameters([1.0, float("nan")], [2.0], weights=[[1.0, 1.0], [1.0]]))
    assert not torch.isfinite(norm)


def test_a_parameter_without_gradient_is_passed_over():
    found = [*parameters([3.0, 4.0]), nn.Parameter(torch.ones(2))]
    for clipping in (Unclipped(), GlobalNorm(1.0), Norm(1.0), Value(1.0), Adaptive(0.01)):
        clipping(found)
        assert found[1].grad is None
    with pytest.raises(ValueError, match="no parameter has a gradient"):
        Unclipped()([found[1]])


ALL = (Unclipped(), GlobalNorm(1.0), Norm(1.0), Value(1.0), Adaptive(0.01))


@pytest.mark.parametrize("clipping", ALL)
def test_a_parameter_without_elements_is_passed_over(clipping):
    found = [*parameters([3.0, 4.0]), nn.Parameter(torch.empty(0))]
    found[1].grad = torch.empty(0)
    assert clipping(found)[0].item() == 5.0


@pytest.mark.parametrize(
    ("clipping", "left"),
    [
        (Unclipped(), [3e19, 4e19, 12e19]),
        (GlobalNorm(13.0), [3.0, 4.0, 12.0]),
        (Norm(10.0), [6.0, 8.0, 10.0]),
        (Value(2.0), [2.0, 2.0, 2.0]),
        (Adaptive(factor=1.0), [0.6e-3, 0.8e-3, 1e-3]),
    ],
)
@pytest.mark.parametrize("device", ["as it is", "an accelerator"])
def test_the_norm_is_right_where_the_squares_are_too_large(clipping, left, device, monkeypatch):
    if device == "an accelerator":  # which is never asked for a number
        monkeypatch.setattr("runner.training.clipping.ASKED", ())
        monkeypatch.setattr(torch.Tensor, "item", None)
    found = parameters([3e19, 4e19], [12e19])
    norm, clipped = clipping(found)
    monkeypatch.undo()
    assert norm.item() == pytest.approx(13e19)
    assert bool(clipped) == (clipping != Unclipped())
    assert [x for p in found for x in p.grad.tolist()] == pytest.approx(left)


@pytest.mark.parametrize("clipping", ALL)
@pytest.mark.parametrize(
    ("of_each", "dtype"),
    [(3e38, torch.float32), (1e-30, torch.float32), (6e4, torch.float16), (3, torch.complex64)],
)
def test_the_norm_is_right_beyond_what_the_type_holds(clipping, of_each, dtype):
    p = nn.Parameter(torch.zeros(2, 8, dtype=dtype))
    p.grad = torch.full_like(p, of_each)
    if dtype.is_complex and isinstance(clipping, Value):
        return  # an element has no order
    norm, _ = clipping([p])
    assert norm.item() == pytest.approx(4 * of_each, rel=1e-3)
    limits = {GlobalNorm: 0.25, Norm: 0.25, Value: 1.0, Adaptive: 0.01e-3 / 8**0.5}
    left = min(limits.get(type(clipping), of_each), of_each)
    assert abs(p.grad.flatten()[0].item()) == pytest.approx(left, rel=0.01)


@pytest.mark.parametrize("clipping", ALL)
def test_a_sparse_gradient_is_clipped_as_the_dense_one(clipping):
    rows = torch.tensor([[1, 3, 1]])
    values = torch.tensor([[3.0, 0.0], [0.1, 0.0], [0.0, 4.0]])
    dense, sparse = (nn.Parameter(torch.arange(8.0).reshape(4, 2)) for _ in range(2))
    sparse.grad = torch.sparse_coo_tensor(rows, values, (4, 2), check_invariants=True)
    dense.grad = sparse.grad.to_dense()
    norm, clipped = clipping([sparse])
    expected, also = clipping([dense])
    assert (norm.item(), clipped.item()) == (pytest.approx(expected.item()), also.item())
    assert sparse.grad.is_sparse
    assert torch.allclose(sparse.grad.to_dense(), dense.grad)


@pytest.mark.parametrize("bad", [1e39, float("inf"), 1e-46])
def test_a_limit_must_be_a_number_of_float32(bad):
    for kind, name in ((GlobalNorm, "max_norm"), (Norm, "max_norm"), (Value, "max_value")):
        with pytest.raises(ValueError, match=rf"^{name} must lie in \[1.2e-38, 3.4e\+38\], as flo"):
            kind(bad)


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), "x", True, None])
def test_a_limit_must_be_a_positive_number(bad):
    for kind, name in ((GlobalNorm, "max_norm"), (Norm, "max_norm"), (Value, "max_value")):
        with pytest.raises(ValueError, match=f"^{name} must be a number greater than 0, got"):
            kind(bad)
    with pytest.raises(ValueError, match=r"^factor must be a number greater than 0, got"):
        Adaptive(bad)
