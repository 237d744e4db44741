"""Lines for the person at the terminal."""

import io
import os
import sys

from runner.passwords import redact
from runner.report.audience import audience
from runner.report.plain import as_text, in_encoding


def say(*lines: str) -> None:
    """Print lines at once, without passwords, as text that the terminal can show. Where they cannot
    be written any more, as behind `| head` or on a full disk, they are lost and nothing else is."""
    _write("stdout", lines, "\n")


def warn(*lines: str, end: str = "\n") -> None:
    """Print lines that are no result, as `say` does."""
    _write("stderr", lines, end)


def open_streams() -> None:
    """Let whatever this process prints go somewhere: what was closed (`>&-`) takes all and keeps
    nothing, and letters that the terminal has not are shown otherwise."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):  # a notebook's is none
            stream.reconfigure(errors="plain")


def flush_streams() -> None:
    """Write what still waits; what cannot be written is lost."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except OSError:
            _lose(name)


def _write(name: str, lines: tuple[str, ...], end: str) -> None:
    if audience().silent:
        return
    stream = getattr(sys, name)
    try:
        for line in lines:
            text = in_encoding(as_text(redact(line)), stream.encoding)
            stream.write(f"{text}{end}")  # at once: other processes write, too
            stream.flush()
    except OSError:
        _lose(name)


def _lose(name: str) -> None:
    """Let a stream, with what waits in it, go where everything is taken."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, getattr(sys, name).fileno())
    os.close(nowhere)
