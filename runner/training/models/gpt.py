"""A decoder of text."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from schedules.errors import ArgumentError

STD = 0.02  # of the weights at the start


class GPT(nn.Module):
    """A decoder as GPT-2 is: attention to what came before, normalisation before each part.

    Token j of an output is the scores of token j + 1 of the text; the embedding of the tokens is
    also the last layer. Weights start normal with deviation 0.02, those that end a residual part
    with 0.02 / sqrt(2 * layers); biases start at 0.
    input_shape: (context,), the most tokens that are seen at once. classes: size of the vocabulary.
    layers: blocks, >= 1. heads: of each attention, >= 1. width: numbers that stand for a token, a
    multiple of heads. dropout: share dropped in training, in [0, 1).
    Source: Radford et al. 2019, "Language models are unsupervised multitask learners".

    >>> GPT((8,), 65, layers=2, heads=2, width=16)(torch.zeros(3, 8, dtype=torch.int64)).shape
    torch.Size([3, 8, 65])
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        classes: int,
        layers: int = 4,
        heads: int = 4,
        width: int = 128,
        dropout: float = 0.0,
    ) -> None:
        if len(input_shape) != 1:
            must = "must be (context,), the tokens of a text"
            raise ArgumentError("input_shape", must, f"{tuple(input_shape)}")
        for name, number in (("layers", layers), ("heads", heads), ("width", width)):
            if number < 1:
                raise ArgumentError(name, "must be at least 1", f"{number}")
        if width % heads:
            raise ArgumentError("width", f"must be a multiple of heads, {heads}", f"{width}")
        if not 0 <= dropout < 1:
            raise ArgumentError("dropout", "must lie in [0, 1)", f"{dropout}")
        super().__init__()
        self.tokens = nn.Embedding(classes, width)
        self.positions = nn.Embedding(input_shape[0], width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*(_Block(width, heads, dropout) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                ends = name.endswith("out.weight")
                nn.init.normal_(parameter, std=STD / math.sqrt(2 * layers) if ends else STD)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return scores (n, length, classes) of tokens (n, length), int64; length <= context."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.dropout(self.tokens(tokens) + self.positions(places))
        return functional.linear(self.norm(self.blocks(x)), self.tokens.weight)


class _Block(nn.Module):
    """Attention, then two layers for each token by itself; each adds to what comes in."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = _Attention(width, heads, dropout)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = _MLP(width, dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        mixed: Tensor = x + self.mlp(self.norm2(x))
        return mixed


class _Attention(nn.Module):
    """Attention of several heads to a token and those before it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.inputs = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        parts = self.inputs(x).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        dropped = self.dropout.p if self.training else 0.0
        seen = functional.scaled_dot_product_attention(
            query, key, value, dropout_p=dropped, is_causal=True
        )
        joined = self.out(seen.transpose(1, 2).reshape(n, length, width))
        attended: Tensor = self.dropout(joined)
        return attended


class _MLP(nn.Module):
    """Two layers with GELU between them, four times as wide inside."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.inputs = nn.Linear(width, 4 * width)
        self.out = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.gelu(self.inputs(x), approximate="tanh")
        mixed: Tensor = self.dropout(self.out(inner))
        return mixed
