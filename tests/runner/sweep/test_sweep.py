"""A grid of runs: checked, named, ranked, repeated bit for bit, and stopped by Ctrl-C."""

import re
import signal
from pathlib import Path

import numpy as np
import pytest

from runner.config import Settings
from runner.config.command_line import expand, word
from runner.config.composer import Composer
from runner.config.request import BASIC_LAUNCHER
from runner.errors import Mistake
from runner.results.result import Result, Status
from runner.sweep.launch import Job, run_elsewhere, run_here
from runner.sweep.placing import Placing
from runner.sweep.sharing import Share
from runner.sweep.sweep import Sweep
from runner.training import devices

SMALL = "model=linear train.steps=4 train.eval_every=2 threads=1"
QUADRATIC = "model=quadratic dataset=none schedule=constant optimizer=sgd train.eval_every=10"
FRAGILE = """\
from runner.training.models import Quadratic

class Fragile(Quadratic):
    def __init__(self, breaks: bool = False):
        super().__init__()
        self.breaks, self.calls = breaks, 0

    def forward(self):
        self.calls += 1
        if self.breaks and self.calls > 5:
            raise RuntimeError("a wire came loose")
        return super().forward()
"""


def table(out: str) -> list[list[str]]:
    """The cells of each row of the ranking, at two or more spaces."""
    lines = out[out.index("\nrank") + 1 :].split("\n\n")[0].splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


def test_a_grid_is_one_experiment_with_flat_runs_named_by_what_differs(command, store) -> None:
    done = command(f"-m {SMALL} schedule=cosine,exponential seed=0,1")
    assert done.status == 0, done.err
    (experiment,) = store.experiments()
    assert re.fullmatch(r"schedule,seed \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", experiment)
    names = ["cosine seed=0", "cosine seed=1", "exponential seed=0", "exponential seed=1"]
    assert [run.info.run_name for run in store.runs()] == names
    assert not any("mlflow.parentRunId" in run.data.tags for run in store.runs())
    head, look, first = done.out.splitlines()[:3]
    assert head == f"4 jobs, experiment '{experiment}'"
    assert look.startswith(f"look      python -m runner.ui '{experiment}', then http://127.0.0.1")
    assert first == "[1/4] cosine seed=0"
    rows = table(done.out)
    assert sorted(row[1] for row in rows[1:]) == names
    accuracies = [float(row[2].removesuffix(" %")) for row in rows[1:]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert {row[-1] for row in rows[1:]} == {"FINISHED"}


def test_a_sweep_trains_what_single_runs_train(command, store) -> None:
    command(f"-m {SMALL} seed=0,1")
    command(f"{SMALL} seed=1 states=off")
    _, in_sweep, alone = (store.records(run) for run in store.runs())
    assert set(in_sweep) == set(alone)
    same = {key for key in alone if np.array_equal(in_sweep[key], alone[key])}
    assert set(alone) - same == {"time_ms"}


def test_the_printed_command_repeats_the_best_run_bit_for_bit(command, store) -> None:
    done = command(f"-m {SMALL} lr=1e-3,1e-2 schedule.floor=1e-4")
    line = re.search(r"^repeat +python -m runner (.*)$", done.out, re.MULTILINE)[1]
    assert command(line).status == 0
    best = re.search(r"^best +(.*)$", done.out, re.MULTILINE)[1]
    swept = next(run for run in store.runs() if run.info.run_name == best)
    first, again = store.records(swept), store.records(store.runs()[-1])
    assert np.array_equal(first["train/loss"], again["train/loss"])
    assert np.array_equal(first["val/loss"], again["val/loss"])
    weights = [store.file(r, "weights.safetensors").read_bytes() for r in store.runs()]
    assert weights[-1] in weights[:-1]


def test_a_run_of_a_preset_that_sweeps_is_repeated_alone(command) -> None:
    line = "+experiment=quadratic_rates train.steps=3 tracking=off threads=1"
    repeat = f"repeat    python -m runner lr=0.2 {line} hydra.mode=RUN"
    assert repeat in command(line).out.splitlines()
    alone = command(f"lr=0.2 {line} hydra.mode=RUN").out
    assert repeat in alone.splitlines()
    assert "rank" not in alone


def test_a_diverged_job_does_not_stop_the_others_and_is_no_failure(command, store) -> None:
    done = command(f"-m {QUADRATIC} lr=1.2,0.2 train.steps=200")
    assert done.status == 0
    rows = table(done.out)
    assert [row[:2] for row in rows[1:]] == [["1", "lr=0.2"], ["-", "lr=1.2"]]
    assert rows[2][-2:] == ["DIVERGED", "train/loss is inf at step 127, learning rate 1.2"]
    diverged = store.runs()[0]
    assert diverged.info.status == "FAILED"
    assert diverged.data.tags["diverged"] == rows[2][-1]
    assert len(store.history(diverged, "train/lr")) == 128


def over_seeds(out: str) -> list[list[str]]:
    """The setting and the number of seeds of each row of the table over seeds."""
    lines = out[out.index("\nover seeds") + 1 :].split("\n\n")[0].splitlines()
    return [re.split(r"\s{2,}", line)[:2] for line in lines[1:]]


def test_two_rates_of_one_name_are_two_settings(command) -> None:
    line = f"-m {QUADRATIC} train.steps=3 tracking=off tracking.run_name=one"
    done = command(f"{line} lr=0.2,0.01")
    assert [row[1] for row in table(done.out)[1:]] == ["one (lr=0.2)", "one (lr=0.01)"]
    assert "over seeds" not in done.out
    assert "\nbest      one (lr=0.2)\n" in done.out
    assert "\nnote      the best lr, 0.2, is the highest that was tried" in done.out
    done = command(f"{line} lr=0.2,0.01 seed=0,1,2")
    assert over_seeds(done.out) == [["lr=0.2", "3"], ["lr=0.01", "3"]]
    assert "\nbest      lr=0.2, by the mean of 3 seeds\n" in done.out


@pytest.mark.parametrize("name", ["", "tracking.run_name=one", "tracking.run_name='a${seed}'"])
def test_seeds_of_one_setting_are_one_row(command, name: str) -> None:
    done = command(f"-m {QUADRATIC} train.steps=3 tracking=off seed=0,1,2 {name}")
    assert over_seeds(done.out) == [["all", "3"]]
    assert "\nbest      all, by the mean of 3 seeds\n" in done.out


def test_an_experiment_beside_a_seed_is_a_setting(command) -> None:
    line = "+experiment=quadratic_rates train.steps=3 tracking=off"
    done = command(f"-m {line} lr=0.2,0.01 seed=1,2")
    assert over_seeds(done.out) == [["lr=0.2", "2"], ["lr=0.01", "2"]]


def test_a_failed_job_does_not_stop_the_others_but_the_status_is_1(
    command, store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fragile.py").write_text(FRAGILE)
    monkeypatch.syspath_prepend(tmp_path)
    line = f"{QUADRATIC} model._target_=fragile.Fragile ~model.w +model.breaks=true,false"
    done = command(f"-m {line} train.steps=20")
    assert done.status == 1
    rows = table(done.out)
    assert [row[1] for row in rows[1:]] == ["model.breaks=false", "model.breaks=true"]
    reason = f"RuntimeError: a wire came loose ({tmp_path}/fragile.py, line 11)"
    assert rows[2][-2:] == ["FAILED", reason]
    failed, finished = store.runs()
    assert (failed.info.status, finished.info.status) == ("FAILED", "FINISHED")
    assert "in forward" in store.file(failed, "traceback.txt").read_text()


def test_a_ranking_without_a_finished_run_names_no_best(command) -> None:
    done = command(f"-m {QUADRATIC} lr=1.2,1.3 train.steps=200 tracking=off")
    assert done.status == 3
    assert {row[-2] for row in table(done.out)[1:]} == {"DIVERGED"}
    assert "best" not in done.out


def test_one_job_of_a_sweep_is_named_like_a_run(command) -> None:
    done = command(f"{QUADRATIC} -m lr=0.2 train.steps=3 tracking=off")
    assert done.out.startswith("1 job\n")
    assert "lr=0.2" in table(done.out)[1][1]


def test_a_name_that_is_given_stays(command, store) -> None:
    names = "tracking.experiment=mine tracking.run_name=one"
    assert command(f"-m {QUADRATIC} lr=0.2,0.3 train.steps=3 {names}").status == 0
    assert store.experiments() == ["mine"]
    assert [run.info.run_name for run in store.runs()] == ["one", "one"]


@pytest.mark.stress
def test_two_processes_train_what_one_trains(command, shell) -> None:
    process = shell(f"-m hydra/launcher=joblib {SMALL} seed=0,1 tracking=off")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert [row[-1] for row in table(out)[1:]] == ["FINISHED"] * 2
    alone = command(f"{SMALL} seed=1 tracking=off").out.splitlines()[:2]
    assert [line for line in out.splitlines() if line.startswith("seed=1  step")] == [
        f"seed=1  {line}" for line in alone
    ]


@pytest.mark.stress
def test_two_processes_make_and_share_a_new_database(folder, shell, read_back) -> None:
    process = shell(f"-m hydra/launcher=joblib {SMALL} seed=0,1,2,3")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    runs = read_back(folder).runs()
    assert {run.info.run_name for run in runs} == {f"seed={seed}" for seed in range(4)}
    assert {run.info.status for run in runs} == {"FINISHED"}


@pytest.mark.parametrize(
    "number", [signal.SIGHUP, pytest.param(signal.SIGINT, marks=pytest.mark.stress)]
)
def test_a_signal_keeps_what_is_done_and_kills_what_runs(store, shell, number) -> None:
    process = shell(f"-m {QUADRATIC} train.steps=3,1000000,4 threads=1")
    lines = iter(process.stdout)
    next(line for line in lines if line.startswith("[2/3] train.steps=1000000"))
    next(line for line in lines if line.startswith("step "))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopping after this step (again: at once)" in err
    first, *others = table(out)[1:]
    assert (first[1], first[-1]) == ("train.steps=3", "FINISHED")
    assert [row[-1].split(" after")[0] for row in others] == ["interrupted", "not started"]
    assert {row[-2] for row in others} == {"KILLED"}
    assert [run.info.status for run in store.runs()] == ["FINISHED", "KILLED"]


def test_every_jobs_server_is_asked_before_the_first_one_starts(command, folder: Path) -> None:
    done = command(f"-m {SMALL} tracking.uri=sqlite:///mlflow.db,http://127.0.0.1:9")
    assert done.status == 2
    assert done.err.startswith("error: job 2 of 2 (tracking.uri=http://127.0.0.1:9): tracking.uri")
    assert not list(folder.iterdir())


def test_a_job_too_large_for_the_memory_is_refused(command, folder: Path, monkeypatch) -> None:
    from runner.training import models

    def too_large(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")

    monkeypatch.setattr(models.LeNet, "__init__", too_large)
    done = command("-m model=linear,lenet train.steps=1")
    assert done.status == 2
    assert done.err == (
        "error: job 2 of 2 (lenet): out of memory at train.batch_size=128; try "
        "train.batch_size=64, a smaller model, or precision=bfloat16\n"
    )
    assert not list(folder.iterdir())
    alone = command("model=lenet train.steps=1 tracking=off")
    assert (alone.status, alone.err) == (1, "")
    assert "FAILED: out of memory at train.batch_size=128" in alone.out


@pytest.mark.parametrize(
    ("launcher", "workers", "more"),
    [
        (
            {"_target_": "joblib", "n_jobs": 4},
            2,
            ["threads=4 device=cuda:0", "threads=1 device=cuda:1"],
        ),
        ({"_target_": BASIC_LAUNCHER}, 1, ["threads=8", "threads=1"]),
        ({"_target_": "submitit"}, None, ["", ""]),
    ],
    ids=["here", "one-by-one", "elsewhere"],
)
def test_jobs_are_spread_over_accelerators_and_cores(
    launcher, workers, more, folder, monkeypatch
) -> None:
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 8)
    monkeypatch.setattr(devices, "available", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(devices, "count", lambda: 2)
    composer, jobs = Composer(), []
    for seed in range(2):
        words = (word(f"seed={seed}"), word("tracking=off"))
        jobs.append(Job(f"seed={seed}", words, composer.settings(words), (8, 1)[seed]))
    order = [Share(place, frozenset()) for place in range(2)]
    at_a_time = Sweep(composer, launcher)._at_a_time(jobs)
    assert at_a_time == workers
    placed = Placing(composer, "seed", at_a_time).placed(jobs, order)
    added = [[one.text for one in job.words[2:]] for job in placed]
    assert [
        " ".join(text for text in texts if not text.startswith("tracking")) for texts in added
    ] == more
    named = [job.settings.tracking.run_name for job in placed]
    assert named == ["seed=0", "seed=1"]
    threads = [re.findall(r"threads=(\d)", text) for text in more]
    assert [job.settings.threads for job in placed] == [int(t[0]) if t else None for t in threads]


def test_each_job_gets_the_threads_that_its_model_is_worth(command, store, monkeypatch) -> None:
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 2)
    done = command("-m model=mlp model.hidden=[8],[2048,2048] train.steps=1 schedule=constant")
    assert done.status == 0, done.err
    assert [run.data.tags["threads"] for run in store.runs()] == ["1", "2"]
    for run in store.runs():
        assert run.data.tags["command"].endswith(f" threads={run.data.tags['threads']}")


def test_a_grid_composes_each_choice_of_groups_once(command, monkeypatch) -> None:
    from runner.config import composer
    from runner.config.composer import compose

    composed = []
    monkeypatch.setattr(
        composer, "compose", lambda texts, folder: composed.append(texts) or compose(texts, folder)
    )
    done = command(f"-m {QUADRATIC} lr=0.2,0.3 train.steps=2 tracking=off seed=0,1")
    assert done.status == 0, done.err
    assert len(table(done.out)) == 1 + 4
    assert len(composed) == 1


def test_a_launcher_gets_the_words_of_each_job(store) -> None:
    launched = []

    class Ended:
        return_value = Result("one", Status.FINISHED)

    def launch(batch, first):
        launched.extend(batch)
        return [Ended() for _ in batch]

    texts = [*QUADRATIC.split(), "train.steps=3", "tracking.experiment=mine", "lr=0.1,0.2"]
    launcher = {"_target_": "elsewhere.Launcher"}
    jobs = expand([word(text) for text in texts])
    assert Sweep(Composer(), launcher, launch=launch).of(jobs) == 0
    for words, lr in zip(launched, (0.1, 0.2), strict=True):
        assert words[:-3] == [*texts[:-1], f"lr={lr}", f"tracking.run_name='lr={lr}'"]
        kind, sweep, setting = words[-3:]
        assert kind == "++tracking.tags.kind=job"
        assert re.fullmatch(r"\+\+tracking\.tags\.sweep='lr \d{4}-\d\d-\d\d [\d:]{8}'", sweep)
        assert setting == f"++tracking.tags.setting='lr={lr}'"


@pytest.mark.parametrize(
    ("raised", "status", "reason"),
    [
        (Mistake("lr", "must fit"), "FAILED", "lr must fit"),
        (OSError("disk full"), "FAILED", "OSError: disk full"),
        (KeyboardInterrupt(), "KILLED", "interrupted"),
    ],
)
def test_what_a_job_raises_is_its_result(raised, status: str, reason: str) -> None:
    def run(settings):
        raise raised

    found = run_here(Job("one", (), Settings()), run)
    assert (found.name, found.status, found.reason) == ("one", status, reason)


def test_a_launcher_that_dies_fails_its_jobs() -> None:
    def launch(batch, first):
        raise RuntimeError("a worker died")

    jobs = [Job(name, (), Settings()) for name in ("a", "b")]
    found = run_elsewhere(jobs, launch, 0)
    assert [(one.name, one.reason) for one in found] == [
        ("a", "RuntimeError: a worker died"),
        ("b", "RuntimeError: a worker died"),
    ]
