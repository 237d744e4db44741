"""What a loop reports of an evaluation, by the keys under which it is recorded."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from runner.errors import Misuse, nearest, shortened

_PARTS = ("val", "test")


def figures(values: Mapping[str, Any], known: frozenset[str]) -> dict[str, float]:
    """Return reported figures by key: loss, val_loss and val/loss are `val/loss`.

    known: the names of metrics of which it is known which way is better. Raises Misuse for
    another one, for what is no number and for two of one key.

    >>> figures({"loss": 0.5, "test_accuracy": 0.9}, frozenset({"loss", "accuracy"}))
    {'val/loss': 0.5, 'test/accuracy': 0.9}
    """
    found: dict[str, float] = {}
    for name, value in values.items():
        if (key := _key(name, known)) in found:
            raise Misuse(f"{key} is reported twice, the second time as {name}")
        found[key] = _number(name, value)
    return found


def _key(given: str, known: frozenset[str]) -> str:
    if not isinstance(given, str):
        raise Misuse(f"the name of a figure must be text, got {type(given).__name__}")
    for part in _PARTS:
        for sign in "/_":
            if given.startswith(f"{part}{sign}"):
                return f"{part}/{_known(given[len(part) + 1 :], known)}"
    return f"val/{_known(given, known)}"


def _known(name: str, known: frozenset[str]) -> str:
    if name in known:
        return name
    plain = name if name.isidentifier() and len(name) <= 60 else "NAME"
    say = f"say which way is better, 'task.metrics={{{plain}: {{direction: maximize}}}}'"
    raise Misuse(f"'{shortened(name, 60)}' is reported, but not known{nearest(name, known)}: {say}")


def _number(name: str, value: Any) -> float:
    must = f"{name} must be reported as one number"
    if isinstance(value, str | bytes | bytearray):
        raise Misuse(f"{must}, got text")
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except OverflowError as error:
        raise Misuse(f"{must} of at most 64 bits, got a larger one") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise Misuse(f"{must}, got {type(value).__name__}") from error
