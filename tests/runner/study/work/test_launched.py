"""How workers are started; those of a launcher share a study, and hear of an interrupt."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

from runner.config.command_line import word
from runner.config.composer import Composer, compose
from runner.config.request import BASIC_LAUNCHER
from runner.errors import Mistake
from runner.interrupts import Interrupts
from runner.study.queue.attributes import CUT_OFF
from runner.study.queue.storage import open_storage
from runner.study.start import start
from runner.study.work.launched import Launcher, work_launched
from runner.study.work.signs import Living, Signs
from runner.sweep.sweep import Sweep

QUADRATIC = (
    "model=quadratic dataset=none optimizer=sgd schedule=constant train.steps=8 train.eval_every=4 "
    "threads=1"
)
SEARCH = f"-m hydra/sweeper=optuna {QUADRATIC} 'lr=tag(log, interval(1e-3, 0.5))'"


def names(store: Any) -> list[str]:
    return [store.label(run) for run in store.runs()]


@pytest.mark.stress
def test_workers_of_the_joblib_launcher_share_a_study(store, shell) -> None:
    line = f"{SEARCH} study.trials=6 study.confirm_seeds=0 hydra/launcher=joblib study.workers=2"
    process = shell(line)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "6 trials: 6 complete" in out
    assert sorted(names(store)) == ["summary", *(f"trial {number}" for number in range(6))]


def test_every_job_of_another_launcher_is_a_worker(store, undrawn, capsys) -> None:
    jobs: list[list[str]] = []

    class Ended:
        return_value = None

    def launch(batch: Any, first: int) -> list[Ended]:
        jobs.extend(list(job) for job in batch)
        for job in batch:
            work_launched(compose(list(job)).study.worker, Interrupts())
        return [Ended() for _ in batch]

    words = [*QUADRATIC.split(), "lr=0.1,0.2,0.3", "study.workers=3", "study.trials=4"]
    words = [*words, "study.confirm_seeds=0", "study/sampler=grid"]
    launcher = {"_target_": "elsewhere.Launcher"}
    assert start(words, None, launch=launch, launcher=launcher) == 0
    assert len(jobs) == 3
    assert {word for job in jobs for word in job if not word.startswith("study.")} == {
        *QUADRATIC.split(),
        "study/sampler=grid",
    }
    assert all(job[-1].startswith("study.worker=") for job in jobs)
    assert "4 trials: 4 complete" in capsys.readouterr().out


def test_a_launcher_that_gives_up_is_outlived_by_its_jobs(store, undrawn, capsys) -> None:
    """Submitit raises at the first job that died, while the others work on."""

    jobs: list[threading.Thread] = []

    def launch(batch: Any, first: int) -> list[Any]:
        spec = compose(list(batch[0])).study.worker
        jobs.append(threading.Thread(target=work_launched, args=(spec, Interrupts())))
        jobs[0].start()
        raise RuntimeError("Job 17 has not produced any output")

    words = [*QUADRATIC.split(), "lr=0.1,0.2,0.3", "study.trials=4", "study.confirm_seeds=1"]
    launcher = {"_target_": "elsewhere.Launcher"}
    assert start([*words, "study.workers=2"], None, launch=launch, launcher=launcher) == 0
    jobs[0].join()
    said = capsys.readouterr()
    assert said.err == "a worker ended early: RuntimeError: Job 17 has not produced any output\n"
    assert "trained again on 1 fresh seed" in said.out


def test_a_job_whose_queue_gives_too_little_time_claims_nothing(
    store, undrawn, capsys, monkeypatch
) -> None:
    def launch(batch: Any, first: int) -> list[Any]:
        spec = compose(list(batch[0])).study.worker
        address, name, *_ = json.loads(spec)
        study = optuna.load_study(study_name=name, storage=open_storage(address))
        study.set_user_attr(CUT_OFF, [90.0, 1000.0])  # as a job that a limit stopped has said
        monkeypatch.setenv("SLURM_JOB_END_TIME", str(time.time() + 100))
        work_launched(spec, Interrupts())
        return []

    words = [*QUADRATIC.split(), "lr=0.1,0.2", "states=off", "study.heartbeat_seconds=1"]
    launcher = {"_target_": "elsewhere.Launcher"}
    assert start([*words, "study.workers=2"], None, launch=launch, launcher=launcher) == 1
    line = "a worker ended early: Mistake: the queue's time limit must be longer than a trial, got "
    assert capsys.readouterr().err.startswith(line)
    assert store.runs() == []


def test_jobs_elsewhere_hear_of_an_interrupt_by_the_storage(
    store, undrawn, capsys, eventually
) -> None:
    def interrupt() -> None:
        eventually(store.runs)
        os.kill(os.getpid(), signal.SIGINT)

    def launch(batch: Any, first: int) -> list[Any]:
        threading.Thread(target=interrupt).start()
        work_launched(compose(list(batch[0])).study.worker, Interrupts())
        return []

    line = f"{QUADRATIC} train.steps=2000000 study.trials=2"
    words = [*line.split(), "lr=0.1,0.2"]
    launcher = {"_target_": "elsewhere.Launcher"}
    assert start(words, None, launch=launch, launcher=launcher) == 130
    assert "interrupted; the same command goes on" in capsys.readouterr().out
    assert {run.info.status for run in store.runs()} == {"KILLED"}


def test_a_worker_that_fails_elsewhere_is_told_of(store, undrawn, capsys) -> None:
    class Failed:
        @property
        def return_value(self) -> None:
            raise RuntimeError("the node is gone")

    words = [*QUADRATIC.split(), "lr=0.1,0.2", "study.trials=2", "study.confirm_seeds=0"]
    launcher = {"_target_": "elsewhere.Launcher"}
    assert start(words, None, launch=lambda *_: [Failed()], launcher=launcher) == 1
    assert "worker 1 ended early: RuntimeError: the node is gone\n" in capsys.readouterr().err


GONE = "all 2 workers are gone, as far as the study says; the same command goes on\n"
ENDED = "no worker trains any more, and not all is trained; the same command goes on\n"


@pytest.mark.parametrize(("come", "seconds", "said"), [(2, 10, GONE), (1, 3, ENDED)])
def test_a_start_ends_where_all_workers_have_come_and_are_gone(
    store, undrawn, capsys, monkeypatch, come: int, seconds: float, said: str
) -> None:
    """A queue that has killed its jobs may say so never."""
    ended = threading.Event()

    def died(*_: Any) -> None:
        raise RuntimeError("killed")

    def launch(batch: Any, first: int) -> list[Any]:
        spec = compose(list(batch[0])).study.worker
        for _ in range(come):
            with pytest.raises(RuntimeError, match="killed"):
                work_launched(spec, Interrupts())
        ended.wait(seconds)
        return []

    monkeypatch.setattr("runner.study.work.launched.work", died)
    words = [*QUADRATIC.split(), "lr=0.1,0.2", "study.trials=2", "study.confirm_seeds=0"]
    words += ["study.workers=2", "study.heartbeat_seconds=1"]
    assert start(words, None, launch=launch, launcher={"_target_": "elsewhere.Launcher"}) == 1
    ended.set()
    assert capsys.readouterr().err == said


def test_a_study_with_nothing_to_confirm_is_said_to_be_over(store, undrawn, capsys) -> None:
    def launch(batch: Any, first: int) -> list[Any]:
        work_launched(compose(list(batch[0])).study.worker, Interrupts())
        return []

    words = [*QUADRATIC.split(), "lr=interval(0.1,0.2)", "study.trials=1", "study.workers=2"]
    words += ["study.heartbeat_seconds=1"]
    assert start(words, None, launch=launch, launcher={"_target_": "elsewhere.Launcher"}) == 0
    assert "not all is trained" not in capsys.readouterr().err


def test_a_study_that_failed_is_not_said_to_have_lost_its_workers(
    store, undrawn, capsys, own_module
) -> None:
    own_module(
        "crashes_elsewhere",
        "from runner.training.models import Quadratic\n"
        "class Crashes(Quadratic):\n"
        "    calls = 0\n"
        "    def forward(self):\n"
        "        self.calls += 1\n"
        "        if self.calls > 5:\n"
        "            raise RuntimeError('no')\n"
        "        return super().forward()\n",
    )

    def launch(batch: Any, first: int) -> list[Any]:
        work_launched(compose(list(batch[0])).study.worker, Interrupts())
        return []

    words = [*QUADRATIC.split(), "model=crashes_elsewhere.Crashes", "lr=0.1,0.2", "study.trials=2"]
    words += ["study.workers=2", "study.max_failures=0", "study.confirm_seeds=0"]
    assert start(words, None, launch=launch, launcher={"_target_": "elsewhere.Launcher"}) == 1
    assert "not all is trained" not in capsys.readouterr().err


def test_workers_that_live_are_waited_for(store, folder) -> None:
    study = optuna.create_study()
    living = Living(study, "start", 2, seconds=0.6)

    def found(seconds: float) -> bool:
        until = time.monotonic() + seconds
        answers = []
        while time.monotonic() < until:
            answers.append(living.all_gone())
            time.sleep(0.05)
        return any(answers)

    with Signs(study, "start", 0.6), Signs(study, "start", 0.6):
        assert not found(1.5)
    Signs(study, "another", 0.6)  # of another start
    assert found(3.0)
    with Signs(study, "start", 0.6) as third:  # one that was queued again
        time.sleep(0.3)
        assert not living.all_gone()
        assert not found(1.0)
        third.comes_back()
    assert found(1.5)  # two others have been silent for long


def test_a_worker_that_its_queue_begins_again_is_waited_for(store, folder) -> None:
    study = optuna.create_study()
    living = Living(study, "start", 2, seconds=0.4)
    gone: list[bool] = []

    def look(seconds: float) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            gone.append(living.all_gone())
            time.sleep(0.05)
        return any(gone)

    with Signs(study, "start", 0.4) as first, Signs(study, "start", 0.4):
        assert not look(0.5)
        first.comes_back()  # the time that its queue gave is over
    assert not look(1.5)
    with Signs(study, "start", 0.4):
        assert not look(0.5)
    assert look(1.5)


PLUGINS = "hydra_plugins.hydra"


@pytest.mark.parametrize(
    ("config", "is_here"),
    [
        ({"_target_": BASIC_LAUNCHER}, True),
        ({"_target_": "hydra_plugins.hydra_joblib_launcher.JoblibLauncher", "n_jobs": 2}, True),
        ({"_target_": f"{PLUGINS}_submitit_launcher.submitit_launcher.LocalLauncher"}, True),
        ({"_target_": f"{PLUGINS}_submitit_launcher.submitit_launcher.SlurmLauncher"}, False),
        ({"_target_": f"{PLUGINS}_ray_launcher.ray_launcher.RayLauncher"}, True),
        (
            {
                "_target_": f"{PLUGINS}_ray_launcher.ray_launcher.RayLauncher",
                "ray": {"init": {"address": "auto"}},
            },
            False,
        ),
    ],
)
def test_a_launcher_keeps_workers_here_or_sends_them_away(config: dict[str, Any], is_here) -> None:
    launcher = Launcher(lambda *_: [], config)
    assert launcher.is_here == is_here
    assert launcher.is_pool == (config["_target_"] == BASIC_LAUNCHER)


def test_workers_that_would_wait_for_each_other_are_refused() -> None:
    launcher = Launcher(lambda *_: [], {"_target_": "some.JoblibLauncher", "n_jobs": 2})
    launcher.check(2)
    with pytest.raises(Mistake, match=r"n_jobs must be at least study.workers, got 2 and 3"):
        launcher.check(3)


def test_slurm_is_refused_where_there_is_none(store, undrawn, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    launcher = {"_target_": "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher"}
    words = [*QUADRATIC.split(), "lr=0.1,0.2", "study.trials=2"]
    with pytest.raises(Mistake, match="submitit_slurm must be started where Slurm is"):
        start(words, None, launch=lambda *_: [], launcher=launcher)
    with pytest.raises(Mistake, match="submitit_slurm must be started where Slurm is"):
        Sweep(Composer(), launcher, launch=lambda *_: []).of([(word("seed=0"),)])
    assert store.experiments() == []
    assert not list(Path.cwd().glob("optuna.db*"))
