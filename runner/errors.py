"""What can go wrong by a person's hand or in a run, in one line each."""

import contextlib
import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from runner.passwords import redact
from schedules.errors import ArgumentError


class Mistake(ArgumentError):
    """A person's mistake: which key, what must hold, what was given and what to do instead."""

    @classmethod
    def of(cls, error: Exception, key: str = "") -> Self:
        """Return what was wrong with an argument as a mistake about a key of the configuration.

        >>> Mistake.of(ArgumentError("lr", "must be finite", "nan"), "schedule")
        Mistake('schedule.lr must be finite, got nan')
        >>> Mistake.of(OSError("disk full"), "dataset")
        Mistake('dataset: disk full')
        """
        if isinstance(error, ArgumentError):
            found = cls(error.where, error.must, error.given, error.advice)
            return found.under(key) if key else found
        return cls(f"{key}:" if key else "", one_line(error))


@contextlib.contextmanager
def under(key: str) -> Iterator[None]:
    """Let what is wrong with an argument rise as a mistake about a key of the configuration.

    >>> with under("optimizer"):
    ...     raise ArgumentError("eps", "must be at least 0", "-1")
    Traceback (most recent call last):
    runner.errors.Mistake: optimizer.eps must be at least 0, got -1
    """
    try:
        yield
    except Mistake:
        raise
    except (ValueError, TypeError) as error:
        raise Mistake.of(error, key) from error


class Diverged(ArithmeticError):
    """A loss or a gradient that is not finite.

    >>> Diverged(step=7, rate=0.1, what="train/loss is nan")
    Diverged('train/loss is nan at step 7, learning rate 0.1')
    """

    def __init__(self, step: int, rate: float, what: str) -> None:
        why = "" if step else "; no update was made yet: look at the data and the initial weights"
        super().__init__(f"{what} at step {step}, learning rate {rate:.6g}{why}")
        self.step = step
        self.rate = rate
        self.what = what

    def __reduce__(self) -> tuple[type["Diverged"], tuple[int, float, str]]:
        return type(self), (self.step, self.rate, self.what)


class Misuse(Exception):
    """What a loop of a person's own does with its run that would make the record untrue."""


class Unhashable(Exception):
    """What has no name by which it could be found again, in one line: why it has none."""


class Elsewhere(Exception):
    """What failed in another process, in one line. details: its traceback."""

    def __init__(self, reason: str, details: str = "") -> None:
        super().__init__(reason, details)
        self.reason, self.details = reason, details

    def __str__(self) -> str:
        return self.reason


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error, torch's for a device among them, says that no memory is left."""
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in said(error) for word in words)
    )


def said(error: BaseException) -> str:
    """Return what an error says; nothing of one that fails to say it.

    >>> class Silent(Exception):
    ...     __str__ = None
    >>> said(ValueError("too wide")), said(Silent())
    ('too wide', '')
    """
    try:
        return str(error)
    except Exception:
        return ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word nearest to a misspelt one, or nothing.

    >>> nearest("cosin", ["cosine", "constant"])
    " (did you mean 'cosine'?)"
    >>> nearest("zzz", ["cosine"])
    ''

    Keys of one group have their beginning in common, which says nothing:

    >>> nearest("schedule.alphaa", ["schedule.floor", "schedule.lr"])
    ''
    """
    known = sorted(known)
    parent, _, name = word.rpartition(".")
    mine = {k.rpartition(".")[2]: k for k in known if parent and k.rpartition(".")[0] == parent}
    close = [mine[found] for found in difflib.get_close_matches(name, mine, n=1)]
    close = close or difflib.get_close_matches(word, set(known) - {*mine.values()}, n=1)
    if not close:  # the right name in the wrong place: batch_size for train.batch_size
        close = [k for k in known if k.rpartition(".")[2] == word.rpartition(".")[2]][:1]
    return f" (did you mean '{close[0]}'?)" if close else ""


def either(words: Sequence[str]) -> str:
    """Return words of which one is right.

    >>> either(["best", "last", "mean"])
    'best, last or mean'
    """
    return ", ".join([*words[:-2], " or ".join(words[-2:])])


_LONGEST_WORD, _LONGEST = 200, 1_500  # characters of a message that a person reads


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, without passwords and with long words cut; its type
    where it has none."""
    text = redact(" ".join(said(error).split()) or type(error).__name__)
    return shortened(" ".join(shortened(part, _LONGEST_WORD) for part in text.split()), _LONGEST)


def shortened(text: str, most: int) -> str:
    """Return a text with what is too much of it cut out of its middle.

    >>> shortened("1234567890" * 500, 20)
    '1234567890...(5,000 characters)...34567890'
    """
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}...({len(text):,} characters)...{text[-most // 2 + 2 :]}"
