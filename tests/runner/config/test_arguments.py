"""Values of a configuration against the signature of what takes them."""

import pytest
import torch

from runner.config.targets import check_kinds
from runner.errors import Mistake


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", 1.5, "must be a whole number, got 1.5"),
        ("count", True, "must be a whole number, got True"),
        ("count", None, "must be a whole number, got None"),
        ("share", "half", "must be a number, got 'half'"),
        ("share", False, "must be a number, got False"),
        ("flag", 1, "must be true or false, got 1"),
        ("pair", [1.0], r"must be a list of 2, got \[1.0\]"),
        ("pair", 0.9, "must be a list of 2, got 0.9"),
        ("maybe", "x", "must be a whole number, got 'x'"),
    ],
)
def test_a_value_is_held_against_the_annotation(name: str, value: object, words: str) -> None:
    with pytest.raises(Mistake, match=rf"^key\.{name} {words}$"):
        check_kinds("key", _annotated, {name: value})


def test_what_fits_the_annotation_or_has_none_passes() -> None:
    spec = {"count": 3, "share": 1, "flag": True, "pair": [0, 0.5], "maybe": None, "loose": "x"}
    assert check_kinds("key", _annotated, spec | {"duration": "2ep", "none": object()}) is None


def _annotated(
    count: int,
    share: float,
    flag: bool,
    pair: tuple[float | torch.Tensor, float],
    maybe: int | None,
    duration: int | str,
    loose,
) -> None: ...
