"""What people write on a command line, and what Hydra has to read instead."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from runner.errors import Mistake

METRICS = "task.metrics"
OPEN = (METRICS, "dataset.augment")  # take what is not there yet
METRIC = "task.metric"
LOOP = "loop"  # so does the function that it names
TARGET = f"{LOOP}._target_"
COMMAND = f"{LOOP}.command"  # of a script, which stands behind all else
SCRIPT = "--"
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_VALUE = re.compile(r"(choice\()?([^()]*)\)?")


def written_out(text: str, loops: Collection[str] = ()) -> str:
    """Return a word as Hydra takes it.

    loops: the options of the group `loop`, which may have names with a dot.

    >>> written_out("task.metrics={f1: {_target_: mine.f1}}")
    '++task.metrics={f1: {_target_: mine.f1}}'
    >>> written_out("task.metric=f1"), written_out("loop=none")
    ('task.metric=f1', 'loop=none')
    >>> written_out("loop=mine.train"), written_out("loop.width=32,64")
    ('++loop._target_=mine.train', '++loop.width=32,64')
    """
    key, _, value = text.partition("=")
    if key == LOOP and _names_functions(value, loops):
        return f"++{TARGET}={value}"
    return f"++{text}" if _is_open(key) else text


def without_script(typed: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words of a command line before a script's command, and the command as a word.

    >>> without_script(["lr=0.1", "--", "python", "train.py", "--say", "it's"])
    (['lr=0.1'], ["++loop.command=['python','train.py','--say','it\\\\'s']"])
    """
    if SCRIPT not in typed:
        return list(typed), []
    place = list(typed).index(SCRIPT)
    command = typed[place + 1 :]
    if not command:
        must = "must stand before a command that runs your script"
        raise Mistake(SCRIPT, must, "nothing", "-- python train.py")
    quoted = (QuotedString(text, Quote.single).with_quotes() for text in command)
    return list(typed[:place]), [f"++{COMMAND}=[{','.join(quoted)}]"]


def script_of(words: Iterable[tuple[str, Any]]) -> list[str]:
    """Return the last words of a command line whose keys have some values: a script's command.

    >>> script_of([("lr", 0.1), ("loop.command", ["python", "train.py"])])
    ['--', 'python', 'train.py']
    """
    found = [value for key, value in words if key == COMMAND and isinstance(value, list)]
    return [SCRIPT, *map(str, found[-1])] if found else []


def as_typed(text: str) -> str:
    """Return a word as people write it.

    >>> as_typed("++loop._target_=mine.train"), as_typed("++loop.width=64"), as_typed("+lr=1")
    ('loop=mine.train', 'loop.width=64', '+lr=1')
    """
    key, equals, value = text.partition("=")
    if key == f"++{TARGET}":
        return f"{LOOP}={value}"
    plain = key.removeprefix("++")
    return plain + equals + value if plain != key and _is_open(plain) else text


def _is_open(key: str) -> bool:
    """Return whether a key may be one that is not there yet."""
    return key.startswith(f"{LOOP}.") or any(key == o or key.startswith(f"{o}.") for o in OPEN)


def _names_functions(value: str, loops: Collection[str]) -> bool:
    """Return whether a value, or each of a list, is the path of a function."""
    found = _VALUE.fullmatch(value)
    parts = [part.strip() for part in found[2].split(",")] if found else [value]
    return all(part not in loops and _FUNCTION.fullmatch(part) for part in parts)
