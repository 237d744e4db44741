"""Text, cut into blocks of tokens."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from runner.training.data import Dataset, Split
from schedules.errors import ArgumentError

HELD_OUT = 0.05  # of a text, for validation, and as much for the test


def python_docs(context: int = 128, train_size: int | None = None) -> Dataset:
    """Return the reference of Python's language, as `language` does; it ships with Python.

    A paragraph that stands under several topics is kept where it stands first, so that no part
    repeats another. 376,677 characters, 103 different, with Python 3.11; another version of Python
    has other texts, and another `content`. Source: pydoc_data.topics.
    """
    from pydoc_data.topics import topics

    paragraphs = [p for _, topic in sorted(topics.items()) for p in topic.split("\n\n") if p]
    return language("\n\n".join(dict.fromkeys(paragraphs)), context, train_size=train_size)


def language(
    text: str,
    context: int = 128,
    encode: Callable[[str], Sequence[int]] | None = None,
    train_size: int | None = None,
) -> Dataset:
    """Return a text for a model of language: the first 90 % train, 5 % val, the last 5 % test.

    context: tokens that a model sees at once, >= 1. encode: text -> tokens, whole numbers >= 0;
    None takes the characters, numbered in the order of Unicode. train_size: blocks.
    inputs: (n, context) of int64. targets: the same, each token the one that follows. A part's
    blocks follow each other; what is left at its end is too short for one. classes: different
    characters, or one more than the largest token. content: the SHA-256 of the tokens.
    Raises ArgumentError for a text that is too short, and for what are no tokens.

    >>> data = language("abcd" * 25, context=4)
    >>> data.train.inputs[0].tolist(), data.train.targets[0].tolist(), data.classes
    ([0, 1, 2, 3], [1, 2, 3, 0], 4)
    """
    if context < 1:
        raise ArgumentError("context", "must be at least 1 token", f"{context}")
    if not text:
        raise ArgumentError("text", "must hold characters", "none")
    tokens = _characters(text) if encode is None else _tokens(encode, text)
    cuts = [round((1 - 2 * HELD_OUT) * len(tokens)), round((1 - HELD_OUT) * len(tokens))]
    parts = torch.tensor_split(tokens, cuts)
    most = min(map(len, parts)) - 1
    if most < context:
        if most < 1:
            must = f"must be so long that {HELD_OUT:.0%} of it are two tokens"
            raise ArgumentError("text", must, f"{len(tokens)} tokens")
        must = f"must be at most {most}, for which {len(tokens)} tokens have room in validation"
        raise ArgumentError("context", must, f"{context}")
    train, val, test = (_blocks(part, context) for part in parts)
    content = hashlib.sha256(tokens.numpy().tobytes()).hexdigest()
    classes = int(tokens.max()) + 1
    return Dataset(train, val, test, classes, content=content).limit(train_size)


def _characters(text: str) -> Tensor:
    """Return the place of each character in the sorted alphabet of the text."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return torch.from_numpy(np.unique(points, return_inverse=True)[1].astype(np.int64))


def _tokens(encode: Callable[[str], Sequence[int]], text: str) -> Tensor:
    """Return what a tokeniser makes of a text."""
    given = encode(text)
    try:
        tokens = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError) as error:
        must = "must return whole numbers, one a token"
        raise ArgumentError("encode", must, type(given).__name__, f"{error}") from error
    if not tokens.numel():
        raise ArgumentError("encode", "must return the tokens of a text", "none")
    if tokens.ndim != 1 or tokens.is_floating_point() or int(tokens.min()) < 0:
        lowest = f"shape {tuple(tokens.shape)} of {tokens.dtype}, {tokens.min().item()} among them"
        raise ArgumentError("encode", "must return whole numbers >= 0, one a token", lowest)
    return tokens.long()


def _blocks(tokens: Tensor, context: int) -> Split:
    """Return a part of a text as samples; they share its memory."""
    blocks = tokens.unfold(0, context + 1, context)
    return Split(blocks[:, :-1], blocks[:, 1:])
