"""The trials that stand out."""

import pytest

from runner.report.pictures.looks import ANSWER


@pytest.mark.parametrize(
    ("found", "answer", "said"),
    [
        ((0.95, 0.97, 0.96), None, ["baseline", "best of the search (trial 1)"]),
        ((0.95, 0.97, 0.96), 1, ["baseline", "answer (trial 1)"]),
        (
            (0.95, 0.97, 0.96),
            2,
            ["baseline", "best of the search (trial 1)", "answer (trial 2)"],
        ),
        ((0.95, 0.97, 0.96), 0, ["best of the search (trial 1)", "answer: the baseline"]),
        ((0.99, 0.97, 0.96), None, ["best of the search: the baseline"]),
        ((0.99, 0.97, 0.96), 2, ["best of the search: the baseline", "answer (trial 2)"]),
    ],
)
def test_the_answer_is_what_fresh_seeds_confirmed_and_nothing_else(
    of_values, found: tuple[float, ...], answer: int | None, said: list[str]
) -> None:
    marks = of_values(*found, answer=answer).marks
    assert [mark.label for mark in marks] == said
    answers = [mark.number for mark in marks if mark.kind == ANSWER]
    assert answers == ([] if answer is None else [answer])
