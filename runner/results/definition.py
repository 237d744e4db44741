"""What a study is: everything that decides its trials, as plain data that is stored with it."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HEX = 8  # digits of the digest in a study's name
MAXIMIZE, MINIMIZE = "maximize", "minimize"
GRID = "runner.study.plan.samplers.Grid"
WILCOXON = "optuna.pruners.WilcoxonPruner"


@dataclass(frozen=True)
class Goal:
    """One objective: a metric of the validation data over a run's evaluations.

    of: "best", "last", or "mean" of the last `last_k` evaluations. direction: "maximize" or
    "minimize".
    """

    metric: str
    direction: str
    of: str = "best"
    last_k: int = 3

    def value(self, evaluations: list[float]) -> float:
        """Return the objective of a run by its evaluations so far, at least one.

        >>> Goal("val/accuracy", "maximize").value([0.5, 0.9, 0.8])
        0.9
        >>> Goal("val/loss", "minimize", of="mean", last_k=2).value([9.0, 1.0, 2.0])
        1.5
        """
        if self.of == "last":
            return evaluations[-1]
        if self.of == "mean":
            last = evaluations[-self.last_k :]
            return sum(last) / len(last)
        finite = [value for value in evaluations if math.isfinite(value)]
        best = max if self.direction == MAXIMIZE else min
        return best(finite, default=math.nan)

    def better(self, one: float, other: float) -> bool:
        """Return whether one value is better than another."""
        return one > other if self.direction == MAXIMIZE else one < other

    def worst(self, values: list[float]) -> float:
        """Return the worst of some values."""
        return min(values) if self.direction == MAXIMIZE else max(values)


@dataclass(frozen=True)
class Definition:
    """A study, as it is stored with it and read by every worker.

    preset: the option of the group `study`. space: the normal form of the search space.
    overrides: what is fixed, as written. base: the resolved configuration without the search.
    seeds: runs of a trial. confirm_seeds: fresh ones for the answer. threads: of each run.
    The rest may change from start to start.
    """

    preset: str
    space: Mapping[str, Any]
    overrides: tuple[str, ...]
    base: Mapping[str, Any]
    goals: tuple[Goal, ...]
    seeds: int = 1
    confirm_seeds: int = 5
    config_dir: str | None = None
    experiment: str = ""
    tracking: bool = True
    tracking_uri: str | None = None
    threads: int | None = None
    trials: int = 40
    baseline: bool = True
    max_failures: int = 5
    heartbeat_seconds: float = 30.0
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

    def identity(self) -> dict[str, Any]:
        """Return what makes two studies the same one."""
        return {
            "space": dict(self.space),
            "recipe": dict(self.base),
            "metric": [dataclasses.asdict(goal) for goal in self.goals],
            "seeds": self.seeds,
        }

    def name(self) -> str:
        """Return the name by which the same search is found again."""
        text = json.dumps(self.identity(), sort_keys=True)
        return f"{self.preset}-{hashlib.sha256(text.encode()).hexdigest()[:HEX]}"

    def differences(self, other: "Definition") -> list[str]:
        """Return in what two studies differ, a line each."""
        ours, theirs = self._parts(), other._parts()
        return [
            f"{key}: {theirs.get(key, 'nothing')} there, {ours.get(key, 'nothing')} here"
            for key in {**ours, **theirs}
            if ours.get(key) != theirs.get(key)
        ]

    def _parts(self) -> dict[str, str]:
        """Return the identity by key, as text."""
        found: dict[str, str] = {}
        for entry in self.space["entries"]:
            when = "".join(f" with {group}={o}" for group, o in entry.get("when", {}).items())
            found[f"search of {entry['key']}{when}"] = entry["spec"]
        for goal in self.goals:
            kept = f"{goal.of} {goal.last_k}" if goal.of == "mean" else goal.of
            found[f"study.metric {goal.metric}"] = f"{goal.direction} the {kept}"
        return found | {"study.seeds": str(self.seeds)} | _flat(self.base)

    def as_json(self) -> str:
        """Return the definition as text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Definition":
        """Return the definition that `as_json` wrote."""
        values = json.loads(text)
        values["goals"] = tuple(Goal(**goal) for goal in values["goals"])
        values["overrides"] = tuple(values["overrides"])
        return cls(**values)


def _flat(value: Any, key: str = "") -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {key: json.dumps(value)}
    found: dict[str, str] = {}
    for name, inner in value.items():
        found |= _flat(inner, f"{key}.{name}" if key else str(name))
    return found
