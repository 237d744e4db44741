"""What a loop reports of an evaluation, by the keys under which it is recorded."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from runner.errors import Misuse, nearest

_PARTS = ("val", "test")


def figures(values: Mapping[str, Any], known: frozenset[str]) -> dict[str, float]:
    """Return reported figures by key: loss, val_loss and val/loss are `val/loss`.

    known: the names of metrics of which it is known which way is better. Raises Misuse for
    another one, and for what is no number.

    >>> figures({"loss": 0.5, "test_accuracy": 0.9}, frozenset({"loss", "accuracy"}))
    {'val/loss': 0.5, 'test/accuracy': 0.9}
    """
    return {_key(name, known): _number(name, value) for name, value in values.items()}


def _key(given: str, known: frozenset[str]) -> str:
    for part in _PARTS:
        for sign in "/_":
            if given.startswith(f"{part}{sign}"):
                return f"{part}/{_known(given[len(part) + 1 :], known)}"
    return f"val/{_known(given, known)}"


def _known(name: str, known: frozenset[str]) -> str:
    if name in known:
        return name
    plain = name if name.isidentifier() else "NAME"
    say = f"say which way is better, 'task.metrics={{{plain}: {{direction: maximize}}}}'"
    raise Misuse(f"'{name}' is reported, but not known{nearest(name, known)}: {say}")


def _number(name: str, value: Any) -> float:
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        given = type(value).__name__
        raise Misuse(f"{name} must be reported as one number, got {given}") from error
