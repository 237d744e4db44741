"""A script that the runner starts and that asks for its run, to its record."""

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors.torch import load_file

from runner.errors import Mistake
from runner.training.attached.attach import attach

PYTHON = sys.executable
SQUARE = """\
import sys
import numpy
import torch
from runner.api import attach

run = attach()
start = float(sys.argv[1]) if sys.argv[1:] else run.keys.get("start", 5.0)
w = torch.nn.ParameterDict({"w": torch.full((), start)})
optimizer = torch.optim.SGD(w.parameters(), lr=run.lr)
run.keep(w)
for step in run.steps():
    run.set_rate(optimizer)
    optimizer.zero_grad()
    loss = w["w"] ** 2
    loss.backward()
    optimizer.step()
    run.log(loss=loss)
    if run.evaluates:
        run.report(val_loss=w["w"] ** 2, val_accuracy=1 / (1 + w["w"] ** 2))
if run.tests():
    run.report(test_loss=w["w"] ** 2)
(run.folder / "end.txt").write_text(f"{run.step} {run.seed} {numpy.random.default_rng().random()}")
"""
ENDS = {
    "hello.py": "print('hello')",
    "raises.py": "from runner.api import attach\nrun = attach()\nfor step in run.steps():\n"
    "    run.lr\n    if step == 3:\n        raise ValueError('a wire is loose')",
    "is_killed.py": "import os\nfrom runner.api import attach\nrun = attach()\n"
    "for step in run.steps():\n    run.lr\n    if step == 3:\n        os.kill(os.getpid(), 9)",
    "diverges.py": "from runner.api import attach\nrun = attach()\nfor step in run.steps():\n"
    "    run.lr\n    run.log(loss=float('nan') if step == 5 else 1.0)",
    "leaves.py": "from runner.api import attach\nrun = attach()\nfor step in run.steps():\n"
    "    run.lr\n    if run.evaluates:\n        run.report(val_loss=1.0)\nraise SystemExit(4)",
    "ignores.py": "from runner.api import attach\nrun = attach()\nfor step in run.steps():\n"
    "    if run.evaluates:\n        run.report(val_loss=1.0)",
    "hangs.py": "import time\nfrom runner.api import attach\nrun = attach()\n"
    "print('evaluated', flush=True)\ntime.sleep(600)",
    "words.py": "import json, sys\nfrom runner.api import attach\nrun = attach()\n"
    "for step in run.steps():\n    run.lr\n    if run.evaluates:\n"
    "        run.report(val_loss=1.0)\n"
    "(run.folder / 'words.json').write_text(json.dumps(sys.argv[1:]))",
    "slow.py": "import time\nfrom pathlib import Path\nfrom runner.api import attach\n"
    "run = attach()\nfor step in run.steps():\n    run.lr\n    time.sleep(0.01)\n"
    "    run.log(loss=1.0)\n    if run.evaluates:\n        run.report(val_loss=1.0)\n"
    "        print('evaluated', flush=True)\nPath('went_on').write_text(str(run.step))",
}
KEEPS = """\
import torch
from runner.api import attach

class Stuck(torch.nn.Linear):
    def load_state_dict(self, state_dict):
        raise RuntimeError("it is stuck")

class Empty:
    def state_dict(self):
        return None
    def load_state_dict(self, state_dict):
        pass

run = attach()
run.keep({"stuck": lambda: Stuck(1, 1), "empty": Empty}[run.keys["model"]]())
for step in run.steps():
    run.lr
    if run.evaluates:
        run.report(val_loss=1.0 + step)
"""
LINE = "train.steps=20 schedule=cosine lr=0.1 threads=1"


@pytest.fixture(autouse=True)
def scripts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts in the working folder."""
    Path("square.py").write_text(SQUARE)
    for name, text in ENDS.items():
        Path(name).write_text(text)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


def test_a_script_is_a_run_to_its_record(command, store, by_hand) -> None:
    done = command(f"{LINE} -- {PYTHON} square.py 4.0")
    assert done.status == 0, done.err
    (run,) = store.runs()
    rates = [0.05 * (1 + np.cos(np.pi * t / 20)) for t in range(20)]
    recorded = store.history(run, "train/lr")
    assert list(recorded.values()) == pytest.approx(rates, rel=1e-12)
    weights = by_hand(list(recorded.values()), 4.0)
    losses = store.history(run, "train/loss")
    assert list(losses.values()) == [float(np.float32(w) ** 2) for w in [4.0, *weights[:-1]]]
    assert run.data.metrics["test/loss"] == float(np.float32(weights[-1]) ** 2)
    assert store.history(run, "val/loss").keys() == {4, 8, 12, 16, 20}
    kept = load_file(store.file(run, "weights.safetensors"))
    assert kept["w"].item() == weights[-1]
    assert store.file(run, "files/end.txt").read_text().startswith("20 0 ")
    assert json.loads(run.data.params["loop.command"]) == [PYTHON, "square.py", "4.0"]
    assert run.info.run_name == "train.steps=20 cosine lr=0.1 square.py"
    repeat = re.search(r"^repeat +python -m runner (.*)$", done.out, re.MULTILINE)[1]
    assert repeat == f"{LINE} -- {PYTHON} square.py 4.0"
    command(repeat)
    assert store.history(store.runs()[1], "train/loss") == losses
    again = store.file(store.runs()[1], "files/end.txt").read_text()
    assert again == store.file(run, "files/end.txt").read_text()


@pytest.mark.parametrize(
    ("model", "keep", "why"),
    [("stuck", "best", "RuntimeError: it is stuck"), ("empty", "last", "TypeError")],
)
def test_a_model_that_cannot_be_kept_fails_the_run_not_its_record(
    command, store, model, keep, why
) -> None:
    Path("keeps.py").write_text(KEEPS)
    done = command(f"{LINE} train.keep={keep} loop.model={model} -- {PYTHON} keeps.py")
    assert done.status == 1
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    reason = run.data.tags["reason"]
    assert "\n" not in reason
    assert reason.startswith(f"the model does not give its weights and take them back: {why}")
    assert len(store.file(run, "trace.csv").read_text().splitlines()) == 1 + 20


def test_the_best_weights_are_kept_and_tested_where_they_are_wanted(command, store) -> None:
    done = command(
        f"train.steps=20 schedule=constant lr=1.01 train.keep=best -- {PYTHON} square.py"
    )
    assert done.status == 0, done.err
    (run,) = store.runs()
    found = store.history(run, "val/loss")
    best = min(found, key=found.get)
    assert best < 20
    assert run.data.tags["kept_step"] == str(best)
    kept = load_file(store.file(run, "weights.safetensors"))["w"].item()
    assert float(np.float32(kept) ** 2) == run.data.metrics["test/loss"] == found[best]


@pytest.mark.stress
def test_keys_fill_their_places_and_are_in_the_run(command, store) -> None:
    done = command(f"-m {LINE} loop.start=2.0,3.0 -- {PYTHON} square.py {{start}}")
    assert done.status == 0, done.err
    first = {
        run.data.params["loop.start"]: store.history(run, "train/loss")[0] for run in store.runs()
    }
    assert first == {"2.0": 4.0, "3.0": 9.0}
    assert f"repeat    python -m runner {LINE}".replace(" threads=1", "") in done.out
    assert done.out.count(f"-- {PYTHON} square.py '{{start}}'") == 1
    assert command(f"{LINE} loop.start=6.0 -- {PYTHON} square.py").status == 0
    last = next(run for run in store.runs() if run.data.params["loop.start"] == "6.0")
    assert store.history(last, "train/loss")[0] == 36.0


def test_words_reach_the_script_as_they_are_and_so_does_the_command_that_repeats(
    command, store
) -> None:
    words = [
        "${oc.env:NOPE}",
        "\\${x}",
        "\\\\${x}",
        "a\\",
        'it\'s "q"',
        "",
        "{a: [1, 2]}",
        "--",
        "ü",
    ]
    done = command(f"{LINE} -- {PYTHON} words.py {shlex.join(words)}")
    assert done.status == 0, done.err
    (run,) = store.runs()
    assert json.loads(store.file(run, "files/words.json").read_text()) == words
    repeat = re.search(r"^repeat +python -m runner (.*)$", done.out, re.MULTILINE)[1]
    assert shlex.split(repeat)[-len(words) :] == words


def test_a_schedule_that_listens_hears_the_script(command, store) -> None:
    line = "train.steps=40 schedule=plateau schedule.patience=1 lr=1.0 train.eval_every=4 threads=1"
    assert command(f"{line} -- {PYTHON} square.py").status == 0  # w -> -w: no better, so a cut
    (run,) = store.runs()
    rates = store.history(run, "train/lr")
    assert rates[0] == 1.0
    assert rates[39] < 1.0


@pytest.mark.parametrize(
    ("name", "status", "why"),
    [
        ("hello.py", 1, "FAILED: the script ends with status 0 without a call of runner.api."),
        ("raises.py", 1, "FAILED: ValueError: a wire is loose (raises.py, line 6)"),
        ("is_killed.py", 1, "FAILED: the script is killed by SIGKILL"),
        ("diverges.py", 3, "DIVERGED: train/loss is nan at step 5, learning rate"),
        ("leaves.py", 1, "FAILED: the script ends with status 4"),
        ("ignores.py", 1, "FAILED: step 0 takes no rate: the loop must ask"),
    ],
)
def test_how_a_script_ends_is_how_its_run_ends(name, status, why, command, store) -> None:
    done = command(f"{LINE} -- {PYTHON} {name}")
    assert (done.status, why in done.out) == (status, True), done.out
    (run,) = store.runs()
    assert run.data.tags["status"] == why.partition(":")[0]
    steps = {"raises.py": 3, "diverges.py": 6, "leaves.py": 20}.get(name)
    if steps:
        assert len(store.history(run, "train/lr")) == steps
    if name == "raises.py":
        told = store.file(run, "traceback.txt").read_text()
        assert told.startswith('Traceback (most recent call last):\n  File "')
        assert "attach.py" not in told
        assert "a wire is loose" in told


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("train.steps=9 --", "-- must stand before a command that runs your script, got nothing"),
        ("train.steps=9 -- pyton x.py", "a program that can be started, got 'pyton'"),
        (
            f"train.steps=9 -- {PYTHON} x.py",
            "-- must stand before a script that is there, got 'x.py'",
        ),
        (
            f"model=mlp -- {PYTHON} square.py",
            f"left out beside -- {PYTHON} square.py, got mlp",
        ),
        (f"train.epochs=2ep -- {PYTHON} square.py", "train.epochs must be a number"),
        (f"warmup=linear warmup.steps=1ep -- {PYTHON} square.py", "give train.steps_per_epoch"),
        (f"loop=runner.run.run -- {PYTHON} square.py", "loop must be left out beside a script"),
        ("loop.command=3 train.steps=9", "loop.command must be a list of words, got 3"),
        (
            f"{LINE} schedule.function=__main__.rate -- {PYTHON} square.py".replace(
                "cosine", "function"
            ),
            "__main__ must be left out beside a script, which has another one; put",
        ),
    ],
)
def test_what_cannot_be_started_is_one_line_and_leaves_nothing(line, why, command, folder) -> None:
    before = set(folder.iterdir())
    done = command(line)
    assert (done.status, done.out) == (2, "")
    assert why in done.err
    assert len(done.err.splitlines()) == 1
    assert set(folder.iterdir()) == before


def test_without_the_runner_a_script_is_told_how_it_is_started() -> None:
    attach.cache_clear()
    with pytest.raises(Mistake, match=r"needs a script that the runner starts; python -m runner"):
        attach()


def wait_for(process: "subprocess.Popen[str]", text: str) -> None:
    assert any(text in line for line in process.stdout), text


def scripts_of(process: "subprocess.Popen[str]") -> list[int]:
    """The processes that it has started, but for its helper."""
    found = psutil.Process(process.pid).children(recursive=True)
    return [one.pid for one in found if "runner.helper" not in " ".join(one.cmdline())]


@pytest.mark.stress
def test_ctrl_c_ends_after_the_step_and_the_script_goes_on_to_its_end(shell, store) -> None:
    process = shell(f"train.steps=2000 -- {PYTHON} slow.py")
    wait_for(process, "step")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    steps = int(re.search(r"KILLED: interrupted after (\d+) steps", out)[1])
    assert 0 < steps < 2000
    assert Path("went_on").read_text() == str(steps)
    (run,) = store.runs()
    assert len(store.history(run, "train/lr")) == steps


@pytest.mark.stress
@pytest.mark.parametrize(("name", "ends"), [("hangs.py", "insists"), ("slow.py", "killed")])
def test_no_script_outlives_its_runner(name, ends, shell, eventually) -> None:
    process = shell(f"train.steps=2000 -- {PYTHON} {name}")
    wait_for(process, "evaluated")
    (script,) = scripts_of(process)
    if ends == "killed":
        process.kill()
    else:
        process.send_signal(signal.SIGINT)
        assert any("(again: at once)" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    eventually(lambda: not psutil.pid_exists(script))


@pytest.mark.stress
@pytest.mark.timeout(500)
def test_a_study_of_a_script_prunes_and_answers(shell, store) -> None:
    line = (
        f"study=schedule {LINE} study.trials=5 study.workers=2 study.confirm_seeds=2 threads=null "
        f"study/pruner=median study.pruner.n_startup_trials=1 'loop.start=choice(2,3)' "
        f"-- {PYTHON} square.py '{{start}}'"
    )
    process = shell(line.replace("lr=0.1 ", ""))
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    assert "5 trials:" in out
    assert "trained again on 2 fresh seeds" in out
    trials = [run for run in store.runs() if "loop.start" in run.data.params]
    assert {run.data.params["loop.start"] for run in trials} == {"2", "3"}
    for run in (one for one in trials if store.label(one) != "summary"):
        first = store.history(run, "train/loss")[0]
        assert first == float(run.data.params["loop.start"]) ** 2
    best = re.search(r"^or +python -m runner (.*)$", out, re.MULTILINE)
    again = shell(best[1])
    assert again.communicate(timeout=60)[0]
    assert again.returncode == 0


TWO = """\
import json
import os
import sys
import torch
import torch.distributed as dist
from torch import nn
from runner.api import attach

rank = int(os.environ["RANK"])
store = "file://" + os.environ["STORE"]
if sys.argv[1:] != ["late"]:
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
run = attach()
x = torch.randn(96, 4)
y = x.sum(1, keepdim=True)
net = nn.Linear(4, 1)
run.keep(net)
model = nn.parallel.DistributedDataParallel(net)
optimizer = torch.optim.SGD(model.parameters(), lr=run.lr)
mine = slice(rank * 48, rank * 48 + 48)
rates, stops = [], []
for step in run.steps():
    run.set_rate(optimizer)
    rates.append(run.lr)
    stops.append(run.should_stop)
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x[mine]), y[mine])
    loss.backward()
    optimizer.step()
    run.log(loss=loss)
    if run.evaluates:
        run.report(val_loss=0.5 if rank == 0 else float("nan"))
tests = run.tests()
if tests:
    run.report(test_loss=float(rank))
told = {"rates": rates, "stops": stops, "tests": tests, "step": run.step}
told["weights"] = net.weight.tolist()
(run.folder / f"rank{rank}.json").write_text(json.dumps(told))
dist.barrier()
dist.destroy_process_group()
"""
LAUNCH = """\
import os, subprocess, sys, tempfile
store = os.path.join(tempfile.mkdtemp(), "store")
def start(rank):
    more = {"RANK": str(rank), "WORLD_SIZE": "2", "STORE": store, "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen([sys.executable, *sys.argv[1:]], env={**os.environ, **more})
codes = [one.wait() for one in [start(0), start(1)]]
sys.exit(any(code != -6 and code for code in codes))  # -6: gloo's threads as Python ends
"""


@pytest.fixture
def two(folder: Path) -> None:
    """A script for two processes, and what starts them as torchrun does, without its port."""
    Path("two.py").write_text(TWO)
    Path("launch.py").write_text(LAUNCH)


def both(store, run) -> list[dict]:
    return [json.loads(store.file(run, f"files/rank{i}.json").read_text()) for i in range(2)]


@pytest.mark.stress
@pytest.mark.parametrize("more", ["", "train.keep=best", "train.stop_after=8"])
def test_two_processes_get_one_rate_one_end_and_one_state(more, two, command, store) -> None:
    plateau = "schedule=plateau schedule.patience=1 lr=0.1 train.eval_every=4 threads=1"
    done = command(f"train.steps=24 {plateau} {more} -- {PYTHON} launch.py two.py")
    assert done.status == 0, done.err + done.out
    (run,) = store.runs()
    first, second = both(store, run)
    assert first == second
    recorded = list(store.history(run, "train/lr").values())
    assert first["rates"] == recorded
    assert len(set(recorded)) > 1  # the first one's evaluations are no better: the rate was cut
    assert first["tests"] is True
    assert run.data.metrics["test/loss"] == 0.0
    assert len(recorded) == (12 if "stop_after" in more else 24)
    kept = load_file(store.file(run, "weights.safetensors"))
    assert kept["weight"].tolist() == first["weights"]


@pytest.mark.stress
def test_two_processes_end_at_the_same_step_on_ctrl_c(two, shell, store) -> None:
    process = shell(f"train.steps=200000 train.eval_every=50 -- {PYTHON} launch.py two.py")
    wait_for(process, "step")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err + out
    (run,) = store.runs()
    first, second = both(store, run)
    assert first == second
    assert len(store.history(run, "train/lr")) == first["step"] < 200000


def test_several_processes_that_cannot_speak_yet_are_told(two, command) -> None:
    done = command(f"train.steps=4 tracking=off -- {PYTHON} launch.py two.py late")
    assert done.status == 1
    assert "the script ends with status 1 without a call of runner.api.attach()" in done.out


def test_torchrun_around_the_runner_is_refused(command, monkeypatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = command(LINE)
    assert done.status == 2
    assert "must be started once, and start torchrun itself; python -m runner ... --" in done.err
