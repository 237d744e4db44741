"""A training loop of a person's own that hands over its parts is not trained twice."""

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from runner.interrupts import Interrupts
from runner.run import stock_of
from runner.states import Claims
from runner.states.own_loop import keeper
from runner.training.own_loop.files import write_files

MINE = """\
import os
import random
import signal
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

STEPS = []


class Noisy(Dataset):
    def __len__(self):
        return 20

    def __getitem__(self, i):
        return i / 20 + torch.rand(3)


def update(run, net, optimizer, x):
    STEPS.append(run.step)
    run.set_rate(optimizer)
    loss = (net(x) - x.sum(1, keepdim=True)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    run.log(loss=loss)
    return loss


@torch.no_grad()
def evaluated(net):
    net.eval()
    x = torch.linspace(0, 1, 12).reshape(4, 3)
    return (net(x) - x.sum(1, keepdim=True)).square().mean()


def parts(run, width=4):
    net = nn.Sequential(nn.Linear(3, width), nn.Dropout(0.3), nn.Linear(width, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=run.lr, momentum=0.9)
    return net, optimizer


def train(run, width: int = 4, kills: int = 0):
    net, optimizer = parts(run, width)
    run.keep(net)
    run.hand_over(optimizer=optimizer)
    for step in run.steps():
        net.train()
        update(run, net, optimizer, torch.rand(8, 3) + (np.random.rand() + random.random()) / 9)
        if step % 3 == 0:
            run.log(seen=step)
            (run.folder / "steps").mkdir(exist_ok=True)
            (run.folder / "steps" / f"{step}.txt").write_text(f"{torch.rand(()):.9f}")
        if run.evaluates:
            run.report(val_loss=evaluated(net), val_accuracy=random.random())
        if step + 1 == kills and not Path("killed").exists():
            while not list(Path(".runner/states").rglob("*.safetensors")):
                pass
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if run.tests():
        run.report(test_loss=evaluated(net) + random.random())
    (run.folder / "end.txt").write_text(f"{torch.rand(()):.9f}")


def loads(run, own: bool = False):
    net, optimizer = parts(run)
    generator = torch.Generator().manual_seed(5) if own else None
    loader = DataLoader(Noisy(), batch_size=4, shuffle=True, generator=generator)
    run.keep(net)
    run.hand_over(optimizer=optimizer)
    for x in run.batches(loader):
        net.train()
        update(run, net, optimizer, x)
        if run.evaluates:
            run.report(val_loss=evaluated(net))


def around(run):
    net, optimizer = parts(run)
    run.keep(net)
    run.hand_over(optimizer=optimizer)
    run.report(val_loss=torch.rand(()))
    for step in run.steps():
        update(run, net, optimizer, torch.rand(8, 3))
    run.report(val_loss=evaluated(net) + torch.rand(()))
    for one in net.parameters():
        one.data *= 0.5


def modes(run):
    net, optimizer = parts(run)
    net[0].requires_grad_(False)
    run.keep(net)
    run.hand_over(optimizer=optimizer)
    for step in run.steps():
        update(run, net, optimizer, torch.rand(8, 3))
        if step == 2:
            net[0].requires_grad_(True)
            net.eval()
        if run.evaluates:
            run.report(val_loss=torch.rand(()))


def collects(run):
    net, optimizer = parts(run)
    run.keep(net)
    run.hand_over(optimizer=optimizer)
    for step in run.steps():
        STEPS.append(step)
        net(torch.rand(8, 3)).square().mean().backward()
        if step % 2:
            run.set_rate(optimizer)
            optimizer.step()
            optimizer.zero_grad()
        else:
            run.skip()
        if run.evaluates:
            run.report(val_loss=evaluated(net))


class Odd:
    def state_dict(self):
        return {"helper": {"f": print}}

    def load_state_dict(self, found):
        pass


def hands(run, what: str = ""):
    net, optimizer = parts(run)
    if "k" in what:
        run.keep(net)
    if "o" in what:
        run.hand_over(optimizer=optimizer)
    if "u" in what:
        run.hand_over(odd=Odd())
    for step in run.steps():
        update(run, net, optimizer, torch.rand(8, 3))
        if run.evaluates:
            run.report(val_loss=evaluated(net))
        if step == 3 and "l" in what:
            run.hand_over(late=nn.Linear(1, 1))
"""
REST = "train.steps=20 train.eval_every=8 schedule=cosine lr=0.01 threads=1"
LINE = f"loop=mine.train {REST}"


@pytest.fixture(autouse=True)
def mine(own_module: Any, said_of_loops: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module with loops, and a process that has said nothing yet."""
    monkeypatch.setattr(keeper, "_told", set())
    return own_module("mine", MINE)


@pytest.fixture
def steps(command: Any) -> Callable[[str], list[int]]:
    """Runs a command to its end; returns the steps that the loop has made in it."""

    def made(line: str) -> list[int]:
        if "mine" in sys.modules:
            sys.modules["mine"].STEPS.clear()
        done = command(line)
        assert (done.status, done.err) == (0, ""), done.out
        return list(sys.modules["mine"].STEPS)

    return made


@pytest.fixture
def interrupted(command: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Runs a command that a signal ends behind so many steps."""

    def run(line: str, at: int) -> None:
        def asked(self: Interrupts) -> bool:
            return "mine" in sys.modules and len(sys.modules["mine"].STEPS) >= at

        with monkeypatch.context() as patched:
            patched.setattr(Interrupts, "requested", asked)
            assert command(f"{line} tracking=off").status == 130

    return run


def alike(store: Any, one: Any, other: Any) -> None:
    """Two runs have the same record, weights and files, bit for bit."""
    mine, its = store.records(one), store.records(other)
    assert mine.keys() == its.keys()
    for key in mine.keys() - {"time_ms"}:
        assert np.array_equal(mine[key], its[key], equal_nan=True), key
        if "@" not in key and "/" in key:
            assert store.history(one, key) == store.history(other, key), key
    weights, others = (load_file(store.file(run, "weights.safetensors")) for run in (one, other))
    for name in weights:
        assert np.array_equal(weights[name], others[name]), name
    assert one.data.metrics == other.data.metrics
    assert files(store, one) == files(store, other)


def files(store: Any, run: Any) -> dict[str, str]:
    """The files that a loop has written."""
    if not any(one.path == "files" for one in store.client.list_artifacts(run.info.run_id)):
        return {}
    folder = store.file(run, "files")
    return {str(one.relative_to(folder)): one.read_text() for one in folder.rglob("*.txt")}


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (LINE, 1),
        (LINE, 8),
        (f"{LINE} train.keep=best", 13),
        (
            f"{LINE} schedule=plateau schedule.patience=0 schedule.min_delta=9 train.eval_every=3",
            11,
        ),
        (f"loop=mine.loads {REST}", 7),
        (f"loop=mine.loads {REST} loop.own=true", 10),
        (f"loop=mine.loads {REST} loop.own=true", 13),
        (f"loop=mine.around {REST}", 5),
        (f"loop=mine.modes {REST}", 6),
    ],
)
def test_it_goes_on_where_a_signal_has_ended_it(store, steps, interrupted, line, at) -> None:
    interrupted(line, at)
    assert steps(line) == list(range(at, 20))
    steps(f"{line} states=off")
    goes_on, whole = store.runs()
    assert goes_on.data.tags["reused_steps"] == str(at)
    assert whole.data.tags["fingerprint"] == goes_on.data.tags["fingerprint"]
    alike(store, goes_on, whole)


@pytest.mark.parametrize(
    "line", [LINE, f"{LINE} train.keep=best", f"loop=mine.loads {REST}", f"loop=mine.around {REST}"]
)
def test_the_same_run_again_answers_at_once(store, steps, line) -> None:
    assert steps(line) == list(range(20))
    assert steps(line) == []
    first, second = store.runs()
    assert second.data.tags["reused_steps"] == "20"
    assert second.data.tags["reused_from"] == first.info.run_id
    alike(store, first, second)


def test_a_run_that_patience_has_ended_answers_at_once(store, steps) -> None:
    line = f"{LINE} lr=1e-30 train.eval_every=4 train.stop_after=4"
    made = steps(line)
    assert 4 < len(made) < 20
    assert steps(line) == []
    alike(store, *store.runs())
    assert steps(f"{LINE} lr=1e-30 train.eval_every=4 train.stop_after=20")[0] == len(made)


def test_it_goes_on_where_it_was_killed(store, shell, steps) -> None:
    line = f"{LINE} loop.kills=13"
    process = shell(f"{line} tracking=off states.cuts=[7]")
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    first, *_ = made = steps(line)
    assert first in (7, 8)
    assert made == list(range(first, 20))
    steps(f"{line} states=off")
    alike(store, *store.runs())


def test_other_code_and_other_keys_are_trained_anew(steps, mine, monkeypatch) -> None:
    line = f"{LINE} tracking=off"
    assert len(steps(line)) == 20
    assert len(steps(f"{line} loop.width=5")) == 20
    assert len(steps(f"{line} seed=7")) == 20
    assert len(steps(f"{line} train.keep=best")) == 20
    assert steps(f"{line} train.keep=best") == []
    assert steps(line) == []
    mine.write_text(MINE.replace("net.train()", "net.eval()"))
    monkeypatch.delitem(sys.modules, "mine")
    assert len(steps(line)) == 20


def test_a_longer_run_begins_anew(steps) -> None:
    line = "loop=mine.train train.eval_every=8 schedule=constant lr=0.01 threads=1 tracking=off"
    assert len(steps(f"{line} train.steps=16")) == 16
    assert len(steps(f"{line} train.steps=20")) == 20


def test_runs_of_a_grid_share_a_beginning(steps) -> None:
    grid = "schedule=wsd schedule.decay_steps=4,12"
    made = steps(f"-m loop=mine.train train.steps=20 lr=0.01 threads=1 tracking=off {grid}")
    assert len(made) == 20 + 12 - 1 or len(made) == 20 + 12


def test_gradients_that_wait_for_an_update_are_in_no_state(store, steps, interrupted) -> None:
    line = f"loop=mine.collects {REST}"
    interrupted(f"{line} states.cuts=[6]", 9)
    made = steps(line)
    assert made == list(range(made[0], 20))
    assert made[0] in (6, 8)
    steps(f"{line} states=off")
    alike(store, *store.runs())


NOTHING = "the loop hands nothing over; run.hand_over(optimizer=...) lets it go on"


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("", NOTHING),
        ("k", NOTHING),
        ("ku", "an optimizer that takes the rate is not handed over; run.hand_over(optimizer=...)"),
        ("o", "the weights that an optimizer trains are not handed over; run.keep(model) lets it"),
        ("kou", "parts.odd.0.helper.f is a builtin_function_or_method, which no file can hold"),
    ],
)
def test_it_is_said_once_why_no_states_are_kept(command, folder, what, why) -> None:
    line = f"loop=mine.hands {REST} tracking=off loop.what={what or repr('')}"
    done = command(line)
    assert done.status == 0
    assert done.err.startswith(f"note: no states are kept: {why}")
    assert done.err.count("\n") == 1
    assert command(f"{line} seed=1").err == ""
    assert command(f"-m {line} seed=2,3").err == ""
    assert not list((folder / ".runner" / "states").rglob("*.safetensors"))


def test_no_states_are_asked_for_and_nothing_is_said(command) -> None:
    assert command(f"loop=mine.hands {REST} tracking=off states=off").err == ""


def test_behind_what_is_handed_over_late_no_state_is_kept(command, folder) -> None:
    done = command(f"loop=mine.hands loop.what=kol {REST} tracking=off states.cuts=[2,6]")
    assert done.status == 0
    assert [int(one.name[:10]) for one in folder.rglob("*.safetensors")] == [2]


def test_what_does_not_take_its_state_back_says_how_to_go_on(command, interrupted, mine) -> None:
    line = f"{LINE} tracking=off"
    interrupted(line, 5)
    net = sys.modules["mine"].nn.Linear
    sys.modules["mine"].nn.Linear = lambda a, b: net(a, b + (b == 4))
    try:
        done = command(line)
    finally:
        sys.modules["mine"].nn.Linear = net
    assert done.status == 1
    assert "model does not take the state that the run goes on from (" in done.out
    assert "states=off trains it anew" in done.out


SCRIPT = """\
import torch
from runner.api import attach

run = attach()
w = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(w.parameters(), lr=0.1)
run.keep(w)
{hands}
for step in run.steps():
    run.set_rate(optimizer)
    optimizer.step()
    if run.evaluates:
        run.report(val_loss=1.0)
"""


@pytest.mark.parametrize(
    ("hands", "said"),
    [
        ("", ""),
        (
            "run.hand_over(optimizer=optimizer)",
            "note: no states are kept: a script trains in a process of its own\n",
        ),
    ],
)
def test_a_script_that_hands_over_is_told_that_no_states_are_kept(
    command, folder, hands, said
) -> None:
    (folder / "script.py").write_text(SCRIPT.format(hands=hands))
    done = command(f"{REST} tracking=off -- {sys.executable} script.py")
    assert (done.status, done.err) == (0, said)
    assert not list(folder.rglob("*.safetensors"))


def test_what_not_all_have_heard_of_is_in_no_state(command, folder, monkeypatch) -> None:
    from runner.execution import Pruned
    from runner.report.terminal import Console
    from runner.results.events import Evaluation

    def hear(self: Console, event: Any) -> None:
        if isinstance(event, Evaluation):
            raise Pruned

    with monkeypatch.context() as patched:
        patched.setattr(Console, "hear", hear)
        command(f"{LINE} tracking=off train.eval_every=5")
    assert not list(folder.rglob("*.safetensors"))


def test_what_goes_while_a_run_waits_leaves_it_fresh(command, job, folder) -> None:
    assert command(f"{LINE} train.keep=best tracking=off").status == 0
    setup = job(f"{LINE} train.keep=best tracking=off")
    stock, state = stock_of(setup), setup.state
    assert stock.longest().name.step == 20
    assert state.waiting is not None
    assert list(state.folder.rglob("*.txt"))
    shutil.rmtree(folder / ".runner" / "states")
    assert stock.longest() is None
    assert (state.waiting, state.best, state.reported, state.step) == (None, None, set(), 0)
    assert list(state.folder.rglob("*")) == []


def test_others_need_not_wait_for_a_state_that_a_loop_has_passed(command, job, monkeypatch) -> None:
    line = f"loop=mine.collects {REST} schedule=constant states.cuts=[3] tracking=off"
    name, held = job(line).trial.name(3), list[str]()
    evaluated = sys.modules["mine"].evaluated

    def looks(net: Any) -> Any:
        held.append(Claims(Path(".runner/states")).holder(name))
        return evaluated(net)

    monkeypatch.setattr(sys.modules["mine"], "evaluated", looks)
    assert command(line).status == 0
    assert held[1:] == ["", ""]  # the first is found before its steps are heard
    assert list(Path(".runner/states").rglob("*.safetensors"))


@pytest.mark.parametrize(
    "name", ["../outside.txt", "steps/../../outside.txt", "{here}/outside.txt"]
)
def test_no_file_is_written_outside_of_the_folder_of_a_loop(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    files = {"fine.txt": np.zeros(1, np.uint8), name.format(here=tmp_path): np.zeros(1, np.uint8)}
    with pytest.raises(ValueError, match="lies in no folder of its own"):
        write_files(files, inside)
    assert list(tmp_path.rglob("*.txt")) == []
