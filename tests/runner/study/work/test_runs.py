"""The runs of a worker: the settings that they are made of, and a server that is away."""

from runner.errors import Mistake
from runner.interrupts import Interrupts
from runner.study.work import runs
from runner.study.work.worker import work
from runner.tracking.mlflow import MLflow

QUADRATIC = (
    "hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd threads=1 "
    "study.confirm_seeds=0"
)
SHORT = f"{QUADRATIC} train.steps=20 train.eval_every=10"


def test_a_trial_waits_for_a_tracking_server_that_is_away(
    started, monkeypatch, capsys, statuses
) -> None:
    answers = [Mistake("tracking.uri must be a server that answers")] * 3

    def check(self: MLflow) -> None:
        if answers:
            raise answers.pop()

    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=2")
    monkeypatch.setattr(MLflow, "check", check)
    monkeypatch.setattr(runs, "_ASK_SECONDS", 0.01)
    with Interrupts() as interrupts:
        work(study, interrupts, None, None)
    assert capsys.readouterr().err == (
        "the next trial waits: tracking.uri must be a server that answers\n"
    )
    assert statuses() == {"FINISHED": 2}
