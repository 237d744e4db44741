"""Groups of parameters that learn at a rate of their own, decay otherwise, or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.errors import nearest
from schedules.errors import ArgumentError


@dataclass(frozen=True)
class Group:
    """Parameters whose names fit a pattern, and what is different for them.

    pattern: shell-style, as in "conv*.weight". lr_scale: factor of the trace, >= 0.
    weight_decay: instead of the optimizer's, >= 0. frozen: not trained at all.
    """

    pattern: str
    lr_scale: float = 1.0
    weight_decay: float | None = None
    frozen: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise ArgumentError("pattern", "must be text", f"{self.pattern!r}")
        for name in ("lr_scale", "weight_decay"):
            value = getattr(self, name)
            if value is None and name == "weight_decay":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ArgumentError(name, "must be a number >= 0", f"{value!r}")
        if not isinstance(self.frozen, bool):
            raise ArgumentError("frozen", "must be true or false", f"{self.frozen!r}")


def read_groups(entries: Sequence[Mapping[str, Any]]) -> list[Group]:
    """Return the groups of a configuration.

    Raises ValueError for a key that a group does not have.
    """
    known = Group.__dataclass_fields__
    groups = []
    for i, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise ArgumentError(f"groups[{i}]", "must have a pattern", f"{entry!r}")
        for key in entry:
            if key not in known:
                raise ArgumentError(
                    f"groups[{i}].{key}",
                    f"is not known{nearest(str(key), known)}",
                    advice=f"a group has {', '.join(known)}",
                )
        if "pattern" not in entry:
            raise ArgumentError(f"groups[{i}]", "must have a pattern", f"{dict(entry)}")
        try:
            groups.append(Group(**entry))
        except ArgumentError as error:
            raise error.under(f"groups[{i}]") from error
    return groups


def own_rates(
    groups: Sequence[Group], scales: Iterable[tuple[str, float]], rate: float
) -> dict[str, tuple[float, ...]]:
    """Return the rates of all layers by pattern, "" for what fits none, where a rate of the trace
    is not that of all; of a frozen group there are none.

    scales: pattern and lr_scale of each layer that is trained, from the input.

    >>> own_rates([Group("conv*", lr_scale=0.01)], [("", 1.0), ("conv*", 0.01)], 0.1)
    {'conv*': (0.001,), '': (0.1,)}
    >>> own_rates([], [("", 1.0)], 0.1)
    {}
    """
    parts = sorted(scales, key=lambda part: part[0] == "")
    if {scale for _, scale in parts} == {1.0}:
        return {}
    found: dict[str, list[float]] = {group.pattern: [] for group in groups}
    for pattern, scale in parts:
        found.setdefault(pattern, []).append(scale * rate)
    return {pattern: tuple(rates) for pattern, rates in found.items()}
