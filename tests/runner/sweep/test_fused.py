"""Jobs of a grid that train as one program: the same figures, no job lost."""

import os
import re
import signal
from typing import Any

import numpy as np
import psutil
import pytest

SMALL = (
    "-m model=mlp model.hidden=[8] dataset.train_size=256 train.batch_size=64 train.steps=12 "
    "train.eval_every=4"
)
RATES = "lr=0.001,0.003,0.01"


def figures(store: Any, runs: Any) -> dict[str, dict[str, np.ndarray]]:
    return {run.info.run_name: store.records(run) for run in runs}


def same(one: Any, other: Any) -> None:
    assert one.keys() == other.keys()
    for name, columns in one.items():
        for key in columns.keys() - {"time_ms"}:
            np.testing.assert_allclose(columns[key], other[name][key], rtol=1e-3, atol=1e-5)


def test_fused_jobs_are_as_single_ones(command, store, widths) -> None:
    line = f"{SMALL} {RATES} optimizer=sgd,adam seed=0,1 states=off"
    assert command(f"{line} sweep.fuse=4").status == 0
    assert set(widths) == {4, 2}  # six jobs of an optimizer, four and two at a time
    fused = store.runs()
    assert {run.data.tags["fused"] for run in fused} == {"4"}
    assert command(line).status == 0
    single = store.runs()[len(fused) :]
    assert len(single) == len(fused) == 12
    same(figures(store, fused), figures(store, single))


@pytest.mark.stress
def test_processes_share_the_programs(shell, store) -> None:
    line = f"{SMALL} lr=0.001,0.003,0.01,0.03,0.1 states=off sweep.workers=2"
    for fuse in (3, "off"):
        done = shell(f"{line} sweep.fuse={fuse}")
        out, err = done.communicate(timeout=120)
        assert (done.returncode, err) == (0, "")
        assert sorted(re.findall(r"^\[(\d)/5\]", out, re.MULTILINE)) == list("12345")
    runs = store.runs()
    assert [run.data.tags.get("fused") for run in runs] == ["3"] * 5 + [None] * 5
    same(figures(store, runs[:5]), figures(store, runs[5:]))


def test_a_beginning_in_common_is_trained_once(command, store, widths) -> None:
    line = (
        f"{SMALL} schedule=piecewise schedule.factors=[1.0,0.1] "
        "'schedule.boundaries=[4],[8],[10]' seed=0"
    )
    assert command(f"{line} sweep.fuse=3").status == 0
    fused = store.runs()
    reused = [int(run.data.tags.get("reused_steps", 0)) for run in fused]
    assert sum(reused) >= 4 + 4
    assert command(f"{line} states=off").status == 0
    same(figures(store, fused), figures(store, store.runs()[3:]))


def test_auto_trains_jobs_that_share_a_beginning_by_themselves(command, widths) -> None:
    line = f"{SMALL} schedule=piecewise schedule.factors=[1.0,0.1] 'schedule.boundaries=[4],[8]'"
    ended = command(f"{line} sweep.fuse=auto tracking=off")
    assert ended.status == 0
    assert widths == []
    note = "note: sweep.fuse=auto: jobs that share a beginning train by themselves"
    assert note in ended.err.splitlines()


def test_auto_takes_what_is_fastest(command, monkeypatch, widths) -> None:
    from runner.training.fused import probe

    taken = {1: 1.0, 4: 0.5, 6: 0.8}
    monkeypatch.setattr(probe, "_seconds", lambda state, trial, data, width: taken[width])
    line = f"{SMALL} lr=0.001,0.002,0.003,0.004,0.005,0.006 states=off tracking=off"
    ended = command(f"{line} sweep.fuse=auto")
    assert ended.status == 0
    assert set(widths) == {4, 2}
    assert "note: sweep.fuse=auto: 4 train as one program" in ended.err.splitlines()
    monkeypatch.setattr(probe, "_seconds", lambda *given: 1.0)
    widths.clear()
    ended = command(f"{line} sweep.fuse=auto")
    assert "note: sweep.fuse=auto: none train as one program" in ended.err.splitlines()
    assert widths == []


def test_what_cannot_be_fused_trains_by_itself(command, widths, own_module) -> None:
    own_module("other_optimizers", "from torch.optim import Adagrad as Own\n")
    line = (
        f"{SMALL} {RATES} optimizer=adam,other_optimizers.Own states=off tracking=off sweep.fuse=3"
    )
    ended = command(line)
    assert ended.status == 0, ended.err
    assert set(widths) == {3}
    why = "what cannot be fused trains by itself: Adagrad is none of Adam, AdamW, SGD, RMSprop"
    assert f"note: {why}" in ended.err.splitlines()


RANGE = "must be auto, off or a whole number in [1, 4096]"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("sweep.fuse=0", f"{RANGE}, got 0"),
        ("sweep.fuse=on", f"{RANGE}, got 'on'"),
        ("sweep.fuse=2,4", "must be one, got 2,4"),
        (
            "sweep.fuse=2 train.ema=0.9",
            "must be off or auto for what cannot be fused, got 2; train.ema is asked for",
        ),
    ],
)
def test_bad_words_are_refused_in_one_line(command, folder, words, line) -> None:
    ended = command(f"{SMALL} {RATES} {words}")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines() == [f"error: sweep.fuse {line}"]
    assert not (folder / ".runner").exists()


def test_a_notebook_trains_jobs_one_by_one(folder) -> None:
    from runner.api import run
    from runner.errors import Mistake

    with pytest.raises(Mistake, match=r"sweep\.fuse must be off in a notebook or script, got 4"):
        run(f"{SMALL} {RATES} sweep.fuse=4 tracking=off")


LONG = SMALL.replace("train.steps=12 train.eval_every=4", "train.steps=100000")


@pytest.mark.parametrize(
    ("times", "workers"), [pytest.param(1, 2, marks=pytest.mark.stress), (2, 1)]
)
def test_interrupted_jobs_are_recorded_as_killed(shell, store, eventually, times, workers) -> None:
    process = shell(f"{LONG} lr=0.001,0.002,0.003,0.004 sweep.fuse=2 sweep.workers={workers}")
    expected = 2 * workers
    eventually(lambda: len([r for r in store.runs() if r.data.metrics]) == expected)
    for _ in range(times):
        os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert {run.info.status for run in store.runs()} == {"KILLED"}
    assert len(store.runs()) == expected


@pytest.mark.stress
def test_a_process_that_is_killed_fails_its_jobs_alone(shell, store, eventually) -> None:
    """Those that trained beside begin again, each by itself."""
    line = SMALL.replace("train.steps=12 train.eval_every=4", "train.steps=1500")
    process = shell(f"{line} lr=0.001,0.002,0.003,0.004 sweep.fuse=2 sweep.workers=2 states=off")
    eventually(lambda: len(store.runs()) == 4)
    begun = psutil.Process(process.pid).children(recursive=True)
    worker = next(one for one in begun if one.ppid() != process.pid)  # the fork server's
    worker.kill()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert len(re.findall("FINISHED", out)) == 4, out
    fused = [run.data.tags.get("fused") for run in store.runs() if run.info.status == "FINISHED"]
    assert sorted(map(str, fused)) == ["2", "2", "None", "None"]
