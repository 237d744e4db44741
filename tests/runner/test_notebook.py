"""Cells of a real Jupyter kernel: runs, a study, its table, a mistake, a Ctrl-C."""

import ast
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

QUADRATIC = "model=quadratic dataset=none schedule=constant optimizer=sgd lr=0.1 threads=1"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
SECONDS = 120
POINT = """
import torch
class Point(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(START))
    def forward(self):
        return self.w ** 2
"""


@dataclass
class Cell:
    """What a cell has left: its printed text, its value, its error."""

    out: str = ""
    value: str = ""
    error: list[str] = field(default_factory=list)
    shown: int = 0  # pictures, widgets and the like

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KernelManager, Any]]:
    manager = KernelManager(kernel_name="python3", ip="127.0.0.1")
    manager.start_kernel(cwd=str(tmp_path_factory.mktemp("notebook")), env=dict(os.environ))
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=SECONDS)
    client.execute("from runner.api import Mistake, results, run, study", reply=True)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def cell(kernel: tuple[KernelManager, Any]) -> Callable[..., Cell]:
    """Runs a cell; interrupts the kernel as soon as a text is printed, if one is given."""
    manager, client = kernel

    def execute(code: str, interrupt_at: str = "") -> Cell:
        found = Cell()

        def hear(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                is_first = interrupt_at and interrupt_at not in found.out
                found.out += content["text"]
                if is_first and interrupt_at in found.out:
                    manager.interrupt_kernel()
            found.value += content["data"]["text/plain"] if kind == "execute_result" else ""
            found.error += content["traceback"] if kind == "error" else []
            found.shown += kind in ("display_data", "update_display_data")

        client.execute_interactive(code, output_hook=hear, timeout=SECONDS, allow_stdin=False)
        assert not ANSI.search(found.out)
        assert not found.shown
        return found

    return execute


def test_a_long_run_prints_few_lines_and_is_a_value(cell: Callable[..., Cell]) -> None:
    done = cell(f"run('{QUADRATIC} train.steps=1000 train.eval_every=1 tracking=off')")
    steps = [line for line in done.lines if line.startswith("step ")]
    assert [int(line.split()[1]) for line in steps] == [1, *range(100, 1001, 100)]
    assert len(done.lines) == len(steps) + 2  # its figures, its command
    assert re.fullmatch(r"Run\(quadratic .*: FINISHED, val/loss=.*, param/w=-1\)", done.value)


def test_a_class_of_a_cell_is_trained_as_it_is_now(cell: Callable[..., Cell]) -> None:
    words = QUADRATIC.replace("quadratic", "quadratic model._target_=__main__.Point ~model.w", 1)
    train = f"run('{words} train.steps=2 tracking=off', quiet=True).records['train/loss'].tolist()"
    for start, losses in ((1.0, [1.0, 0.64]), (2.0, [4.0, 2.56])):  # w - 0.1 * 2 w
        done = cell(POINT.replace("START", str(start)) + train)
        assert ast.literal_eval(done.value) == pytest.approx(losses)
    two = f"study('-m hydra/sweeper=optuna study.workers=2 {words} train.steps=2 lr=interval(0,1)')"
    assert "study.workers must be 1 where" in cell(two).error[-1]


@pytest.mark.stress
def test_a_study_and_its_table(cell: Callable[..., Cell]) -> None:
    words = "study=quickstart study.trials=3 study.confirm_seeds=2 model=linear train.epochs=1"
    done = cell(f"answer = study('{words}')\nanswer")
    assert len(done.lines) < 40
    assert sum(line.startswith("[") for line in done.lines) == 3
    assert done.value.startswith("Answer(name='quickstart-")
    assert len(done.value) < 500
    counts = (
        "table = results('quickstart'); (answer.status.name, table.kind.value_counts().to_dict())"
    )
    assert cell(counts).value == "('FINISHED', {'confirm': 6, 'trial': 3})"
    same = "[row.objective[0] for row in answer.trials] == table['val/accuracy'][:3].tolist()"
    assert cell(same).value == "True"


def test_a_mistake_is_the_cells_line_and_one_of_ours(cell: Callable[..., Cell]) -> None:
    done = cell("1\nrun('model=mlp lrr=3')")
    shown = ANSI.sub("", "\n".join(done.error)).splitlines()
    assert shown[-1] == "Mistake: unknown key 'lrr' (did you mean 'lr'?)"
    assert "----> 2 run('model=mlp lrr=3')" in shown
    assert len(shown) < 15
    assert done.out == ""


def test_an_interrupt_ends_a_run_after_its_step(cell: Callable[..., Cell]) -> None:
    words = f"{QUADRATIC} train.steps=1000000 train.eval_every=10"
    done = cell(f"one = run('{words}')\n(one.status.name, len(one.records['step']) > 9)", "step ")
    assert done.value == "('KILLED', True)"
    assert not done.error
    assert cell("results().status.tolist()").value == "['KILLED']"
    assert cell("import signal; signal.getsignal(signal.SIGINT).__name__").value != "'_note'"


def test_an_interrupt_ends_a_study_with_its_answer_so_far(cell: Callable[..., Cell]) -> None:
    words = "study=decay_rate study.trials=500 model=linear train.steps=30"
    done = cell(f"found = study('{words}')\n(found.status.name, found.best is None)", "trial 0 ")
    assert done.value == "('KILLED', False)"
    assert not done.error
    assert "interrupted; the same command goes on" in done.lines
