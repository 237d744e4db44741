"""Options of samplers and pruners that Optuna would find odd late or never."""

import shlex
from pathlib import Path

import pytest

from runner.errors import Mistake
from runner.study.plan.plan import plan

QUADRATIC = (
    "model=quadratic dataset=none optimizer=sgd schedule=constant train.steps=20 "
    "train.eval_every=4 tracking=off threads=1 study.confirm_seeds=0"
)
RATE = "'lr=tag(log, interval(1e-3, 0.5))'"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("tpe study.sampler.n_startup_trials=-1", "n_startup_trials must be at least 0, got -1"),
        ("tpe study.sampler.n_startup_trials=x", "n_startup_trials must be a whole number, got"),
        ("tpe study.sampler.n_ei_candidates=0", "n_ei_candidates must be at least 1, got 0"),
        ("tpe study.sampler.multivariate=3", "multivariate must be true or false, got 3"),
        ("tpe +study.sampler.n_start=3", "n_start is not an argument of optuna.samplers.TPES"),
        ("gp study.sampler.n_startup_trials=1.5", "n_startup_trials must be a whole number, got"),
        ("nsga2 study.sampler.population_size=1", "population_size must be at least 2, got 1"),
        ("nsga2 study.sampler.swapping_prob=2", r"swapping_prob must lie in \[0, 1\], got 2"),
        ("qmc study.sampler.qmc_type=sobool", "qmc_type must be sobol or halton, got 'sobool'"),
        ("random study.sampler._target_=builtins.dict", "_target_ must be a BaseSampler, got {"),
        ("tpe study.sampler._target_=optuna.samplers.Tpe", "_target_ must name a class that can"),
    ],
)
def test_an_odd_option_of_a_sampler_is_refused(folder: Path, words: str, message: str) -> None:
    with pytest.raises(Mistake, match=rf"study\.sampler\.{message}"):
        plan(shlex.split(f"{QUADRATIC} {RATE} study/sampler={words}"), None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("median study.pruner.n_startup_trials=-1", "pruner.n_startup_trials must be at least 0"),
        ("median study.pruner.n_min_trials=0", "pruner.n_min_trials must be at least 1, got 0"),
        ("asha study.pruner.reduction_factor=1", "pruner.reduction_factor must be at least 2, got"),
        (
            "hyperband study.pruner.min_resource=200",
            "min_resource must be at most study.pruner.max",
        ),
        ("patient study.pruner.patience=x", "pruner.patience must be a whole number, got 'x'"),
        (
            "patient +study.pruner.wrapped_pruner._target_=optuna.pruners.MedianPruner "
            "+study.pruner.wrapped_pruner.n_min_trials=0",
            "pruner.wrapped_pruner.n_min_trials must be at least 1, got 0",
        ),
        ("threshold study.pruner.lower=null", "pruner: Either lower or upper must be specified"),
        ("threshold study.pruner.upper=-1", "pruner.lower must be less than study.pruner.upper"),
        ("wilcoxon study.seeds=2 study.pruner.p_threshold=2", r"p_threshold must lie in \[0, 1\]"),
        ("wilcoxon", "study.seeds must be at least 5 with study/pruner=wilcoxon, whose p-value"),
        ("wilcoxon study.seeds=5", "^$"),
        ("wilcoxon study.seeds=4 study.pruner.p_threshold=0.125", "^$"),
        ("median study.metric=[val/loss]", "^$"),
    ],
)
def test_an_odd_option_of_a_pruner_is_refused(folder: Path, words: str, message: str) -> None:
    if message == "^$":
        assert plan(shlex.split(f"{QUADRATIC} {RATE} study/pruner={words}"), None)
        return
    with pytest.raises(Mistake, match=message):
        plan(shlex.split(f"{QUADRATIC} {RATE} study/pruner={words}"), None)
