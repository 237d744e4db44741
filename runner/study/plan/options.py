"""What the numbers of samplers and pruners must be, where Optuna finds out late or never."""

from collections.abc import Mapping
from typing import Any

from runner.errors import Mistake

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


def check(key: str, spec: Mapping[str, Any]) -> None:
    """Raise Mistake for an option that is out of its range.

    Arguments:
        key: of the sampler or the pruner, for messages.
        spec: its `_target_` and options; an option may be a pruner itself.

    >>> check("study.pruner", {"reduction_factor": 1})
    Traceback (most recent call last):
    runner.errors.Mistake: study.pruner.reduction_factor must be at least 2, got 1
    """
    for name, value in spec.items():
        if isinstance(value, Mapping):
            check(f"{key}.{name}", value)
        elif name in _WORDS and value not in _WORDS[name]:
            raise Mistake(f"{key}.{name}", f"must be {' or '.join(_WORDS[name])}", repr(value))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            continue
        elif value < _LEAST.get(name, value):
            raise Mistake(f"{key}.{name}", f"must be at least {_LEAST[name]}", str(value))
        elif name in _SHARES and not 0 <= value <= 1:
            raise Mistake(f"{key}.{name}", "must lie in [0, 1]", str(value))
    lower, upper = spec.get("lower"), spec.get("upper")
    if lower is not None and upper is not None and lower >= upper:
        raise Mistake(f"{key}.lower", f"must be less than {key}.upper", f"{lower} and {upper}")
    least, most = spec.get("min_resource"), spec.get("max_resource")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        must = f"must be at most {key}.max_resource"
        raise Mistake(f"{key}.min_resource", must, f"{least} and {most}")
