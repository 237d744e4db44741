"""Runs and studies from Python: what they return, refuse and leave behind in the process."""

import random
import shlex
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from runner.api import Mistake, results, run, study
from runner.results.answer import winner

QUADRATIC = "model=quadratic dataset=none schedule=constant optimizer=sgd threads=1"
SHORT = f"{QUADRATIC} lr=0.1 train.steps=4 train.eval_every=2"
OFF = f"{SHORT} tracking=off"
SMALL = "model=linear train.epochs=null train.steps=12 train.eval_every=4 threads=1"
SEARCH = f"-m hydra/sweeper=optuna {SHORT} 'lr=tag(log, interval(1e-3, 0.5))'"


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of a person's own, that can be written anew."""
    module = ModuleType("mine")
    monkeypatch.setitem(sys.modules, "mine", module)
    return module


def test_a_run_is_what_the_store_has_of_it(store: Any) -> None:
    one = run(f"{SMALL} lr=0.01")
    [recorded] = store.runs()
    assert (one.run_id, one.status) == (recorded.info.run_id, "FINISHED")
    arrays = store.records(recorded)
    assert one.records.keys() == arrays.keys()
    assert all(np.array_equal(one.records[key], arrays[key]) for key in arrays)
    assert one.metrics == {key: recorded.data.metrics[key] for key in one.metrics}
    assert one.records["val/loss@step"].tolist() == [4, 8, 12]
    again = run(one.command.removeprefix("python -m runner "), quiet=True)
    assert np.array_equal(again.records["train/loss"], one.records["train/loss"])


def test_words_are_one_text_several_or_a_list(folder: Path) -> None:
    given = [(f"{OFF} lr=0.2",), (OFF, "lr=0.2"), (shlex.split(OFF), ["lr=0.2"])]
    assert {tuple(run(*words, quiet=True).records["train/lr"]) for words in given} == {(0.2,) * 4}


def test_a_grid_is_a_list_in_its_order(store: Any) -> None:
    found = run(f"-m {SHORT} lr=0.1,0.2 seed=0,1")
    assert [tuple(one.records["train/lr"][:1]) for one in found] == [(0.1,)] * 2 + [(0.2,)] * 2
    assert [one.result.seed for one in found] == [0, 1, 0, 1]
    assert [one.run_id for one in found] == [one.info.run_id for one in store.runs()]


def test_a_configuration_that_sweeps_itself_is_a_list_too(folder: Path) -> None:
    found = run("+experiment=quadratic_rates tracking=off train.steps=2", quiet=True)
    assert len(found) > 1
    assert {one.status for one in found} <= {"FINISHED", "DIVERGED"}


def test_a_run_that_goes_wrong_is_returned(folder: Path, mine: ModuleType) -> None:
    class Broken(torch.nn.Module):
        calls = 0

        def __init__(self) -> None:
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor(1.0))

        def forward(self) -> torch.Tensor:
            Broken.calls += 1
            if Broken.calls > 20:
                raise RuntimeError("broken inside")
            return self.w**2

    mine.Broken = Broken  # type: ignore[attr-defined]
    one = run(f"{OFF} model._target_=mine.Broken ~model.w train.steps=40", quiet=True)
    assert (one.status, "broken inside" in one.reason) == ("FAILED", True)
    assert one.details.endswith("RuntimeError: broken inside\n")
    far = run(f"{OFF} lr=1e30 train.steps=9", quiet=True)
    assert far.status == "DIVERGED"
    assert far.reason in repr(far)


@pytest.mark.parametrize(
    ("call", "words", "text"),
    [
        (run, "lrr=1", "unknown key 'lrr' (did you mean 'lr'?)"),
        (run, 3, "words must be text, or lists of text, got 3; 'lr=0.1 seed=1'"),
        (run, None, "words must be text, or lists of text, got None"),
        (study, {"lr": 1}, "words must be text, or lists of text, got {'lr': 1}"),
        (results, None, 'name must be text, got None; "" means what was recorded last'),
        (lambda uri: results(uri=uri), 3, "uri must be text, or None, got 3"),
        (run, "'lr=1", "cannot read 'lr=1; no closing quotation"),
        (run, "--cfg job", "--cfg is for a terminal; python -m runner --cfg"),
        (run, "study=decay_rate", "this is a search; study(...) makes it"),
        (study, "model=mlp", "this is no search; name one, such as study=quickstart; run(...) tr"),
        (study, "study=decay_rate hydra/launcher=joblib", "hydra's launcher, sweeper and callbac"),
        (
            study,
            f"{SEARCH} study.workers=2 model._target_=__main__.Net",
            "study.workers must be 1 where a class or function is of __main__, which other",
        ),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: Any, words: Any, text: str
) -> None:
    from runner.training.models import Quadratic

    monkeypatch.setattr(sys.modules["__main__"], "Net", Quadratic, raising=False)
    with pytest.raises(Mistake) as found:
        call(words)
    assert str(found.value).startswith(text)
    assert found.value.__context__ is None  # a notebook shows what lies behind, too
    assert list(folder.iterdir()) == []


def test_few_lines_are_printed_or_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"{OFF} train.steps=200 train.eval_every=1"
    run(words, quiet=True)
    assert capsys.readouterr() == ("", "")
    run(words)
    steps = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step ")]
    assert [int(line.split()[1]) for line in steps] == [1, *range(20, 201, 20)]
    run(f"-m {words} seed=range(30)")
    lines = capsys.readouterr().out.splitlines()
    numbers = [int(line[1:].partition("/")[0]) for line in lines if line.startswith("[")]
    assert numbers == [1, *range(3, 31, 3)]
    assert not any(line.startswith("step ") for line in lines)


def test_generators_and_threads_are_left_as_they_were(folder: Path) -> None:
    def drawn() -> tuple[float, float, float, int]:
        figures = random.random(), float(np.random.rand()), float(torch.rand(()))
        return *figures, torch.get_num_threads()

    def seed() -> None:
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seed()
        alone = drawn()
        seed()
        run(OFF, quiet=True)
        assert drawn() == alone
    finally:
        torch.set_num_threads(before)


def test_code_and_options_that_were_written_anew_count(folder: Path, mine: ModuleType) -> None:
    def define(start: float, rate: float) -> None:
        class Point(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.w = torch.nn.Parameter(torch.tensor(start))

            def forward(self) -> torch.Tensor:
                return self.w**2

        mine.Point, mine.rate = Point, lambda step: rate  # type: ignore[attr-defined]

    words = f"{OFF} model._target_=mine.Point ~model.w schedule=function"
    for start, rate in ((1.0, 0.1), (2.0, 0.2)):
        define(start, rate)
        one = run(f"{words} schedule.function=mine.rate lr=1.0", quiet=True)
        assert one.records["train/loss"][0] == start**2
        assert one.records["train/lr"].tolist() == pytest.approx([rate] * 4)
    option = folder / "own" / "schedule" / "later.yaml"
    option.parent.mkdir(parents=True)
    words = f"--config-dir own {SEARCH} tracking=off study.trials=1 study.confirm_seeds=0"
    with pytest.raises(Mistake, match="schedule must be one of"):
        study(words, "schedule=constant,later", quiet=True)
    option.write_text("_target_: schedules.Constant\nlr: ${lr}\n")
    assert len(study(words, "schedule=constant,later", quiet=True).trials) == 1


def test_data_that_were_written_anew_count(folder: Path, mine: ModuleType) -> None:
    from runner.training.data import Dataset, Split

    def define(value: float) -> None:
        def data() -> Dataset:
            points = torch.full((30, 2), value)
            parts = [Split(points[i::3], torch.arange(10) % 2) for i in range(3)]
            return Dataset(*parts, classes=2)

        mine.data = data  # type: ignore[attr-defined]

    words = "model=linear dataset._target_=mine.data ~dataset.split_seed ~dataset.train_size"
    words += " schedule=constant optimizer=sgd lr=0.1 train.steps=2 train.batch_size=10"
    losses = []
    for value in (1.0, 50.0):
        define(value)
        losses.append(run(words, "tracking=off threads=1", quiet=True).records["train/loss"][0])
    assert losses[1] > 2 * losses[0]


def test_a_thread_may_run_and_two_take_turns(folder: Path) -> None:
    words = f"{OFF} model=mlp model.dropout=0.5 dataset=mnist_5k train.steps=60"
    found = {}

    def train(seed: int) -> None:
        found[seed] = run(words, f"seed={seed}", quiet=True).records["train/loss"]

    threads = [threading.Thread(target=train, args=(seed,)) for seed in (0, 1)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for seed in (0, 1):
        alone = run(words, f"seed={seed}", quiet=True).records["train/loss"]
        assert np.array_equal(found[seed], alone)


def test_a_study_answers_with_what_it_prints_and_goes_on(
    store: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"{SEARCH} study.trials=3 study.confirm_seeds=2"
    answer = study(words)
    out = capsys.readouterr().out
    assert answer.status == "FINISHED"
    assert f"study     {answer.name}: 0 of 3 trials done" in out
    assert answer.verdict in out.splitlines()
    assert f"repeat    {answer.command}" in out.splitlines()
    assert [row.number for row in answer.trials] == [0, 1, 2]
    assert answer.best == min(answer.trials, key=lambda row: row.objective)
    assert answer.winner == winner(answer.confirmed, answer.baseline, answer.goals[0])
    assert answer.winner is not None
    assert answer.values == answer.winner.values
    more = study(words.replace("trials=3", "trials=5"), quiet=True)
    assert (more.name, len(more.trials), more.trials[:3]) == (answer.name, 5, answer.trials)
    assert capsys.readouterr() == ("", "")


def test_a_study_whose_trials_crash_has_failed(store: Any, mine: ModuleType) -> None:
    class Broken(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor(1.0))
            self.calls = 0

        def forward(self) -> torch.Tensor:
            self.calls += 1
            if self.calls > 10:
                raise RuntimeError("broken inside")
            return self.w**2

    mine.Broken = Broken  # type: ignore[attr-defined]
    words = f"{SEARCH} study.trials=3 model._target_=mine.Broken ~model.w train.steps=40"
    answer = study(f"{words} study.max_failures=0", quiet=True)
    assert (answer.status, answer.best) == ("FAILED", None)


def test_a_metric_is_what_its_name_means_now(store: Any, mine: ModuleType) -> None:
    mine.error = lambda outputs, targets: (outputs.argmax(1) != targets).float().mean()  # type: ignore[attr-defined]
    words = f"study=decay_rate {SMALL} study.trials=2 study.confirm_seeds=0 study.baseline=false"
    metric = "task.metrics.score={{_target_: mine.error, direction: {}}}"
    for direction in ("maximize", "minimize"):
        given = [*shlex.split(words), metric.format(direction), "task.metric=score"]
        [goal] = study(given, quiet=True).goals
        assert (goal.metric, goal.direction) == ("val/score", direction)
