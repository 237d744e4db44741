"""The jobs of a grid: every combination of the values that are listed."""

import itertools
from collections.abc import Sequence

from runner.config.command_line import Kind, Word
from runner.errors import Mistake

Words = tuple[Word, ...]


def expand(words: Sequence[Word]) -> list[Words]:
    """Return the jobs of a command line, the last word varying fastest.

    A key given twice counts as given last. Raises Mistake for a range.

    >>> from runner.config.command_line import word
    >>> jobs = expand([word("schedule=exponential,cosine"), word("seed=range(2)"), word("lr=0.1")])
    >>> [one.text for one in jobs[1]]
    ['schedule=exponential', 'seed=1', 'lr=0.1']
    """
    listed: dict[str, list[Word]] = {}
    for one in words:
        if one.kind is Kind.SEARCHES:
            must = "must list its values in a grid (1,2,3 or range(1, 4))"
            raise Mistake(one.key, must, one.given, "hydra/sweeper=optuna searches a range")
        listed[one.sign + one.key] = [one.at(option) for option in one.options] or [one]
    return list(itertools.product(*listed.values()))


def first(words: Sequence[Word]) -> Words:
    """Return a command line with the first value of each list, without its ranges."""
    return tuple(
        one.at(one.options[0]) if one.options else one
        for one in words
        if one.kind is not Kind.SEARCHES
    )


def varying(jobs: Sequence[Sequence[Word]]) -> list[int]:
    """Return the places of the words that are not the same in all jobs."""
    return [
        i for i, column in enumerate(zip(*jobs, strict=True)) if len({w.text for w in column}) > 1
    ]
