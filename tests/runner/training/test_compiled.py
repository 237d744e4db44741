"""Compiled models: other last digits, the same whenever the same is trained."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._inductor import cpp_builder

from runner.training import compiled
from runner.training.compiled import compiler_of
from runner.training.loop import train
from runner.trial import Recipe

LINE = "states=off threads=1 model=mlp 'model.hidden=[8]' lr=0.01 "
LINE += "train.steps=24 train.batch_size=200 train.eval_every=11 "  # step 20 has 50 samples


def has_compiler() -> bool:
    try:
        return bool(compiler_of(torch.device("cpu")))
    except ValueError:
        return False


needs_compiler = pytest.mark.skipif(not has_compiler(), reason="there is no C++ compiler")


@pytest.fixture(autouse=True)
def _new(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Nothing is compiled yet."""
    kept = tmp_path_factory.getbasetemp() / "compiled"  # of all tests here
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(kept))
    monkeypatch.setattr(compiled, "_compiled_for", "")
    yield
    torch.compiler.reset()


def weights(state: Any) -> list[torch.Tensor]:
    return [one.detach().clone() for one in state.model.state_dict().values()]


@needs_compiler
def test_trains_as_without_to_rounding_under_a_name_of_its_own(job: Any) -> None:
    line = f"{LINE}tracking=off"
    plain, setup = job(line), job(f"{line} train.compile=default")
    for one in (plain, setup):
        list(train(one.state, one.trial, one.data))
    for one, other in zip(weights(setup.state), weights(plain.state), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert setup.trial.recipe.digest != plain.trial.recipe.digest
    assert setup.trial.recipe.versions["compiler"].split()[0] in ("gcc", "clang")
    assert "compile" not in plain.trial.recipe.rows


@needs_compiler
@pytest.mark.parametrize("at", [7, 20])  # the next update of 20 is the first that it makes
def test_goes_on_bit_for_bit_whatever_was_compiled_first(
    job: Any, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = job(f"{LINE}model.dropout=0.5 tracking=off train.compile=default")
    copies = []
    for _ in train(setup.state, setup.trial, setup.data, cuts=[at]):
        if setup.state.step == at and not copies:
            copies.append(setup.state.copy())
    monkeypatch.setattr(compiled, "_compiled_for", "")
    list(train(copies[0], setup.trial, setup.data))
    for one, other in zip(weights(copies[0]), weights(setup.state), strict=True):
        assert torch.equal(one, other)


@needs_compiler
def test_a_run_says_when_it_pays_and_shares_its_states(command: Any, store: Any) -> None:
    line = LINE.removeprefix("states=off") + "train.compile=default"
    done = command(line)
    assert "note: train.compile=default: compiling took " in done.err
    assert " of which the run has 24" in done.err or ": it never pays here" in done.err
    assert "train.compile=default" in done.out
    (first,), again = store.runs(), command(line)
    assert first.data.params["train.compile"] == "default"
    assert "\nreused    24 of 24 steps\n" in again.out
    assert "reused" not in command(line.removesuffix("train.compile=default")).out


@needs_compiler
def test_a_model_without_a_length_is_compiled(command: Any) -> None:
    line = "model=quadratic dataset=none optimizer=sgd train.steps=5 tracking=off states=off "
    done = command(line + "threads=1 train.compile=default")
    assert done.status == 0, done.err
    assert "train.compile=default: compiling took " in done.err


def test_kernels_chosen_by_time_share_nothing(job: Any) -> None:
    recipe = job(f"{LINE}tracking=off").trial.recipe
    for mode, why in (("max-autotune", "are fastest at the moment"), ("default", ""), (None, "")):
        said = compiled.by_time(Recipe(**{**vars(recipe), "compile": mode}))
        assert said.endswith(why)
        assert bool(said) == bool(why)


def test_where_nothing_compiles_is_one_line(
    command: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise RuntimeError("No working C++ compiler found in TORCH")

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", missing)
    done = command(f"{LINE}tracking=off device=cpu train.compile=default")
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        "error: train.compile must be off where torch has no compiler; "
        "No working C++ compiler found in TORCH\n"
    )
    assert [*folder.iterdir()] == []


@needs_compiler
def test_a_model_that_does_not_compile_is_one_line(
    command: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(model: Any, **how: Any) -> Any:
        def call(inputs: Any) -> Any:
            raise RuntimeError("Unsupported: something of it")

        return call

    monkeypatch.setattr(torch, "compile", fails)
    done = command(f"{LINE}tracking=off train.compile=default")
    assert done.status == 2
    assert done.err.startswith(
        "error: train.compile must be off, or a mode in which torch compiles the model, got "
        "'default'; it fails with RuntimeError: Unsupported: something of it"
    )
    assert [*folder.iterdir()] == []


def test_is_left_out_beside_a_loop_of_ones_own(command: Any, own_module: Any) -> None:
    own_module("stepping8", "def train(run):\n    pass\n")
    done = command("loop=stepping8.train tracking=off train.compile=default")
    assert done.status == 2
    assert "train.compile must be left out beside loop=stepping8.train" in done.err
    done = command(f"{LINE}tracking=off train.compile=default train.graph=on")
    assert done.err == (
        "error: train.graph must be off or auto where the model is compiled, got on and "
        "train.compile=default\n"
    )


def test_yaml_says_off_without_quotes(command: Any, folder: Path, settings: Any) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "experiment").mkdir()
    text = "# @package _global_\ntrain: {compile: off, graph: off, steps: 1}\n"
    (folder / "mine" / "experiment" / "plain.yaml").write_text(text)
    done = command("--config-dir mine +experiment=plain model=mlp tracking=off")
    assert done.status == 0
    assert settings(f"{LINE}tracking=off").train.compile == "off"


COUNTING = """
import torch
from runner.training.data import Dataset, Split

class Counting:
    calls = 0

    def __call__(self, inputs, generator):
        self.calls += 1
        return inputs

def data():
    parts = [Split(torch.rand(25, 784), torch.arange(25) % 3) for _ in range(3)]
    return Dataset(*parts, classes=3, augment=Counting())
"""


@needs_compiler
def test_to_try_it_leaves_the_augmentation_as_it_was(
    job: Any, own_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_module("counting25", COUNTING)
    tried: list[str] = []

    def compiled(model: Any, recipe: Recipe) -> Any:
        tried.append(recipe.compile or "")
        return model

    monkeypatch.setattr("runner.training.loop.compiled", compiled)
    line = f"{LINE}tracking=off dataset=counting25.data train.compile=default train.batch_size=5"
    setup = job(line)
    assert tried == ["default"]
    assert setup.data.augment.calls == 0


@needs_compiler
@pytest.mark.stress
def test_another_batch_size_is_compiled_anew(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MOST_SHAPES", 2)
    for size in (200, 100, 50):
        setup = job(f"{LINE}tracking=off train.compile=default train.batch_size={size}")
        list(train(setup.state, setup.trial, setup.data))
        assert setup.state.step == 24
