"""How long a trial may bring no improvement."""

import optuna
import pytest

from runner.study.plan.patience import Patient


@pytest.mark.parametrize(
    ("reports", "patience", "delta", "stops"),
    [
        ([3.0, 2.0, 2.0], 1, 0.0, True),
        ([3.0, 2.0, 2.0], 2, 0.0, False),
        ([3.0, 2.0, 2.0, 2.0], 2, 0.0, True),
        ([3.0, 2.0, 1.9], 1, 0.0, False),
        ([3.0, 2.0, 1.9], 1, 0.2, True),
        ([3.0], 1, 0.0, False),
    ],
)
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_patience_ends_after_so_many_reports_without_an_improvement(
    reports: list[float], patience: int, delta: float, stops: bool, direction: str
) -> None:
    sign = 1 if direction == "minimize" else -1
    study = optuna.create_study(direction=direction)
    trial = optuna.trial.create_trial(
        state=optuna.trial.TrialState.RUNNING,
        intermediate_values={10 * i: sign * value for i, value in enumerate(reports)},
    )
    assert Patient(None, patience, delta).prune(study, trial) is stops
    assert Patient(optuna.pruners.NopPruner(), patience, delta).prune(study, trial) is False
