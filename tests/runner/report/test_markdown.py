"""Markdown: what people have named stays text, and links stay on the page's own server."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.report import markdown

ODD = "<img src=x onerror=alert(1)> `a` **b** _c_ [d](e) | # f\n\x1b[31m \U0001f389"


def test_a_name_is_shown_as_it_is() -> None:
    shown = markdown.text(ODD)
    assert "<" not in shown
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)[`*_\[\]|]", shown)
    assert "\U0001f389" in shown


@given(st.text())
def test_no_text_leaves_its_cell(words: str) -> None:
    rows = markdown.table([["a", "b"], [words, "c"]]).splitlines()
    assert len(rows) == 3
    assert len(re.findall(r"(?<!\\)\|", rows[2].replace("\\\\", ""))) == 3


@given(st.text(alphabet="`a"))
def test_a_command_with_fences_stays_in_its_own(words: str) -> None:
    first, *inside, last = markdown.code(words).split("\n")
    assert first == last
    assert set(first) == {"`"}
    assert len(first) > max(map(len, re.findall("`+", "\n".join(inside))), default=0)


@pytest.mark.parametrize("page", ["", "tensorboard --logdir runs"])
def test_what_has_no_page_is_no_link(page: str) -> None:
    assert markdown.link("trials", page) == "trials"


def test_a_link_works_at_any_port() -> None:
    found = markdown.link(
        "a]b", "python -m runner.ui, then http://127.0.0.1:5000/#/experiments/1?x=(y)"
    )
    assert found == r"[a\]b](#/experiments/1?x=%28y%29)"
