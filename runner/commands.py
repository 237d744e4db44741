"""What commands share: what is named, and how they end: with a status, and one line where Python
would print a traceback."""

import atexit
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

INTERRUPTED = 130
_WITH_FOLDER = ("--config-dir", "-cd")
_KEY_OR_FLAG = re.compile(r"^[-+~]|=")


def ended(command: Callable[[], int]) -> int:
    """Run a command and return its exit status: 2 for a person's mistake, 130 if interrupted, else
    its own.

    command: imports what is heavy itself, so that Ctrl-C meanwhile is an interrupt, too.
    """
    from runner.errors import Mistake, one_line
    from runner.interrupts import Loading
    from runner.report.say import open_streams, warn
    from runner.report.strays import tame

    open_streams()
    tame()
    try:
        with Loading():
            return command()
    except SystemExit as stop:
        if isinstance(stop.code, str):  # as Python itself does
            warn(stop.code)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        warn("interrupted")
        return INTERRUPTED
    except Mistake as mistake:
        warn(f"error: {one_line(mistake)}")
        return 2


def exit_with(status: int) -> None:
    """End the process with a status, behind what is to be done at its end.

    Python itself would turn an interrupt that a C extension has seen into the signal's, and takes
    0.6 s to take large libraries apart. It does so where code of a person's own is loaded, which
    may leave files to be closed by it.
    """
    from runner.report.say import flush_streams

    flush_streams()
    if status != INTERRUPTED:
        if _has_own_code():
            sys.exit(status)
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        flush_streams()
    os._exit(status)


def _has_own_code() -> bool:
    """Return whether a module is loaded that is neither installed nor of the runner."""
    here = Path(__file__).parents[1]
    places = sys.prefix, sys.base_prefix, str(here / "runner"), str(here / "schedules")
    known = tuple(f"{place}{os.sep}" for place in places)
    files = (getattr(module, "__dict__", {}).get("__file__") for module in [*sys.modules.values()])
    return any(isinstance(file, str) and not file.startswith(known) for file in files)


def divided(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the name among a command's words, "" where there is none, and the others.

    >>> divided(["quickstart", "tracking.uri=sqlite:///mine.db"])
    ('quickstart', ['tracking.uri=sqlite:///mine.db'])

    Raises Mistake for several.
    """
    from runner.errors import Mistake

    names, others = parted(words)
    if len(names) > 1:
        shown = " and ".join(map(repr, names))
        raise Mistake("NAME", "must be one", shown, f"quote one with spaces, '{' '.join(names)}'")
    return "".join(names), others


def parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names among a command's words, and its keys and flags.

    >>> parted(["why", "states.folder=mine", "3f2a", "5e01"])
    (['why', '3f2a', '5e01'], ['states.folder=mine'])
    """
    pairs = zip(["", *words], words, strict=False)
    names = [
        one for before, one in pairs if before not in _WITH_FOLDER and not _KEY_OR_FLAG.search(one)
    ]
    return names, [one for one in words if one not in names]
