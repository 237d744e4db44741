"""What made trials good, against scipy and by what a study was made to hang on."""

import math
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from scipy.stats import spearmanr

from runner.results.definition import Definition, Goal
from runner.results.rows import Row
from runner.study.answer.influence import importance, rung_correlations

ACCURACY, LOSS = Goal("val/accuracy", "maximize"), Goal("val/loss", "minimize")


def study_of(*goals: Goal) -> Definition:
    return Definition("schedule", {}, (), {}, goals or (ACCURACY,))


def row(number: int, *objective: float, **more: Any) -> Row:
    return Row(number, "COMPLETE", objective=objective, **more)


def test_rung_correlations_are_scipys_over_trials_that_were_trained_to_the_end() -> None:
    final = [0.5, 0.7, 0.6, 0.9, 0.8, 0.8]
    early = [0.3, 0.2, 0.4, 0.5, 0.45, 0.1]
    rows = [
        row(i, end, rungs={20: then, 60: end} | ({80: end} if i < 4 else {}))
        for i, (end, then) in enumerate(zip(final, early, strict=True))
    ]
    others = [
        Row(6, "PRUNED", rungs={20: 0.9}),
        row(7, 0.1, diverged="step 3", rungs={20: 0.9}),
        row(8, 0.5, copy_of=0, rungs={20: 0.3}),
        row(9, 0.95, rungs={20: math.nan}),
    ]
    found = rung_correlations(rows + others)
    assert found == {
        20: (pytest.approx(spearmanr(early, final).statistic), 6),
        60: (pytest.approx(1.0), 6),
    }


def test_constant_rungs_have_no_correlation() -> None:
    rows = [row(i, 0.1 * i, rungs={50: 0.1}) for i in range(5)]
    [(rank, n)] = rung_correlations(rows).values()
    assert math.isnan(rank)
    assert n == 5
    assert rung_correlations([]) == {}


def optuna_study(trials: int, *, goals: int = 1, equal: bool = False) -> optuna.Study:
    """A study whose value hangs on lr, and a little on an element of an ordered list."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["maximize"] * goals)
    sampler = optuna.samplers.RandomSampler(seed=1)
    study.sampler = sampler
    for number in range(trials):
        trial = study.ask()
        lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        kind = trial.suggest_categorical("schedule", ["cosine", "step"])
        bounds = [trial.suggest_float(f"bounds[{i}]", 0, 1) for i in (0, 1)]
        rate = trial.suggest_float("rate (schedule=step)", 0, 1) if kind == "step" else 0.0
        value = 0.0 if equal else -abs(math.log10(lr) + 2) + 0.1 * bounds[1] + 0.01 * rate
        trial.set_user_attr("values", {"lr": lr, "schedule": kind})
        trial.set_user_attr("outcome", {"diverged": "step 3"} if number % 10 == 9 else {})
        study.tell(trial, [value] * goals)
    return study


def rename(inner: str) -> str:
    return inner.split("[")[0].split(" ")[0]


@pytest.mark.parametrize("goals", [1, 2])
def test_importance_finds_the_key_that_matters(goals: int) -> None:
    study = optuna_study(60, goals=goals)
    found = importance(study, study_of(*[ACCURACY] * goals), rename)
    assert next(iter(found)) == "lr"
    assert set(found) == {"lr", "schedule", "bounds", "rate"}
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1)
    assert found["lr"] > 0.5


def test_importance_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    study = optuna_study(60)
    optuna.logging.set_verbosity(optuna.logging.INFO)
    assert importance(study, study_of(), rename)
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    assert capfd.readouterr() == ("", "")


def test_importance_is_empty_where_it_cannot_be_told() -> None:
    assert importance(optuna_study(0), study_of(), rename) == {}
    assert importance(optuna_study(4), study_of(), rename) == {}
    assert importance(optuna_study(20, equal=True), study_of(), rename) == {}
    assert importance(optuna_study(20), study_of(), lambda inner: "lr") == {}


def test_a_key_of_few_trials_has_no_importance() -> None:
    study = optuna.create_study()
    keys = {
        "a": FloatDistribution(0, 1),
        "b": FloatDistribution(0, 1),
        "c": FloatDistribution(0, 1),
    }
    for i in range(20):
        values = {"a": i / 20, "b": (7 * i % 20) / 20, **({"c": i / 20} if i < 9 else {})}
        study.add_trial(
            optuna.trial.create_trial(
                params=values, distributions={k: keys[k] for k in values}, value=i / 20
            )
        )
    found = importance(study, Definition("", {}, (), {}, (LOSS,)), str)
    assert set(found) == {"a", "b"}
    assert sum(found.values()) == pytest.approx(1)
