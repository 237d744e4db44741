"""A state's name is all that decides it, and its file says it."""

from typing import Any

import pytest

from runner.trial.name import StateName

A, B = "a" * 64, "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("recipe", "step", "trace", "words"),
    [
        ("a" * 63, 0, B, "recipe must be 64 hex digits"),
        (A, 0, B.upper(), "trace must be 64 hex digits"),
        (A, 0, "../" + "a" * 61, "trace must be 64 hex digits"),
        (A, -1, B, "step must be an integer of at least 0, got -1"),
        (A, 1.0, B, "step must be an integer of at least 0, got 1.0"),
        (A, True, B, "step must be an integer of at least 0, got True"),
    ],
)
def test_a_name_that_no_state_has_is_refused(
    recipe: str, step: Any, trace: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        StateName(recipe, step, trace)


@pytest.mark.parametrize("step", [0, 700, 9_999_999_999, 10_000_000_000])
def test_a_file_says_the_state_that_it_holds(step: int) -> None:
    name = StateName(A, step, B)
    assert StateName.of_file(A, name.file) == name


@pytest.mark.parametrize(
    "file",
    [
        f"700-{B}.safetensors",
        f"00000000700-{B}.safetensors",
        f"0000000700-{B[:32]}.safetensors",
        f"0000000700-{B.upper()}.safetensors",
        f"\u0660000000700-{B}.safetensors",
        f".0000000700-{B}.safetensors.node-1-0a1b2c3d.tmp",
        f"0000000700-{B}.safetensors\n",
        "recipe.json",
    ],
)
def test_a_file_that_is_named_differently_holds_no_state(file: str) -> None:
    assert StateName.of_file(A, file) is None


def test_names_are_in_the_order_of_their_steps() -> None:
    names = [StateName(A, 10, A), StateName(A, 9, B), StateName(A, 9, A)]
    assert [(name.step, name.trace) for name in sorted(names)] == [(9, B), (9, A), (10, A)]
