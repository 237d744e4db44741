"""python -m runner.states: on stores that real runs have made."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from runner.stored import main

QUADRATIC = (
    "model=quadratic dataset=none optimizer=sgd schedule=constant threads=1 train.steps=8 "
    "train.eval_every=4"
)
MLP = (
    "model=mlp model.hidden=[8] dataset.train_size=512 train.batch_size=64 optimizer=sgd "
    "schedule=constant train.steps=8 train.eval_every=4 threads=1"
)
Stored = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def stored(folder: Path, capsys: pytest.CaptureFixture[str]) -> Stored:
    """Runs the words behind `python -m runner.states` in this process."""

    def run(line: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return main(shlex.split(line)), *capsys.readouterr()

    return run


@pytest.fixture
def refused(stored: Stored) -> Callable[[str], str]:
    """Gives the one line that a mistake is answered with."""

    def run(line: str) -> str:
        status, out, err = stored(line)
        assert (status, out, err.count("\n")) == (2, "", 1)
        return err.removeprefix("error: ").strip()

    return run


@pytest.fixture
def files(folder: Path) -> Callable[[], list[Path]]:
    """All states of the folder's store, by step."""
    return lambda: sorted(Path(".runner/states").glob("*/*.safetensors"), key=lambda f: f.name)


def aged(file: Path, seconds: float) -> None:
    """Let a file be used so long ago."""
    then = time.time() - seconds
    os.utime(file, (then, then))


def test_a_list_has_a_line_for_each_state_the_last_used_first(
    command: Any, stored: Stored, files: Any
) -> None:
    for seed in (1, 2):
        command(f"{QUADRATIC} tracking=off seed={seed} clipping=norm clipping.max_norm=3")
    command(f"{QUADRATIC} tracking=off seed=1 model.w=3")
    assert len(files()) == 6
    for age, file in enumerate(files()):
        aged(file, 100 * (age + 1))
    status, out, err = stored("list")
    assert (status, err) == (0, "")
    head, *lines, last = out.splitlines()
    assert head.split() == ["state", "step", "size", "used", "of"]
    assert [line.split()[1] for line in lines] == ["4"] * 3 + ["8"] * 3
    said = sorted({re.split(r"\d\d:\d\d  ", line)[1] for line in lines})
    assert said == [
        "Quadratic none SGD seed=1 model.w=3 clipping=Unclipped",
        "Quadratic none SGD seed=1 model.w=5.0 clipping=Norm clipping.max_norm=3",
        "Quadratic none SGD seed=2 model.w=5.0 clipping=Norm clipping.max_norm=3",
    ]
    used = sum(file.stat().st_size for file in files())
    assert last == f"6 states, {used / 1000:.3g} kB of at most 5 GB in .runner/states"
    names = [line.split()[0] for line in lines]
    assert all(re.fullmatch("[0-9a-f]{12}", name) for name in names)


def test_short_names_grow_where_two_states_begin_alike(
    kept_of: Any, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.trial.name import StateName

    for step in (1, 2):
        kept_of(step)
    monkeypatch.setattr(StateName, "__str__", lambda self: "ab" * 8 + f"{self.step}" * 48)
    lines = stored("list")[1].splitlines()[1:-1]
    assert sorted(line.split()[0] for line in lines) == ["ab" * 8 + "1", "ab" * 8 + "2"]
    status, _, err = stored("export abab mine.safetensors")
    assert status == 2
    assert re.search("got 'abab', as (abab)+[12], (abab)+[12] begin\n", err)


@pytest.fixture
def kept_of(folder: Path) -> Callable[..., Path]:
    """Keeps a state that no run has made."""
    from runner.states import Store
    from runner.trial import StateName

    store = Store(Path(".runner/states"), 10**9)

    def keep(step: int, content: Any = None, recipe: str = "a" * 64) -> Path:
        name = StateName(recipe, step, f"{step:064x}")
        assert store.save(name, content)
        return store.folder / name.recipe / name.file

    return keep


def test_no_store_is_one_line_and_makes_nothing(stored: Stored, folder: Path) -> None:
    assert stored("list states.folder=mine") == (0, "no states in mine\n", "")
    assert stored("verify states.folder=mine") == (0, "0 states are whole\n", "")
    assert stored("prune states.folder=mine states.max_bytes=0")[0] == 0
    assert list(folder.iterdir()) == []


def test_verify_says_what_is_damaged_and_changes_nothing(
    command: Any, stored: Stored, files: Any
) -> None:
    command(f"{QUADRATIC} tracking=off")
    assert stored("verify") == (0, "2 states are whole\n", "")
    first, last = files()
    last.write_bytes(last.read_bytes()[:-1])
    left = first.with_name(f".{first.name}.node-1-0a1b2c3d.tmp")
    left.write_bytes(b"half")
    aged(left, 3_700)
    aside = first.parents[1] / "set-aside" / "old\x1b[31m"
    aside.parent.mkdir()
    aside.write_bytes(b"")
    for name in ("new\nline", "colour\x1b[2J", os.fsdecode(b"\xff")):
        (first.parent / name).write_text("")
    before = sorted(first.parents[1].rglob("*"))
    status, out, err = stored("verify")
    assert (status, err) == (1, "")
    assert out.splitlines() == [
        f"damaged   {last}: it is not as long as it says",
        f"leftover  {left}",
        f"set aside {aside.parent}/old\\x1b[31m",
        f"no state  {first.parent}/colour\\x1b[2J: left alone",
        f"no state  {first.parent}/new\\nline: left alone",
        f"no state  {first.parent}/?: left alone",
        "1 state is whole",
    ]
    assert sorted(first.parents[1].rglob("*")) == before


def test_what_another_version_has_written_is_not_damaged(
    kept_of: Any, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.states import file

    with monkeypatch.context() as newer:
        newer.setattr(file, "FORMAT", "2")
        path = kept_of(1)
    said = f"unusable  {path}: written by another version (format 2)\n0 states are whole\n"
    assert stored("verify") == (0, said, "")


def test_prune_removes_what_was_not_used_for_longest(
    command: Any, stored: Stored, refused: Any, files: Any
) -> None:
    command(f"{QUADRATIC} tracking=off")
    first, last = files()
    assert refused("prune") == (
        "states.max_bytes must be given, got nothing; such as 1GB, or 0 for all"
    )
    status, out, _ = stored("prune states.max_bytes=0")
    assert status == 0
    assert out.startswith("removed 0 states, 0 bytes; 2 states, ")
    assert out.endswith(
        "note      more than 0 bytes, as all were used within a minute or are needed\n"
    )
    aged(first, 100)
    aged(last, 200)
    size = last.stat().st_size
    left = first.stat().st_size
    status, out, err = stored(f"prune states.max_bytes={left}")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"removed   {last}: {size / 1000:.3g} kB",
        f"removed 1 state, {size / 1000:.3g} kB; 1 state, {left / 1000:.3g} kB left in "
        ".runner/states",
    ]
    assert files() == [first]


def test_prune_leaves_what_a_living_process_has_announced(
    kept_of: Any, stored: Stored, files: Any
) -> None:
    from runner.states.wanted import Wanted
    from runner.trial import StateName

    paths = [kept_of(step) for step in (1, 2)]
    aside, left = (
        paths[0].parents[1] / "set-aside" / "x",
        paths[0].with_name(f".{paths[0].name}.node-1-0a1b2c3d.tmp"),
    )
    aside.parent.mkdir()
    for file in (aside, left):
        file.write_bytes(b"12345")
    aged(left, 3_700)
    for file in paths:
        aged(file, 100)
    with Wanted(Path(".runner/states")).announce([StateName("a" * 64, 1, f"{1:064x}")]):
        status, out, _ = stored("prune states.max_bytes=0")
    assert status == 0
    assert "removed 1 state and 2 files of no use, " in out
    assert "note      more than 0 bytes" in out
    assert files() == paths[:1]
    assert not aside.exists()
    assert not left.exists()
    stored("prune states.max_bytes=0")
    assert files() == []


def test_exported_weights_are_what_a_run_starts_from(
    command: Any, store: Any, stored: Stored, refused: Any, files: Any
) -> None:
    assert command(MLP).status == 0
    listed = {line.split()[1]: line.split()[0] for line in stored("list")[1].splitlines()[1:-1]}
    status, out, err = stored(f"export {listed['8'][:5]} mine.safetensors")
    assert (status, err) == (0, "")
    assert out == (
        "weights   mine.safetensors: after 8 steps; "
        "model.weights=mine.safetensors starts from them\n"
    )
    (run,) = store.runs()
    weights, same = (
        load_file(file) for file in ("mine.safetensors", store.file(run, "weights.safetensors"))
    )
    assert weights.keys() == same.keys()
    assert all(torch.equal(weights[name], same[name]) for name in same)
    done = command(f"{MLP} train.steps=1 lr=1e-30 model.weights=mine.safetensors")
    assert done.status == 0, done.err
    again = store.runs()[-1]
    for key in ("val/loss", "val/accuracy", "test/loss"):
        assert [*store.history(again, key).values()] == [*store.history(run, key).values()][-1:]
    assert "FILE must be a new file that can be written, got 'mine.safetensors'" in refused(
        f"export {listed['8']} mine.safetensors"
    )
    assert stored(f"export {files()[0]} by_path.safetensors")[0] == 0


def test_a_weight_of_two_modules_and_a_buffer_of_training_are_exported(
    command: Any, store: Any, stored: Stored, own_module: Any
) -> None:
    own_module(
        "tied",
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self, input_shape, classes):\n"
        "        super().__init__()\n"
        "        self.a = torch.nn.Linear(input_shape.numel(), classes)\n"
        "        self.b = torch.nn.Linear(input_shape.numel(), classes)\n"
        "        self.b.weight = self.a.weight\n"
        "        self.register_buffer('seen', torch.zeros(()))\n"
        "        self.register_buffer('hidden', torch.zeros(()), persistent=False)\n"
        "    def forward(self, x):\n"
        "        self.seen = self.seen + 1.0\n"
        "        return self.a(x.flatten(1)) + self.b(x.flatten(1))\n".replace(
            "input_shape.numel()", "__import__('math').prod(input_shape)"
        ),
    )
    line = MLP.replace("model=mlp model.hidden=[8]", "model=tied.Net")
    done = command(line)
    assert done.status == 0, done.err
    name = stored("list")[1].splitlines()[1].split()[0]
    assert stored(f"export {name} tied.safetensors")[0] == 0
    found = load_file("tied.safetensors")
    assert sorted(found) == ["a.bias", "a.weight", "b.bias", "b.weight", "seen"]
    assert torch.equal(found["a.weight"], found["b.weight"])
    assert found["seen"] > 0
    again = command(f"{line} train.steps=1 model.weights=tied.safetensors")
    assert again.status == 0, again.err


def test_what_cannot_be_exported_is_one_line(
    command: Any, kept_of: Any, stored: Stored, refused: Any, folder: Path
) -> None:
    must = "STATE must be the beginning of one state's name in .runner/states, got"
    path = kept_of(1, {"captured": {"parts": {"model": 1, "helper": 2}}})
    short = stored("list")[1].splitlines()[1].split()[0]
    near = short[:-1] + ("0" if short[-1] != "0" else "1")
    assert refused(f"export {near} x.safetensors") == (
        f"{must} '{near}' (did you mean '{short}'?); python -m runner.states list"
    )
    assert refused("export '' x.safetensors").startswith(f"{must} ''")
    assert refused(f"export {short} x.pt") == "FILE must be a .safetensors file, got 'x.pt'"
    assert refused(f"export {short} x.safetensors").endswith(
        ": it holds model, helper of a loop of its own, and no single model"
    )
    kept_of(2)
    Path("copy.safetensors").write_bytes(path.read_bytes())
    assert "in the folder of its recipe" in refused("export copy.safetensors x.safetensors")
    assert "must be a file that is there" in refused(
        f"export {path.with_name(path.name.replace('1', '3'))} x.safetensors"
    )
    path.write_bytes(path.read_bytes()[:-1])
    assert "must be a whole state of one model" in refused(f"export {short} x.safetensors")
    assert not Path("x.safetensors").exists()
    command(f"{QUADRATIC} tracking=off")
    name = stored("list")[1].splitlines()[1].split()[0]
    assert "No such file" in refused(f"export {name} none/x.safetensors")


def test_what_is_no_command_is_one_line(refused: Any, stored: Stored, folder: Path) -> None:
    known = "COMMAND must be list, verify, prune, export or why"
    assert refused("lits") == f"{known}, got 'lits' (did you mean 'list'?)"
    assert refused("") == f"{known}, got nothing"
    assert refused("list all") == "list must stand alone, got 'all'"
    assert refused("export abc") == "export must stand before STATE and FILE, got 'abc'"
    assert refused("list states.foldr=x").startswith("unknown key 'states.foldr'")
    (folder / "file").write_text("")
    assert "states.folder must be a folder that can be used" in refused("list states.folder=file")
    assert stored("--help")[1].startswith("python -m runner.states COMMAND")
    assert stored("why --help")[0] == 0


def test_hostile_descriptions_are_text(kept_of: Any, stored: Stored) -> None:
    path = kept_of(1)
    rows = {"model": {"_target_": "a.\x1b[31m"}, "seed": [1], "dataset": 3}
    path.with_name("recipe.json").write_text(json.dumps(rows))
    kept_of(1, recipe="b" * 64)
    path.parents[1].joinpath("b" * 64, "recipe.json").write_text('{"a":' * 900 + "1" + "}" * 900)
    kept_of(1, recipe="c" * 64)
    path.parents[1].joinpath("c" * 64, "recipe.json").symlink_to(path)
    status, out, err = stored("list")
    assert (status, err) == (0, "")
    assert "\x1b" not in out
    assert "\\x1b[31m seed=[1]" in out
    assert "a recipe that is not described" in out


def test_why_says_what_differs_first(
    command: Any, store: Any, stored: Stored, refused: Any
) -> None:
    def why(first: str, second: str) -> list[str]:
        before = len(store.runs())
        for words in (first, second):
            assert command(f"{QUADRATIC} {words}").status == 0
        one, other = (run.info.run_id for run in store.runs()[before:])
        status, out, err = stored(f"why {one} {other}")
        assert (status, err) == (0, "")
        return [re.sub(other, "TWO", re.sub(one, "ONE", line)) for line in out.splitlines()]

    assert why("lr=0.1", "lr=0.1 train.steps=6") == ["nothing differs: 6 steps in common"]
    head, width, seed = why("seed=1 model.w=3", "seed=2 model.w=4")
    assert head.startswith("the recipes differ  ")
    assert (width.split(), seed.split()) == (["model.w", "3", "4"], ["seed", "1", "2"])
    cut = "schedule=piecewise schedule.boundaries=[5]"
    said = "the learning rate differs from step 5 on: "
    values = f"schedule.factors=[1,{0.5}]", f"schedule.factors=[1,{0.25}]"
    assert why(*(f"{cut} lr=0.5 {one}" for one in values)) == [f"{said}0.25 and 0.125"]
    momentum = "optimizer/momentum_schedule=one_cycle optimizer.momentum_schedule.shape=linear "
    momentum += "optimizer.momentum_schedule.boundaries=[0,2,4] optimizer.momentum_schedule.values="
    assert why(f"{momentum}[0.5,0.5,0.75]", f"{momentum}[0.5,0.5,0.25]") == [
        "momentum differs from step 3 on: 0.625 and 0.375"  # halfway from step 2 to 4
    ]
    assert why("lr=0.01 states=off", "lr=0.01 train.eval_every=2") == [
        "nothing differs: 8 steps in common",
        "note      states were off in ONE",
        "note      only TWO was evaluated after 2 steps",
    ]


def test_why_takes_names_and_beginnings(
    command: Any, store: Any, stored: Stored, refused: Any
) -> None:
    for rate in (0.1, 0.2):
        command(f"{QUADRATIC} lr={rate} \"tracking.run_name='it\\\\'s{rate}'\"")
    one, other = (run.info.run_id for run in store.runs())
    said = "the learning rate differs from step 0 on: 0.1 and 0.2\n"
    assert stored(f"why {one[:6]} {other[:6]}") == (0, said, "")
    assert stored('why "it\'s0.1" "it\'s0.2"') == (0, said, "")
    assert refused(f"why {one} it_s0.2").startswith(
        "RUN must be a run's id, the beginning of one, or its name in sqlite:///"
    )
    assert refused(f"why {one} runs").startswith("RUN must be one run, got 'runs', which 2 runs")
    assert "for its runs to be compared, got off" in refused(f"why {one} {other} tracking=off")
    folder = Path("mlartifacts") / other / "artifacts"
    (folder / "records.npz").write_bytes(b"none")
    assert "must have recipe.json and records.npz as they were" in refused(f"why {one} {other}")
    (folder / "recipe.json").unlink()
    assert refused(f"why {one} {other}") == (
        f"RUN must be a run with recipe.json and records.npz, got {other}, which is not over or "
        "recorded by an earlier version"
    )


def test_of_a_grid_each_run_records_its_recipe(command: Any, store: Any) -> None:
    assert command(f"-m {QUADRATIC} lr=0.1,0.2").status == 0
    for run in store.runs():
        found = json.loads(store.file(run, "recipe.json").read_text())
        assert found["recipe"]["optimizer"]["_target_"] == "torch.optim.SGD"
        assert (found["numbers"], found["states"]) == (["lr"], True)
        assert sorted(found["evaluations"]) == ["test", "val"]


def test_behind_a_closed_pipe_it_ends_in_silence(kept_of: Any, folder: Path) -> None:
    for step in range(1, 30):
        kept_of(step)
    shell = f"{sys.executable} -m runner.states list | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, cwd=folder)
    assert done.stderr == ""
    assert done.stdout.split()[-1] == "0"
