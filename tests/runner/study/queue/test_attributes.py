"""The names that studies of every version have in their storages, and trials as plain rows."""

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from runner.results.definition import Definition, Goal
from runner.results.rows import Row
from runner.study.queue import attributes
from runner.study.queue.attributes import rows


def test_the_names_that_are_stored_are_those_of_every_earlier_version() -> None:
    stored = {key: value for key, value in vars(attributes).items() if isinstance(value, str)}
    assert {key: value for key, value in stored.items() if key.isupper()} == {
        "BASELINE": "baseline",
        "CANDIDATE": "candidate",
        "CELL": "cell",
        "CONFIRMS": "confirms",
        "DEFINITION": "definition",
        "MADE_OF": "made_of",
        "CUT_OFF": "cut_off",
        "EARLIER_CRASHES": "forgiven",
        "FIXED": "fixed",
        "GONE": "its worker is gone",
        "IDENTITY": "identity",
        "INTERRUPTED": "interrupted",
        "KILLS": "kills",
        "LABEL": "label",
        "LEFT_OVER": "left over",
        "LOST": "lost",
        "OUTCOME": "outcome",
        "PROMOTED": "promoted",
        "RETRY_OF": "retry_of",
        "RUNS": "runs",
        "SEED": "seed",
        "STOPPED": "stopped",
        "SUMMARY": "summary",
        "SUSPECTED": "suspected",
        "VALUES": "values",
        "WORKER": "worker",
    }


STUDY = Definition("", {"entries": []}, (), {}, (Goal("val/loss", "minimize"),))


def trial(state: TrialState = TrialState.COMPLETE, **attrs) -> optuna.trial.FrozenTrial:
    return create_trial(
        state=state,
        value=0.5 if state == TrialState.COMPLETE else None,
        params={"lr": 0.1},
        distributions={"lr": FloatDistribution(0, 1)},
        intermediate_values={60: 0.5, 20: 0.9},
        user_attrs=attrs,
    )


def test_a_row_has_what_a_trial_has_stored() -> None:
    outcome = {
        "per_seed": [[0.4], [0.6]],
        "seconds": 2.5,
        "run_ids": ["a", "b"],
        "copy_of": 3,
        "reason": "why",
    }
    (row,) = rows([trial(values={"lr": 0.1}, outcome=outcome, baseline=True)], STUDY)
    assert row == Row(
        number=-1,
        state="COMPLETE",
        values={"lr": 0.1},
        objective=(0.5,),
        per_seed=((0.4,), (0.6,)),
        rungs={20: 0.9, 60: 0.5},
        seconds=2.5,
        baseline=True,
        copy_of=3,
        reason="why",
        run_ids=("a", "b"),
        inner={"lr": 0.1},
    )


def test_a_trial_that_was_lost_has_no_row_and_one_that_crashed_has() -> None:
    crashed = trial(TrialState.FAIL, outcome={"failed": True, "reason": "why"})
    found = rows([trial(TrialState.FAIL, lost="left over"), crashed], STUDY)
    assert [(row.state, row.reason, row.objective) for row in found] == [("FAIL", "why", ())]


@pytest.mark.parametrize("by_seed", [True, False])
def test_reports_of_seeds_are_no_rungs(by_seed: bool) -> None:
    (row,) = rows([trial(outcome={"by_seed": by_seed})], STUDY)
    assert row.rungs == ({} if by_seed else {20: 0.9, 60: 0.5})
