"""Samplers and pruners by their configuration."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler

from runner import config
from runner.errors import Mistake
from runner.study import options
from runner.study.definition import Definition
from runner.study.history import Seeing

GRID = "runner.study.samplers.Grid"
_SHARED_SEED = ("optuna.samplers.QMCSampler",)  # its sequence is one for all workers


class Grid(optuna.samplers.RandomSampler):
    """Every combination once. They are queued when the study is made; nothing is drawn."""


def sampler(definition: Definition, place: int) -> BaseSampler:
    """Return the sampler of a trial, seeded by the study's seed and the trial's place, so that the
    same history gives the same trial whichever worker asks.

    Raises Mistake for arguments that it does not take.
    """
    spec = dict(definition.sampler)
    if config.partial("study.sampler", spec).accepts("seed"):
        (state,) = np.random.SeedSequence([definition.seed, place]).generate_state(1)
        spec["seed"] = definition.seed if spec["_target_"] in _SHARED_SEED else int(state)
    return Seeing(_built("study.sampler", spec, BaseSampler))


def pruner(definition: Definition) -> BasePruner | None:
    """Return the pruner; None where nothing is pruned."""
    if definition.pruner.get("_target_") is None:
        return None
    built: BasePruner = _built("study.pruner", definition.pruner, BasePruner)
    return built


def no_pruner() -> BasePruner:
    """Return the pruner that never prunes."""
    return NopPruner()


def prunes_by_seed(definition: Definition) -> bool:
    """Return whether the pruner compares trials seed by seed rather than while they train."""
    return isinstance(pruner(definition), WilcoxonPruner)


def check(definition: Definition) -> None:
    """Raise Mistake for a sampler or a pruner that cannot do what is asked of it."""
    options.check("study.sampler", definition.sampler)
    options.check("study.pruner", definition.pruner)
    sampler(definition, 0)
    chosen = pruner(definition)
    if chosen is not None and len(definition.goals) > 1:
        raise Mistake(
            f"study.metric must be one metric with a pruner, got "
            f"{[goal.metric for goal in definition.goals]}; or use study/pruner=none"
        )
    if isinstance(chosen, WilcoxonPruner) and definition.seeds < 2:
        raise Mistake(
            f"study.seeds must be at least 2 with study/pruner=wilcoxon, which compares seed by "
            f"seed, got {definition.seeds}"
        )


def _built(key: str, spec: Mapping[str, Any], kind: type) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        built = config.build(key, spec)
    if not isinstance(built, kind):
        raise Mistake(f"{key}._target_ must be a {kind.__name__}, got {built!r}")
    return built
