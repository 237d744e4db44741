"""What people write on a command line, and what Hydra has to read instead."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from runner.config.paths import is_path
from runner.errors import Mistake

METRICS = "task.metrics"
LOSS = "task.loss"
OPEN = (METRICS, LOSS, "dataset.augment")  # take what is not there yet
METRIC = "task.metric"
LOOP = "loop"  # takes keys of its own, too
COMMAND = f"{LOOP}.command"  # of a script, which stands behind all else
SCRIPT = "--"
_ANOTHERS = re.compile(r"(\\*)\$\{")  # how another key's value begins, not in a script's command
_ESCAPED = re.compile(r"(\\*)\1\\\$\{")
_TARGET = f"{LOSS}._target_"
_VALUE = re.compile(r"(choice\()?([^()]*)\)?")


def written_out(text: str) -> str:
    """Return a word as Hydra takes it.

    >>> written_out("task.metrics={f1: {_target_: mine.f1}}")
    '++task.metrics={f1: {_target_: mine.f1}}'
    >>> written_out("task.loss=mine.focal"), written_out("task.loss.gamma=1,2")
    ('++task.loss._target_=mine.focal', '++task.loss.gamma=1,2')
    >>> written_out("task.metric=f1"), written_out("loop=mine.train")
    ('task.metric=f1', 'loop=mine.train')
    >>> written_out("loop.width=32,64")
    '++loop.width=32,64'
    """
    key, _, value = text.partition("=")
    if key == LOSS and _are_paths(value):
        return f"++{_TARGET}={value}"
    return f"++{text}" if is_open(key) else text


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
    plain = (_ANOTHERS.sub(r"\1\1\\${", text) for text in command)
    quoted = (QuotedString(text, Quote.single).with_quotes() for text in plain)
    return list(typed[:place]), [f"++{COMMAND}=[{','.join(quoted)}]"]


def script_of(words: Iterable[tuple[str, Any]]) -> list[str]:
    """Return the last words of a command line whose keys have some values: a script's command.

    >>> script_of([("lr", 0.1), ("loop.command", ["python", "train.py"])])
    ['--', 'python', 'train.py']
    """
    found = [value for key, value in words if key == COMMAND and isinstance(value, list)]
    if not found or not found[-1]:
        return []
    return [SCRIPT, *(_ESCAPED.sub(r"\1${", str(text)) for text in found[-1])]


def as_typed(text: str) -> str:
    """Return a word as people write it.

    >>> as_typed("++task.loss._target_=mine.focal"), as_typed("task.loss._target_=mine.focal")
    ('task.loss=mine.focal', 'task.loss=mine.focal')
    >>> as_typed("++task.loss.gamma=1"), as_typed("+lr=1")
    ('task.loss.gamma=1', '+lr=1')
    """
    key, equals, value = text.partition("=")
    plain = key.removeprefix("++")
    if plain == _TARGET and _are_paths(value):
        return f"{LOSS}={value}"
    return plain + equals + value if plain != key and is_open(plain) else text


def value_key(key: str) -> str:
    """Return the key that holds what people give a key.

    >>> value_key("task.loss"), value_key("lr")
    ('task.loss._target_', 'lr')
    """
    return _TARGET if key == LOSS else key


def is_open(key: str) -> bool:
    """Return whether a key may be one that is not there yet."""
    return key in OPEN or key.startswith(tuple(f"{one}." for one in (*OPEN, LOOP)))


def _are_paths(value: str) -> bool:
    """Return whether a value, or each of a list, is the path of a function."""
    found = _VALUE.fullmatch(value)
    parts = found[2].split(",") if found else [""]
    return all(is_path(part.strip(" '\"")) for part in parts)
