"""A person's own data sets of torch's kind, from the command line to the record."""

import contextlib
import multiprocessing
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from schedules import Horizon

MINE = """\
import os
import random
import time
import numpy as np
import torch
from torch.utils.data import Dataset as Torchs, IterableDataset, get_worker_info
from runner.training import Dataset

class Points(Torchs):
    def __init__(self, n, how=""):
        self.n, self.how = n, how
    def __len__(self):
        return self.n
    def __getitem__(self, i):
        how, last = self.how, i == self.n - 1
        if how == "raises" or (how == "late" and last):
            return {}["inputs"]
        if how == "dies" and get_worker_info():
            os._exit(3)
        if how == "slow":
            time.sleep(0.001)
        if how == "no label" and i == 5:
            return torch.zeros(4), None
        if how == "no input" and i == 5:
            return None, 0
        if how == "keys":
            return {"a": torch.zeros(2), "b" if i == 5 else "c": torch.zeros(2), "label": 0}
        if how == "odd" and i == 5:
            return {1, 2}, 0
        if how == "gradient":
            return torch.ones(4, requires_grad=True), 0
        if how == "words":
            return "hello", 0
        if how == "hangs" and get_worker_info() and get_worker_info().id == 0:
            open("hangs", "w").close()
            time.sleep(600)
        label = 9 if how == "label" and last else i % 2
        size = 5 if how == "ragged" and last else 4
        return torch.randn(size) + i % 2, label

class NoLength:
    def __getitem__(self, i):
        return torch.zeros(4), 0

class Stream(IterableDataset):
    def __init__(self, how=""):
        self.how = how
    def __iter__(self):
        for i in range(0 if self.how == "empty" else 50):
            yield torch.randn(4) + i % 2, i % 2

def data(how="", n=40):
    return Dataset(Points(n, how), Points(20), Points(20), classes=2)

class Jitter:
    def __init__(self):
        self.rngs = [np.random.default_rng(0), np.random.RandomState(0), random.Random(0)]
        self.generator = torch.Generator().manual_seed(0)
    def __call__(self, x):
        first, second, third = self.rngs
        shift = first.normal() + second.normal() + third.gauss(0, 1)
        return x + shift + torch.randn(4, generator=self.generator)

class Jittered(Points):
    def __init__(self, n):
        super().__init__(n)
        self.transform = Jitter()
    def __getitem__(self, i):
        return self.transform(torch.zeros(4)) + i % 2, i % 2

class JitteredStream(IterableDataset):
    def __init__(self):
        self.transform = Jitter()
    def __iter__(self):
        for i in range(50):
            yield self.transform(torch.zeros(4)) + i % 2, i % 2

def jittered(stream=False):
    train = JitteredStream() if stream else Jittered(40)
    return Dataset(train, Jittered(20), Jittered(20), classes=2)

class Rare(Torchs):
    def __init__(self, at, texts=False):
        self.at, self.texts = at, texts
    def __len__(self):
        return 300
    def __getitem__(self, i):
        if self.texts:
            return torch.zeros(3).long(), torch.full((3,), 1 if i in self.at else -100)
        return torch.zeros(4), int(i in self.at)

def rare(has=False):
    return Dataset(Rare({95}), *[Rare({7} if has else {})] * 2, classes=2)  # seldom among 250

def texts(has=True):
    return Dataset(Rare({95}, True), *[Rare({7} if has else {}, True)] * 2, classes=5)

def both(scores, labels):
    if len(set(labels.tolist())) < 2:
        raise ValueError("needs two classes")
    return 1.0

class Bigrams(torch.nn.Embedding):
    def __init__(self):
        super().__init__(5, 5)

def once():
    return Dataset(((torch.zeros(4), 0) for _ in range(99)), Points(20), Points(20), classes=2)

def unsized():
    return Dataset(NoLength(), Points(20), Points(20), classes=2)

def stream(how=""):
    return Dataset(Stream(how), Points(20), Points(20), classes=2)

def streams():
    return Dataset(Points(20), Stream(), Points(20), classes=2)

def named():
    return Dataset(Points(20), Points(20), Points(20), classes=2, target_key="y")

class Normed(torch.nn.Sequential):
    def __init__(self, input_shape, classes):
        super().__init__(torch.nn.BatchNorm1d(4), torch.nn.Linear(4, classes))
"""
LINE = (
    "model=mlp dataset=none dataset._target_=mine.{} threads=1 train.batch_size=8 train.epochs=2 "
)


@pytest.fixture(autouse=True)
def mine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "data +dataset.how=raises",
            r"dataset.train fails at sample \d+ with KeyError: 'inputs' \(mine.py, line 17\)",
        ),
        (
            "data +dataset.how=dies dataset.workers=1",
            r"dataset.workers: a worker that reads the data died: DataLoader worker .*; 0 reads .*",
        ),
        (
            "data +dataset.how=words",
            "dataset.train.inputs must be tensors, arrays or numbers, got builtins.str at sample "
            "11; or .*",
        ),
        (
            "data +dataset.how=ragged +dataset.n=8",
            r"dataset.train.inputs must be of one shape in a batch, got \(\d,\) at sample \d, .*",
        ),
        (
            "data +dataset.how=label +dataset.n=8",
            r"dataset.train.targets must lie in \[0, 2\), got 9 at sample 7",
        ),
        *(
            (f"data train.batch_size=40 +dataset.how={how} dataset.workers={workers}", message)
            for workers in (0, 1)
            for how, message in {
                "'no label'": "dataset.train.targets must be tensors, arrays or numbers, got "
                "builtins.NoneType at sample 5; or .*",
                "'no input'": "dataset.train.inputs must be tensors, arrays or numbers, got "
                "builtins.NoneType at sample 5; or .*",
                "odd": "dataset.train.inputs must be tensors, arrays or numbers, got builtins.set "
                "at sample 5; or .*",
                "gradient": "dataset.train.inputs must be made without a gradient; with .*",
            }.items()
        ),
        (
            "data +dataset.n=8 +dataset.how=keys",
            "dataset.train.inputs must have the same keys in each sample, got a, b at sample 5, "
            r"a, c at \d",
        ),
        (
            "once train.epochs=null train.steps=3",
            "dataset.train must begin anew each time it is iterated, got generator; a class .*",
        ),
        ("data +dataset.n=0", "dataset.train must hold at least one sample, got none"),
        (
            "data dataset.workers=-1",
            r"dataset.workers must be a whole number in \[0, 256\], got -1",
        ),
        (
            "unsized",
            "dataset.train must have __len__ beside __getitem__, or be an IterableDataset, got .*",
        ),
        (
            "streams",
            r"dataset.val must be a runner.training.Split, got the stream Stream; or have .*",
        ),
        (
            "stream",
            "train.steps must be given instead of train.epochs, as the training data are a stream",
        ),
        (
            "stream dataset.workers=2",
            "dataset.workers must be 0 or 1, as the training data are a stream, .* got 2",
        ),
        ("stream +dataset.how=empty", "dataset.train must give at least one sample, got none"),
        (
            "stream +dataset.train_size=5",
            "dataset.train_size must be null, as the training data are a stream, got 5",
        ),
        (
            "data +dataset.n=17 model._target_=mine.Normed",
            "the last batch has one sample of 17, .*; choose another train.batch_size, or "
            "train.drop_last=true",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line_and_nothing_is_created(command, folder, words, message):
    target, _, more = words.partition(" ")
    if "model." in more:
        more = f"~model.hidden ~model.dropout {more}"
    found = command(f"{LINE.format(target)} {more}")
    assert (found.status, found.out) == (2, "")
    assert re.fullmatch(f"error: {message}\n", found.err), found.err
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == [
        "mine.py"
    ]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_sample_that_fails_later_ends_the_run_with_its_line(command, workers):
    line = LINE.format("data") + "+dataset.how=late +dataset.n=4000 tracking=off"
    found = command(f"{line} dataset.workers={workers}")
    assert found.status == 1
    last = (
        r"FAILED: Unreadable: dataset.train fails at sample 3999 with KeyError: 'inputs' \(mine.py"
    )
    assert re.search(f"^{last}", found.out + found.err, re.MULTILINE)
    assert not multiprocessing.active_children()


def test_the_record_is_the_same_whoever_reads(command, store):
    for workers in (0, 2, "null"):
        assert command(f"{LINE.format('data')} dataset.workers={workers}").status == 0
    zero, two, usual = (store.records(run) for run in store.runs())
    for found in (two, usual):
        for key in zero.keys() - {"time_ms"}:
            assert (zero[key] == found[key]).all()
    prints = {run.data.tags["fingerprint"] for run in store.runs()}
    assert len(prints) == 1


def test_an_epoch_leaves_out_what_makes_no_whole_update(command, store):
    line = LINE.format("data") + "+dataset.n=30 train.drop_last=true"
    assert command(line).status == 0
    assert command(f"{line} train.accumulate=2").status == 0
    one, two = (store.records(run)["train/lr"] for run in store.runs())
    assert (len(one), len(two)) == (2 * 3, 2 * 1)


def test_the_samples_of_an_epoch_are_those_that_it_sees(job):
    line = LINE.format("data") + "+dataset.n=30"
    assert job(line).trial.horizon == Horizon(8, 4, 30)
    assert job(f"{line} train.drop_last=true").trial.horizon == Horizon(6, 3, 24)
    assert job(f"{line} train.drop_last=true train.accumulate=2").trial.horizon == Horizon(2, 1, 16)


def test_a_stream_is_trained_for_some_steps_and_says_what_it_cannot(command, store):
    line = LINE.format("stream").replace("train.epochs=2", "train.steps=30 train.eval_every=10")
    found = command(line)
    assert found.status == 0
    lacks = "has no state_dict and load_state_dict"
    assert f"none are gone on from: the stream of training data {lacks}" in found.err
    assert "one epoch" not in found.err
    (run,) = store.runs()
    assert list(store.history(run, "val/loss")) == [10, 20, 30]
    again = command(f"-m {line} schedule=wsd schedule.decay_steps=4,8")
    assert (again.status, again.err.count("FAILED")) == (0, 0)


def test_data_in_memory_have_no_workers(command):
    found = command("model=mlp train.steps=2 dataset.workers=2 tracking=off threads=1")
    assert found.status == 0
    assert "note: dataset.workers does nothing: all data are in memory" in found.err


def test_what_takes_long_to_read_is_read_by_workers(job):
    def count(words):
        made = job(f"{LINE.format('data')} {words} threads=2")
        return made.data.train.workers.count

    assert count("") == 0
    assert count("+dataset.how=slow train.batch_size=40") == 2
    assert count("+dataset.how=slow train.batch_size=40 dataset.workers=0") == 0


def is_alive(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture
def endless(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run with two workers that has begun, in a group of its own, as a terminal starts it."""
    line = LINE.format("data") + "+dataset.how=slow +dataset.n=100000 dataset.workers=2"
    words = shlex.split(f"{line} tracking=off train.eval_every=20")
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    next(line for line in process.stdout or () if line.startswith("step "))
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("to", [os.killpg, os.kill], ids=["its group", "it alone"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_run_and_its_workers(endless, to, number, eventually):
    workers = psutil.Process(endless.pid).children()
    assert len(workers) == 2
    to(endless.pid, number)
    out, err = endless.communicate(timeout=60)
    assert endless.returncode == 130, err
    assert err == "\nstopping after this step (again: at once)\n"
    assert re.search(r"^KILLED: interrupted after \d+ steps$", out, re.MULTILINE)
    assert not any(map(is_alive, workers))


@pytest.mark.stress
def test_the_workers_of_a_run_that_is_killed_end_by_themselves(endless, eventually):
    workers = psutil.Process(endless.pid).children()
    endless.kill()
    assert len(workers) == 2
    eventually(lambda: not any(map(is_alive, workers)))


def test_what_a_few_samples_lack_all_of_them_may_have(command, folder) -> None:
    line = f"{LINE.format('rare')} tracking=off"
    metric = "'task.metrics.both={_target_: mine.both, direction: maximize}'"
    found = command(f"{line} +dataset.has=true {metric}")
    assert found.status == 0, found.err
    assert "val both 1" in found.out
    found = command(f"{line} {metric}")
    assert (found.status, found.out) == (2, "")
    assert "task.metrics.both must take outputs (300, 2) and targets (300,)" in found.err


def test_texts_of_which_a_few_are_all_padding(command, folder) -> None:
    line = f"{LINE.format('texts')} tracking=off task=language model._target_=mine.Bigrams"
    line = f"{line} ~model.hidden ~model.dropout"
    found = command(line)
    assert found.status == 0, found.err
    assert re.search(r"val loss \d\.\d+ +val perplexity \d", found.out)
    found = command(f"{line} +dataset.has=false")
    assert (found.status, "Traceback" in found.out) == (1, False)
    assert "targets must hold one that counts in the loss, got none" in found.out + found.err


@pytest.mark.parametrize("stream", ["false", "true"])
def test_bits_depend_on_no_place_in_a_grid_where_data_hold_generators(
    command, store, stream: str
) -> None:
    line = f"{LINE.format('jittered')} +dataset.stream={stream} train.epochs=null train.steps=12"
    line = f"{line} train.eval_every=5"
    assert command(f"{line} lr=0.2").status == 0
    assert command(f"{line} -m lr=0.1,0.2 dataset.workers=1").status == 0
    alone, _, second = (store.records(run) for run in store.runs())
    for key in ("train/loss", "val/loss"):
        assert alone[key].tolist() == second[key].tolist()
