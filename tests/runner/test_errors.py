"""What can go wrong, in one line each."""

import pytest

from runner.errors import nearest, out_of_memory
from runner.passwords import redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@host", "http://me:***@host"),
        ("http://me:se/cret@host", "http://me:***@host"),
        ("http://:secret@host", "http://:***@host"),
        ("postgresql+psycopg://me:secret@host/db", "postgresql+psycopg://me:***@host/db"),
        ("mysql://host/db?password=secret&ssl=1", "mysql://host/db?password=***&ssl=1"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
        ("a and b@c", "a and b@c"),
    ],
)
def test_passwords_are_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_the_nearest_name_may_lie_in_another_group() -> None:
    assert nearest("batch_size", ["train.batch_size", "seed"]) == (
        " (did you mean 'train.batch_size'?)"
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_memory_ran_out(error: Exception, expected: bool) -> None:
    assert out_of_memory(error) is expected
