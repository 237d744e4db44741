"""The jobs of a grid."""

import pytest

from runner.config.command_line import expand, varying, word
from runner.errors import Mistake


def jobs(*texts: str) -> list[list[str]]:
    return [[one.text for one in job] for job in expand([word(text) for text in texts])]


def test_a_grid_varies_the_last_key_fastest() -> None:
    assert jobs("lr=0.1,0.2", "model=mlp", "seed=range(0,2)") == [
        ["lr=0.1", "model=mlp", "seed=0"],
        ["lr=0.1", "model=mlp", "seed=1"],
        ["lr=0.2", "model=mlp", "seed=0"],
        ["lr=0.2", "model=mlp", "seed=1"],
    ]


def test_a_key_given_twice_counts_as_given_last() -> None:
    assert jobs("seed=0,1", "lr=0.1", "seed=5") == [["seed=5", "lr=0.1"]]


def test_lists_and_quoted_text_are_values_of_a_grid() -> None:
    found = jobs("schedule.boundaries=[20%,60%],[30%,70%]", "tracking.run_name='a,b'")
    assert [job[0] for job in found] == [
        "schedule.boundaries=[20%,60%]",
        "schedule.boundaries=[30%,70%]",
    ]
    assert found[0][1] == "tracking.run_name='a,b'"


def test_an_interval_is_no_grid() -> None:
    with pytest.raises(Mistake, match=r"^lr must list its values in a grid .*, got interval\(0,1"):
        jobs("lr=interval(0,1)")


def test_a_word_without_a_list_stays_as_it_was_typed() -> None:
    typed = ["+model.width=8", "~model.depth", "tracking.uri=http://host:5000/a", "lr=[1, 2]"]
    assert jobs(*typed, "++seed=0,1") == [[*typed, "++seed=0"], [*typed, "++seed=1"]]


def test_what_varies_is_not_the_same_in_all_jobs() -> None:
    assert varying(expand([word("lr=0.1,0.2"), word("seed=1"), word("model=mlp,mlp")])) == [0]
