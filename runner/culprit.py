"""Whose code an error comes from: what a person wrote, not a library that it calls."""

import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import schedules
from runner.errors import Mistake, one_line, out_of_memory
from schedules.errors import ArgumentError

_LIBRARIES = {"site-packages", "dist-packages"}
_NOT_OWN = (
    Path(sysconfig.get_path("stdlib")).resolve(),
    Path(__file__).resolve().parent,
    Path(schedules.__file__).resolve().parent,
)


def place(error: BaseException) -> str:
    """Return the file and line of a person's own code that an error comes from, the innermost one,
    or nothing where there is none.

    >>> place(ValueError("raised nowhere"))
    ''
    """
    if isinstance(error, SyntaxError) and error.filename and _is_own(error.filename):
        return _shown(error.filename, error.lineno)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    return _shown(own[-1].filename, own[-1].lineno) if own else ""


def told(error: BaseException) -> str:
    """Return an error on one line: its kind, what it says and where it comes from.

    >>> told(KeyError("inputs"))
    "KeyError: 'inputs'"
    """
    kind, text = type(error).__name__, one_line(error)
    if isinstance(error, SyntaxError):
        text = error.msg
    where = place(error)
    return (text if text == kind else f"{kind}: {text}") + (f" ({where})" if where else "")


@contextmanager
def blamed(key: str, target: Any) -> Iterator[None]:
    """Let whatever fails in a person's code rise as a mistake about its key; what says itself what
    is wrong, and a lack of memory, rise as they are.

    >>> with blamed("dataset", "mine.data"):
    ...     {}["inputs"]
    Traceback (most recent call last):
    runner.errors.Mistake: dataset: mine.data fails with KeyError: 'inputs'
    """
    with failing(lambda told: Mistake(f"{key}:", f"{target} fails with {told}")):
        yield


@contextmanager
def failing(mistake: Callable[[str], ArgumentError]) -> Iterator[None]:
    """Let whatever fails in a person's code, a sys.exit too, rise as an error that is made of what
    it says; a Ctrl-C is no failure."""
    try:
        yield
    except (ArgumentError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if out_of_memory(error):
            raise
        raise mistake(told(error)) from error


def _is_own(filename: str) -> bool:
    if filename.startswith("<"):
        return False
    path = Path(filename).resolve()
    installed = not _LIBRARIES.isdisjoint(path.parts)
    return not installed and not any(path.is_relative_to(folder) for folder in _NOT_OWN)


def _shown(filename: str, line: int | None) -> str:
    path, here = Path(filename).resolve(), Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{shown}, line {line}"
