"""What a person sees: help, the summary of a run, its record, and Ctrl-C."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.__main__ import main

QUADRATIC = "model=quadratic dataset=none schedule=constant optimizer=sgd"
HEAVY = ("torch", "mlflow", "pandas", "matplotlib")


def test_help_shows_groups_and_examples_and_loads_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys\nfrom runner.__main__ import main\nstatus = main(['--help'])\n"
        f"print(status, [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *text, last = done.stdout.splitlines()
    assert last == "0 []"
    assert "schedule: clamp, constant, cosine, cosine_restarts, cyclic," in (done.stdout)
    assert [line for line in text if line.startswith("  python -m runner ")] == [
        "  python -m runner schedule=cosine warmup=linear warmup.fraction=0.1 lr=3e-3",
        "  python -m runner -m schedule=exponential,polynomial,cosine seed=0,1,2",
        "  python -m runner +experiment=bert_recipe",
        "  python -m runner study=boundaries study.workers=2 study.trials=40",
        "  python -m runner -m hydra/sweeper=optuna 'lr=tag(log, interval(1e-4, 1e-1))' "
        "study.trials=30",
    ]
    for group in ("clipping", "dataset", "experiment", "model", "optimizer", "study", "warmup"):
        assert any(line.startswith(f"{group}: ") for line in text)
    assert list(folder.iterdir()) == []


def test_the_configuration_can_be_printed(command, folder: Path) -> None:
    done = command("--cfg job schedule=cosine lr=0.1")
    assert done.status == 0
    assert "schedule:\n  _target_: schedules.Cosine\n  lr: ${lr}\n" in done.out
    assert list(folder.iterdir()) == []


def test_a_run_prints_its_evaluations_and_a_summary(command, store) -> None:
    done = command(f"{QUADRATIC} lr=0.2 train.steps=3 train.eval_every=1")
    assert done.status == 0
    (run,) = store.runs()
    home = "http://127.0.0.1:5000/#/experiments"
    assert done.out.splitlines() == [
        "step 1  epoch 1       lr 0.2        val loss 12.96    param w 2.6",
        "step 2  epoch 2       lr 0.2        val loss 4.666    param w 1.16",
        "step 3  epoch 3       lr 0.2        val loss 1.68     param w 0.296",
        "val loss 1.68",
        f"recorded  run {run.info.run_id} in experiment 'runs', sqlite:///mlflow.db",
        f"look      python -m runner.ui, then {home}/1/runs/{run.info.run_id}"
        "/model-metrics?workflowType=machine_learning",
        f"compare   python -m runner.ui runs, then {home}/1/runs"
        "?workflowType=machine_learning&compareRunsMode=CHART&viewStateShareKey=runs",
        f"picture   mlartifacts/{run.info.run_id}/artifacts/trace.png",
        f"repeat    python -m runner {QUADRATIC} lr=0.2 train.steps=3 train.eval_every=1 threads=1",
    ]
    assert done.err == ""


def test_a_run_leaves_all_that_repeats_it(command, store) -> None:
    assert command("model=linear train.steps=3 lr=0.05 seed=7 clipping=norm").status == 0
    (run,) = store.runs()
    wanted = {"model": "linear", "lr": "0.05", "seed": "7", "clipping.max_norm": "1.0"}
    assert wanted.items() <= run.data.params.items()
    assert run.data.params["schedule"] == "exponential"
    tags = {"device": "cpu", "threads": "1", "version.python": sys.version.split()[0]}
    assert tags.items() <= run.data.tags.items()
    assert run.data.tags["command"].endswith("lr=0.05 seed=7 clipping=norm threads=1")
    assert len(run.data.tags["fingerprint"]) == 64
    assert run.info.run_name == "linear train.steps=3 lr=0.05 seed=7 norm"
    names = {file.path for file in store.client.list_artifacts(run.info.run_id)}
    files = {"config.yaml", "recipe.json", "records.npz", "trace.csv", "trace.png"}
    files |= {"weights.safetensors"}
    assert names == files
    lr = store.history(run, "train/lr")
    assert list(lr.values()) == store.records(run)["train/lr"].tolist()
    rows = store.file(run, "trace.csv").read_text().splitlines()
    assert rows == ["step,lr", *(f"{step},{rate!r}" for step, rate in lr.items())]
    assert "seed: 7" in store.file(run, "config.yaml").read_text()


def test_the_resolved_configuration_holds_no_references(command, store) -> None:
    assert command(f"{QUADRATIC} lr=0.25 train.steps=1").status == 0
    (run,) = store.runs()
    assert "${" not in store.file(run, "config.yaml").read_text()
    assert run.data.params["lr"] == "0.25"
    assert "lr: 0.25\nseed" in store.file(run, "config.yaml").read_text()


def test_without_tracking_and_states_nothing_is_written(command, folder: Path) -> None:
    done = command(f"{QUADRATIC} lr=0.2 train.steps=3 tracking=off states=off")
    assert done.status == 0
    assert "recorded" not in done.out
    assert list(folder.rglob("*")) == []


def test_a_run_that_diverges_ends_with_3_and_is_recorded_up_to_there(command, store) -> None:
    done = command(f"{QUADRATIC} lr=1.2 train.steps=200 train.eval_every=200")
    assert done.status == 3
    assert "DIVERGED: train/loss is inf at step 127, learning rate 1.2" in done.out.splitlines()
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    assert run.data.tags["diverged"] == "train/loss is inf at step 127, learning rate 1.2"
    assert list(store.history(run, "train/lr")) == list(range(128))


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.stress)]
)
def test_ctrl_c_ends_a_run_as_killed_with_all_its_records(store, shell, number) -> None:
    process = shell(f"{QUADRATIC} lr=1e-6 train.steps=1000000 train.eval_every=100 threads=1")
    next(line for line in process.stdout if line.startswith("step "))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err == "\nstopping after this step (again: at once)\n"
    done = int(re.search(r"^KILLED: interrupted after (\d+) steps$", out, re.MULTILINE)[1])
    (run,) = store.runs()
    assert run.info.status == "KILLED"
    assert list(store.history(run, "train/lr")) == list(range(done))
    assert len(store.records(run)["train/lr"]) == done >= 100


def test_a_closed_terminal_ends_a_run_as_a_signal_does(store, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    words = f"{QUADRATIC} lr=1e-6 train.steps=1000000 train.eval_every=100 threads=1".split()
    command = ["setsid", "--ctty", sys.executable, "-m", "runner", *words]
    ours, its = pty.openpty()
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup's tests hear none
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its)
    signal.signal(signal.SIGHUP, before)
    os.close(its)
    seen = b""
    while seen.count(b"step ") < 20:
        seen += os.read(ours, 10_000)
    os.close(ours)
    try:
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
    assert not re.search(rb"\x1b\[[\d;]*m", seen)  # no colours
    assert re.search(rb"step     100 .*  param w 4\.\d+\r\n", seen)  # and no line is cut
    (run,) = store.runs()
    assert run.info.status == "KILLED"
    assert len(store.records(run)["train/lr"]) == len(store.history(run, "train/lr")) >= 100


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"-m {QUADRATIC} lr=0.1,0.2 seed=0,1", " +- "),
        (
            f"-m hydra/sweeper=optuna {QUADRATIC} lr=0.1,0.2 study/sampler=grid study.trials=2 "
            "study.baseline=false study.confirm_seeds=2",
            "mean +- deviation",
        ),
    ],
)
def test_a_terminal_without_such_letters_shows_the_last_table(
    line: str, shown: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
        monkeypatch.setattr(sys, name, stream)
    assert main(f"{line} train.steps=2 threads=1 tracking=off".split()) == 0
    assert shown in sys.stdout.buffer.getvalue().decode("ascii")


@pytest.mark.stress
def test_a_full_disk_behind_the_output_costs_no_record(store, folder: Path) -> None:
    shell = f"{sys.executable} -m runner {QUADRATIC} threads=1 train.steps=3 >/dev/full 2>&- <&-"
    assert subprocess.run(["bash", "-c", shell]).returncode == 0
    (run,) = store.runs()
    assert run.info.status == "FINISHED"
    assert len(store.records(run)["train/lr"]) == len(store.history(run, "train/lr")) == 3


def test_a_sweep_ends_quietly_where_its_reader_leaves(folder: Path) -> None:
    words = "tracking=off threads=1 train.steps=3 lr=0.1,0.2 seed=0,1"
    shell = f"{sys.executable} -m runner -m {QUADRATIC} {words} | head -2; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert done.stdout == "4 jobs\n[1/4] lr=0.1 seed=0\n0\n"
    assert done.stderr == ""


def test_names_with_escape_codes_are_shown_as_text(command, store, folder: Path) -> None:
    (own := folder / "own" / "schedule").mkdir(parents=True)
    (own / "red\x1b[31m.yaml").write_text("_target_: schedules.Constant\nlr: 0.1\n")
    done = command("--config-dir own --help")
    assert "red\\x1b[31m" in done.out
    assert "\x1b" not in done.out
    done = command(f"{QUADRATIC} lr=0.1 train.steps=1 'tracking.experiment=\"a\x1b[2Jb\"'")
    assert "in experiment 'a\\x1b[2Jb'" in done.out
    assert "\x1b" not in done.out


def test_a_name_that_is_too_long_is_refused_by_its_key(command, folder: Path) -> None:
    done = command(f"{QUADRATIC} tracking.experiment={'a' * 3000}")
    line = "error: tracking.experiment must have at most 250 bytes, got 3,000\n"
    assert (done.status, done.out, done.err) == (2, "", line)
    assert list(folder.iterdir()) == []


def test_ctrl_c_while_things_load_leaves_nothing(shell) -> None:
    process = shell("model=mlp train.epochs=300")
    time.sleep(1.0)  # Hydra has composed, PyTorch and MLflow load for seconds
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert err == "interrupted\n"
    assert not list(Path.cwd().iterdir())


def test_an_interrupt_while_hydra_composes_is_no_failure(command, folder, monkeypatch) -> None:
    def compose(*given: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt as error:
            raise ValueError("not a configuration") from error

    monkeypatch.setattr("runner.config.composer.compose", compose)
    done = command(QUADRATIC)
    assert (done.status, done.out, done.err) == (130, "", "interrupted\n")
    assert not list(folder.iterdir())


def test_a_model_that_fails_shows_its_traceback_and_keeps_it(command, store, monkeypatch) -> None:
    from runner.training.models import Quadratic

    calls: list[int] = []

    def forward(self: Quadratic) -> object:
        calls.append(1)
        if len(calls) > 3:
            raise RuntimeError("a wire came loose")
        return (self.w + 1) ** 2

    monkeypatch.setattr(Quadratic, "forward", forward)
    done = command("model=quadratic dataset=none optimizer=sgd lr=0.1 train.steps=9")
    assert done.status == 1
    reason = r"RuntimeError: a wire came loose \(\S+\.py, line \d+\)"
    assert re.search(rf"^FAILED: {reason}$", done.out, re.MULTILINE)
    assert "in forward\n    raise RuntimeError" in done.err
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    assert re.fullmatch(reason, run.data.tags["reason"])
    (kept,) = Path.cwd().rglob("traceback.txt")
    assert "a wire came loose" in kept.read_text()


WAITS = (
    "import os, sys, runner.__main__; assert 'torch' not in sys.modules; "
    "import subprocess; "
    "subprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"OMP_WAIT_POLICY\"])'])"
)


@pytest.mark.parametrize(("given", "found"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_as_a_person_says_or_without_spinning(given: str | None, found: str) -> None:
    others = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    env = others | ({"OMP_WAIT_POLICY": given} if given else {})
    done = subprocess.run([sys.executable, "-c", WAITS], capture_output=True, text=True, env=env)
    assert done.stdout == f"{found}\n", done.stderr
