"""Lines for the person at the terminal."""

import os
import sys

from runner.passwords import redact


def say(*lines: str) -> None:
    """Print lines at once; where nobody reads them any more, as behind `| head`, print nothing."""
    try:
        for line in lines:
            print(redact(line), flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def warn(*lines: str, end: str = "\n") -> None:
    """Print lines that are no result, as `say` does."""
    try:
        for line in lines:
            print(redact(line), end=end, file=sys.stderr, flush=True)
    except BrokenPipeError:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
