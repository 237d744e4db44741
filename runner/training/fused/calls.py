"""Calls of a stacked forward pass that are made otherwise: dropout, whose mask of a row is that of
its training by itself, and layers, in the order in which stacked products are fast."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class Unfusable(Exception):
    """A model or a loss that cannot be computed for several rows at once."""


class Calls(TorchFunctionMode):
    """While open, dropout takes each row's mask from a generator of the row's own.

    generators: one a row, seeded for the update when the first of them is asked for. row: (rows,)
    that `vmap` goes over, so that there is a mask a row even of what all rows share.
    """

    def __init__(self, generators: Callable[[], Sequence[torch.Generator]], row: Tensor) -> None:
        super().__init__()
        self._generators, self._row = generators, row

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call what is called, with a mask of ours where that is dropout."""
        kwargs = kwargs or {}
        if func is functional.linear:
            return _linear(*args, **kwargs)
        if func is functional.dropout:
            return self._dropout(*args, **kwargs)
        if func is functional.scaled_dot_product_attention:
            return self._attention(*args, **kwargs)
        return func(*args, **kwargs)

    def _dropout(
        self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        if not training or p == 0 or p == 1:
            return functional.dropout(input, p, training, inplace)
        mask = self._mask(input, p)
        return input.mul_(mask) if inplace else input * mask

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        **more: Any,
    ) -> Tensor:
        if not dropout_p:
            attend = functional.scaled_dot_product_attention
            return attend(query, key, value, attn_mask, 0.0, is_causal, scale=scale, **more)
        if any(more.values()):
            raise Unfusable(f"attention is asked for {', '.join(more)}, with dropout")
        scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
        if is_causal:
            seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        return self._dropout(scores.softmax(-1), dropout_p) @ value

    def _mask(self, like: Tensor, p: float) -> Tensor:
        mask: Tensor = _Mask.apply(like.detach(), self._row, p, self._generators)
        return mask


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return a layer's outputs. The product is taken the other way round: so its gradient lies as
    the weights do, and of all rows that share an input there is one product."""
    if input.ndim != 2:
        return functional.linear(input, weight, bias)
    outputs = torch.matmul(weight, input.mT).mT
    return outputs if bias is None else outputs + bias.to(outputs.dtype)


class _Mask(torch.autograd.Function):
    """What dropout multiplies by: 0 with probability p, else 1 / (1 - p)."""

    @staticmethod
    def forward(like: Tensor, row: Tensor, p: float, generators: Any) -> Tensor:
        raise NotImplementedError("a mask is drawn inside vmap alone")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def vmap(
        info: Any, dims: Any, like: Tensor, row: Tensor, p: float, generators: Any
    ) -> tuple[Tensor, int]:
        own = like if dims[0] is None else like.select(dims[0], 0)
        masks = [own.new_empty(own.shape).bernoulli_(1 - p, generator=g) for g in generators()]
        return torch.stack(masks).div_(1 - p), 0
