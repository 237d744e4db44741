"""Texts as people read them."""

import pytest

from runner.report.words import aligned, shown, width


def test_values_are_shown_as_people_read_them() -> None:
    assert [shown(value) for value in (64, 0.00031234, ["30%", "60%"], (0.5, None), False)] == [
        "64",
        "0.0003123",
        "[30%, 60%]",
        "[0.5, null]",
        "false",
    ]


def test_wide_letters_take_two_places() -> None:
    rows = [["run", "value"], ["学習率", "1"], ["lr", "2"]]
    assert aligned(rows) == ["run     value", "学習率  1", "lr      2"]
    assert width(rows) == 13


def test_brackets_and_colons_of_people_are_text() -> None:
    said = ["what", "[bold]x[/bold]", ":smile:", "https://a.b"]
    assert aligned([[one] for one in said]) == said


def test_a_name_stays_in_its_line() -> None:
    assert aligned([["run", "n"], ["a\nb\x1b[0m\t", "1"]]) == [
        "run            n",
        "a\\nb\\x1b[0m\\t  1",
    ]


@pytest.mark.parametrize("columns", ["20", "300"])
def test_no_line_is_wrapped_or_coloured_whatever_the_terminal(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    long = "word " * 100
    assert aligned([["a", "b"], [long, "end"]]) == [f"a{' ' * 501}b", f"{long}  end"]
