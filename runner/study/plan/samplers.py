"""Samplers and pruners by their configuration."""

import copy
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from runner import config
from runner.errors import Mistake, one_line
from runner.results.definition import GRID, Definition
from runner.study.queue.draws import InOrder, places

_SHARED_SEED = "optuna.samplers.QMCSampler"  # its sequence is one for all workers
_BLIND = (GRID, _SHARED_SEED, "optuna.samplers.RandomSampler")
# what Optuna would find odd late or never
_LEAST = {
    "n_startup_trials": 0,
    "n_ei_candidates": 1,
    "population_size": 2,
    "n_warmup_steps": 0,
    "n_min_trials": 1,
    "n_startup_steps": 0,
    "min_resource": 1,
    "max_resource": 1,
    "reduction_factor": 2,
    "min_early_stopping_rate": 0,
    "patience": 1,
    "min_delta": 0,
}
_SHARES = ("crossover_prob", "swapping_prob", "p_threshold")
_WORDS = {"qmc_type": ("sobol", "halton")}


class Grid(optuna.samplers.RandomSampler):
    """Every combination once. They are queued when the study is made (see queue.py); nothing is
    drawn."""


class Samplers:
    """Makes the sampler of each trial, seeded by the study's seed and the trial's place, so that
    the same history gives the same trial whichever worker asks.

    Raises Mistake for arguments that it does not take.
    """

    def __init__(self, definition: Definition) -> None:
        self._seed = definition.seed
        self._target = config.partial("study.sampler", definition.sampler)
        self._is_seeded = self._target.accepts("seed")
        self._is_shared = definition.sampler["_target_"] == _SHARED_SEED

    def of(self, trials: Sequence[FrozenTrial], number: int) -> BaseSampler:
        """Return the sampler of a trial.

        trials: of the study, this one among them.
        """
        return InOrder(self.plain(places(trials)[number]), trials)

    def plain(self, place: int) -> BaseSampler:
        """Return the sampler of a place as it is, without a history."""
        more = {}
        if self._is_seeded:
            (state,) = np.random.SeedSequence([self._seed, place]).generate_state(1)
            more["seed"] = self._seed if self._is_shared else int(state)
        target = copy.deepcopy(self._target)  # objects among its arguments may keep a state
        built: BaseSampler = _checked("study.sampler", target, BaseSampler, **more)
        return built


def is_blind(definition: Definition) -> bool:
    """Return whether what a sampler draws depends on no trial before."""
    return definition.sampler.get("_target_") in _BLIND


def pruner(definition: Definition) -> BasePruner:
    """Return the pruner, one that never prunes where there is none."""
    if definition.pruner.get("_target_") is None:
        return NopPruner()
    target = config.partial("study.pruner", definition.pruner)
    built: BasePruner = _checked("study.pruner", target, BasePruner)
    return built


def check(definition: Definition) -> None:
    """Raise Mistake for a sampler or a pruner that cannot do what is asked of it."""
    _check_options("study.sampler", definition.sampler)
    _check_options("study.pruner", definition.pruner)
    _try(definition)
    chosen = pruner(definition)
    if len(definition.goals) > 1 and not isinstance(chosen, NopPruner):
        given = str([goal.metric for goal in definition.goals])
        advice = "or use study/pruner=none"
        raise Mistake("study.metric", "must be one metric with a pruner", given, advice)
    if isinstance(chosen, WilcoxonPruner):
        least = 1 + math.ceil(-math.log2(definition.pruner["p_threshold"]))
        if definition.seeds < least:
            must = (
                f"must be at least {least} with study/pruner=wilcoxon, whose p-value over fewer "
                f"seeds is never below study.pruner.p_threshold={definition.pruner['p_threshold']}"
            )
            raise Mistake("study.seeds", must, str(definition.seeds))


def _check_options(key: str, spec: Mapping[str, Any]) -> None:
    """Raise Mistake for an option that is out of its range; an option may be a pruner itself."""
    for name, value in spec.items():
        if isinstance(value, Mapping):
            _check_options(f"{key}.{name}", value)
        elif name in _WORDS and value not in _WORDS[name]:
            raise Mistake(f"{key}.{name}", f"must be {' or '.join(_WORDS[name])}", repr(value))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            continue
        elif value < _LEAST.get(name, value):
            raise Mistake(f"{key}.{name}", f"must be at least {_LEAST[name]}", str(value))
        elif name in _SHARES and not 0 <= value <= 1:
            raise Mistake(f"{key}.{name}", "must lie in [0, 1]", str(value))
    lower, upper = spec.get("lower"), spec.get("upper")
    for name, value in (("lower", lower), ("upper", upper)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise Mistake(f"{key}.{name}", "must be a number", repr(value))
    if lower is not None and upper is not None and lower >= upper:
        raise Mistake(f"{key}.lower", f"must be less than {key}.upper", f"{lower} and {upper}")
    least, most = spec.get("min_resource"), spec.get("max_resource")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        must = f"must be at most {key}.max_resource"
        raise Mistake(f"{key}.min_resource", must, f"{least} and {most}")


def _try(definition: Definition) -> None:
    """Draw a trial. Raises Mistake for a sampler that cannot do what is asked of it."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions: list[Any] = [goal.direction for goal in definition.goals]
    study = optuna.create_study(directions=directions, sampler=Samplers(definition).plain(0))
    between = FloatDistribution(0, 1)
    try:
        study.ask({"one": between, "another": between})
    except (ValueError, TypeError) as error:
        metrics = [goal.metric for goal in definition.goals]
        key = "study.metric" if len(metrics) > 1 else "study.sampler"
        given = f"{metrics}: {one_line(error)}"
        raise Mistake(key, "must suit the sampler", given) from error


def _checked(key: str, target: Callable[..., Any], kind: type, **more: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        built = target(**more)
    if not isinstance(built, kind):
        raise Mistake(f"{key}._target_", f"must be a {kind.__name__}", repr(built))
    return built
