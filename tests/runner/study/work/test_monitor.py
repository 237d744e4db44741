"""What the process that was started prints of its study, and whose trials it queues again."""

from runner.study.queue import attributes
from runner.study.queue.claim import claim
from runner.study.queue.heartbeat import FEW_WORKERS
from runner.study.work import monitor
from runner.study.work.monitor import Monitor

SHORT = (
    "hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd threads=1 "
    "tracking=off train.steps=4 study.trials=3 'lr=tag(log, interval(1e-3, 0.5))'"
)


def test_each_end_is_one_line_and_what_ended_before_is_none(started, capsys) -> None:
    study = started(SHORT)
    claim(study).end({}, [4.0])
    with Monitor(study):
        claim(study).end({}, [2.0])
        claim(study).end({"failed": True, "reason": "a wire"}, None, attributes.TrialState.FAIL)
    second, third = capsys.readouterr().out.splitlines()
    assert second.startswith("[2/3] trial 1  val loss 2 ")
    assert "a wire" in third
    assert "trial 2" in third


def test_it_looks_on_meanwhile(started, capsys, eventually, monkeypatch) -> None:
    monkeypatch.setattr(monitor, "LOOK_SECONDS", 0.05)
    study = started(SHORT)
    with Monitor(study):
        claim(study).end({}, [2.0])
        eventually(lambda: "[1/3] trial 0" in capsys.readouterr().out)


def test_a_trial_of_a_dead_worker_is_queued_again_and_said(started, capsys) -> None:
    study = started(SHORT)
    own = claim(study)
    with own:
        sign = study.trials[0].user_attrs[attributes.WORKER]
    own.store(attributes.WORKER, {**sign, "began": sign["began"] + 100})
    with Monitor(study):
        pass
    assert capsys.readouterr().out == "the worker of trial 0 is gone; queued again\n"
    assert study.trials[-1].user_attrs[attributes.RETRY_OF] == 0


def test_crashes_count_from_this_start(started) -> None:
    study = started(SHORT)
    failed = {"failed": True, "reason": "a wire"}
    claim(study).end(failed, None, attributes.TrialState.FAIL)
    with Monitor(study) as looking:
        claim(study).end(failed, None, attributes.TrialState.FAIL)
    assert looking.crashes() == 1
    assert study.user_attrs[attributes.EARLIER_CRASHES] == 1


def test_beside_many_workers_it_looks_less_often(started) -> None:
    study = started(SHORT)
    with Monitor(study) as looking:
        few = looking._pause_seconds()
        for _ in range(100):
            study.ask()
        looking._look()
        assert looking._pause_seconds() == few * 100 / FEW_WORKERS
