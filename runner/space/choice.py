"""One of several values, each with its text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.space.quantities import QUANTITY
from schedules.errors import ArgumentError

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

_PLAIN = re.compile(r"(?!(?:true|false|null|inf|nan)$)[a-z_][\w./-]*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Choice:
    """One of several values: None, a bool, a number, text, or a list of them.

    Optuna stores an option's text; the option keeps its type.

    Raises:
        ArgumentError: there is no option, one is given twice or is none of these.

    >>> Choice([0.1, "cosine", ["10%", "50%"]]).text()
    'choice(0.1, cosine, [10%, 50%])'
    """

    options: Sequence[Any]

    def __post_init__(self) -> None:
        options = tuple(_inner(option) for option in self.options)
        if not options:
            raise ArgumentError("", "must list at least one value", "none")
        for i, option in enumerate(options):
            if any(_same(option, other) for other in options[:i]):
                raise ArgumentError("", "must list each value once", f"{text_of(option)} twice")
        object.__setattr__(self, "options", options)

    def suggest(self, trial: "BaseTrial", name: str) -> Any:
        """Draw an option."""
        texts = {text_of(option): option for option in self.options}
        return _outer(texts[trial.suggest_categorical(name, list(texts))])

    def encode(self, value: Any, name: str) -> dict[str, Any] | None:
        """Return the inner parameters that give a value; None when it is no option."""
        try:
            wanted = _inner(value)
        except ArgumentError:
            return None
        found = [option for option in self.options if _same(option, wanted)]
        return {name: text_of(found[0])} if found else None

    def size(self) -> int:
        """Return how many options there are."""
        return len(self.options)

    def values(self) -> list[Any]:
        """Return all options, in order."""
        return [_outer(option) for option in self.options]

    def text(self) -> str:
        """Return its normal form."""
        return f"choice({', '.join(map(text_of, self.options))})"


def text_of(value: Any) -> str:
    """Return a value as Hydra's grammar writes it.

    >>> [text_of(v) for v in (None, True, 1e-5, "cosine", "10%", "1", ["a", 2])]
    ['null', 'true', '1e-05', 'cosine', '10%', "'1'", '[a, 2]']
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(text_of, value))}]"
    if not isinstance(value, str):
        return repr(value)
    if _PLAIN.fullmatch(value) or QUANTITY.fullmatch(value):
        return value
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", value)
    return "'" + re.sub(r"(\\+)$", r"\1\1", escaped) + "'"


def _inner(option: Any) -> Any:
    """Return an option as it is kept: lists as tuples."""
    if isinstance(option, list | tuple):
        return tuple(_inner(element) for element in option)
    if option is None or isinstance(option, bool | int | float | str):
        return option
    must = "must list plain values (numbers, text, lists of them)"
    raise ArgumentError("", must, repr(option))


def _outer(option: Any) -> Any:
    return [_outer(element) for element in option] if isinstance(option, tuple) else option


def _same(one: Any, other: Any) -> bool:
    """Return whether two options are equal, true and 1 being different."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)
