"""What a study is: everything that decides its trials, as plain data that is stored with it."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, get_origin, get_type_hints

from runner.flat import flat
from runner.moved import targets
from runner.results.metrics import MAXIMIZE, MINIMIZE

HEX = 8  # digits of the digest in a study's name
GRID = "runner.study.plan.samplers.Grid"
WILCOXON = "optuna.pruners.WilcoxonPruner"
_NULL = json.dumps(None)
KEPT, BEST, LAST, MEAN = "kept", "best", "last", "mean"  # what of a run's evaluations counts


@dataclass(frozen=True)
class Goal:
    """One objective: a metric of the validation data over a run's evaluations.

    of: "kept", the one whose weights the run keeps; "best", "last", or "mean" of the last `last_k`
    evaluations. direction: "maximize" or "minimize".
    """

    metric: str
    direction: str
    of: str = KEPT
    last_k: int = 1

    def value(self, evaluations: list[float]) -> float:
        """Return the objective of a run by its evaluations so far, at least one; the last one's
        for "kept", where none is kept for being the best.

        >>> Goal("val/accuracy", "maximize", of="best").value([0.5, 0.9, 0.8])
        0.9
        >>> Goal("val/loss", "minimize", of="mean", last_k=2).value([9.0, 1.0, 2.0])
        1.5
        """
        if self.of in (KEPT, LAST):
            return evaluations[-1]
        if self.of == MEAN:
            last = evaluations[-self.last_k :]
            return sum(last) / len(last)
        finite = [value for value in evaluations if math.isfinite(value)]
        return min(finite, key=self.cost, default=math.nan)

    def cost(self, value: float) -> float:
        """Return a number that is the less, the better a value is.

        >>> Goal("val/accuracy", "maximize").cost(0.9)
        -0.9
        """
        return -value if self.direction == MAXIMIZE else value

    def better(self, one: float, other: float) -> bool:
        """Return whether one value is better than another."""
        return self.cost(one) < self.cost(other)


@dataclass(frozen=True)
class Definition:
    """A study, as it is stored with it and read by every worker.

    preset: the option of the group `study`. space: the normal form of the search space.
    overrides: what is fixed, as written. base: the resolved configuration without the search.
    trials: in total. threads: of each run. width: most trials that train as one program; 1: each by
    itself. batch: so many a worker takes at a time. seeds and what follows it: as the keys of
    `study` in conf/config.yaml, where their defaults stand; nothing is asked for here. What is no
    part of the identity may change from start to start.
    """

    preset: str
    space: Mapping[str, Any]
    overrides: tuple[str, ...]
    base: Mapping[str, Any]
    goals: tuple[Goal, ...]
    trials: int = 0
    config_dir: str | None = None
    experiment: str = ""
    threads: int | None = None
    width: int = 1
    batch: int = 1
    seeds: int = 1
    confirm_seeds: int = 0
    baseline: bool = False
    max_failures: int = 0
    heartbeat_seconds: float = 0.0
    seed: int = 0
    sampler: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    pruner: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def is_grid(self) -> bool:
        """Whether the trials are given; nothing is trained in the place of one that crashed."""
        return bool(self.sampler.get("_target_") == GRID)

    @property
    def prunes_by_seed(self) -> bool:
        """Whether the pruner compares trials seed by seed rather than while they train."""
        return bool(self.pruner.get("_target_") == WILCOXON)

    def name(self, usual: Mapping[str, Any] | None = None) -> str:
        """Return the name by which the same search is found again.

        usual: a configuration; what is as it has it is left out of the name, so that a key that a
        later version adds with a default renames no study.
        """
        plain = _flat(usual or {})
        parts = {key: text for key, text in self._parts().items() if plain.get(key) != text}
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return f"{self.preset}-{digest[:HEX]}"

    def differences(self, other: "Definition", usual: Mapping[str, Any] | None = None) -> list[str]:
        """Return in what two studies differ, a line each.

        usual: a configuration with the values of keys that one of them does not have yet.
        """
        plain = _flat(usual or {})
        ours, theirs = plain | self._parts(), plain | other._parts()
        return [
            f"{key}: {theirs.get(key, 'nothing')} there, {ours.get(key, 'nothing')} here"
            for key in {**self._parts(), **other._parts()}
            if ours.get(key, _NULL) != theirs.get(key, _NULL)  # null is as not given
        ]

    def _parts(self) -> dict[str, str]:
        """Return what makes two studies the same one, by key, as text."""
        found: dict[str, str] = {}
        for entry in self.space["entries"]:
            when = "".join(f" with {group}={o}" for group, o in entry.get("when", {}).items())
            found[f"search of {entry['key']}{when}"] = entry["spec"]
        for goal in self.goals:
            # what is kept went by other names, and the name of a study shall stay
            counts = f"{MEAN} {goal.last_k}" if goal.of == MEAN else BEST
            found[f"study.metric {goal.metric}"] = f"{goal.direction} the {counts}"
        return found | {"study.seeds": str(self.seeds)} | _flat(self.base)

    def as_json(self) -> str:
        """Return the definition as text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Definition":
        """Return the definition that `as_json` of this version wrote, or of another one, which may
        have more keys or fewer. Raises LookupError, TypeError or ValueError for any other text."""
        found = targets(json.loads(text))
        _check(found)
        values = _known(cls, found)
        values["goals"] = tuple(Goal(**_known(Goal, goal)) for goal in values["goals"])
        values["overrides"] = tuple(values["overrides"])
        return cls(**values)


def _check(values: Any) -> None:
    """Raise LookupError or TypeError for what no version has written."""
    hints = get_type_hints(Definition) | {"goals": list, "overrides": list}
    _check_types(values, hints)
    for goal in values["goals"]:
        _check_types(goal, get_type_hints(Goal))
        if goal["direction"] not in (MAXIMIZE, MINIMIZE):
            raise TypeError(f"the direction is {goal['direction']!r}")
    for entry in values["space"]["entries"]:
        _check_types(entry, {"key": str, "spec": str, "when": Mapping[str, Any]})
        entry["key"], entry["spec"]
    _check_types(dict.fromkeys(values["overrides"]), {})


def _check_types(values: Any, hints: Mapping[str, Any]) -> None:
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise TypeError(f"must be keys with values, got {values!r}")
    for name in set(hints) & set(values):
        kind = get_origin(hints[name]) or hints[name]
        kinds = {float: (int, float), UnionType: hints[name]}.get(kind, kind)
        if not isinstance(values[name], kinds):
            raise TypeError(f"{name} is {values[name]!r}")


def _known(kind: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {key: value for key, value in values.items() if key in names}


def _flat(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: json.dumps(value) for key, value in flat(values).items()}
