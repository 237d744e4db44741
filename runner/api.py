"""Runs, studies and tables of them from Python: what a command line does, in a notebook or script.

>>> from runner.api import run
>>> words = "model=quadratic dataset=none schedule=exponential optimizer=sgd lr=0.1 train.steps=4"
>>> one = run(words, "tracking=off", quiet=True)
>>> one.status.name, one.metrics["val/loss"] < 10, one.records["train/lr"].shape
('FINISHED', True, (4,))
"""

import functools
import os
import shlex
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from runner.errors import Mistake, one_line

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from runner.config.request import Request
    from runner.config.settings import Settings
    from runner.results.answer import Answer
    from runner.results.records import Records
    from runner.results.result import Result, Status
    from runner.training.own_loop import Run as OwnRun

__all__ = ["Mistake", "Run", "attach", "results", "run", "study"]

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as python -m runner does, see there
warnings.filterwarnings("ignore", "IProgress not found")  # of tqdm, which MLflow loads

LINES = 10  # of a run's progress, or a study's; the last lines say what came out
Words = str | Sequence[str]
P = ParamSpec("P")
T = TypeVar("T")
_one_at_a_time = threading.RLock()  # runs share torch's generators and threads


@dataclass(frozen=True)
class Run:
    """A run that has ended, well or not.

    result: all that is known of it, see `runner.results.result.Result`.
    """

    result: "Result"
    _records: "Records" = field(repr=False, compare=False)

    @property
    def status(self) -> "Status":
        """How it ended: FINISHED, DIVERGED, FAILED or KILLED, which compare with text."""
        return self.result.status

    @property
    def reason(self) -> str:
        """Why it did not finish, on one line."""
        return self.result.reason

    @property
    def details(self) -> str:
        """The traceback of a failure."""
        return self.result.details

    @property
    def metrics(self) -> Mapping[str, float]:
        """The last figures, by "val/loss", "test/accuracy" and the like."""
        return self.result.metrics

    @functools.cached_property
    def records(self) -> "Mapping[str, np.ndarray]":
        """All figures as arrays, as in records.npz: of each update "train/lr", "train/loss" and
        the like, all of shape (updates,); of each evaluated KEY its values and "KEY@step"."""
        return self._records.arrays()

    @property
    def command(self) -> str:
        """The command that repeats it."""
        return self.result.command

    @property
    def run_id(self) -> str:
        """Its id in the first tracker, "" where it is not recorded."""
        return self.result.link.run_id if self.result.link else ""

    def __repr__(self) -> str:
        figures = "".join(f", {key}={value:.6g}" for key, value in self.metrics.items())
        reason = f", {self.reason}" if self.reason else ""
        return f"Run({self.result.name}: {self.status.value}{reason}{figures})"


def _told(call: Callable[P, T]) -> Callable[P, T]:
    """Let a mistake be one line, without the way that it came."""

    @functools.wraps(call)
    def told(*args: P.args, **named: P.kwargs) -> T:
        __tracebackhide__ = True  # in what pytest shows
        try:
            return call(*args, **named)
        except Mistake as mistake:
            text = one_line(mistake)
        raise Mistake(text)

    return told


@_told
def run(*words: Words, quiet: bool = False) -> "Run | Any":
    """Train as `python -m runner` does, and return a Run; of a grid (`-m`) a list of them in order.

    words: a command line as one text, or its words. quiet: print nothing.

    A class or function that a notebook or script defines is `__main__.NAME` behind `_target_=`.

    A run that diverges, or fails in a model's own code, is returned with that status. So is one
    that Ctrl-C ends after its step: a loop of runs has to look whether it is KILLED. A second
    Ctrl-C raises KeyboardInterrupt.

    Raises Mistake before anything is created, for whatever does not fit together.
    """
    from runner import entry
    from runner.results.records import Records

    def start(settings: "Settings") -> "Result":
        records = Records()
        return replace(entry.start(settings, listeners=[records]), records=records)

    with _training(quiet):
        asked = _asked(words)
        if asked.is_study:
            raise Mistake("this is a search", advice="study(...) makes it")
        found = entry.train(asked, start)
    runs = [Run(result, result.records or Records()) for result in found]
    return runs if asked.is_multirun else runs[0]


@_told
def study(*words: Words, quiet: bool = False) -> "Answer":
    """Search as `python -m runner` does, or go on with a search, and return its answer.

    words: a command line as one text, or its words. quiet: print nothing.

    The first Ctrl-C ends it after a step, with the answer so far and status KILLED; the same words
    go on. A second one raises KeyboardInterrupt.

    Raises Mistake before anything is created, for whatever does not fit together.
    """
    from runner import entry

    with _training(quiet):
        asked = _asked(words)
        if not asked.is_study:
            advice = "name one, such as study=quickstart; run(...) trains without a search"
            raise Mistake("this is no search", advice=advice)
        return entry.search(asked)


@_told
def results(name: str = "", uri: str | None = None) -> "pd.DataFrame":
    """Return what MLflow has recorded of a study, a sweep or an experiment, a row a run.

    name: as `python -m runner.ui` takes it: of a study, a sweep, an experiment or a run's id; of
    studies' preset, of which the newest is meant; "" for what was recorded last. uri: of the store,
    None for MLFLOW_TRACKING_URI or mlflow.db in the working folder.

    The columns: the trial and seed, how the run ended and its seconds; the parameters in which runs
    differ; its metrics as they were last; its name and id, its kind (run, job, trial or confirm)
    and of which study or sweep it is; the other parameters. A study's trials come first, in order,
    then the runs that confirm its answer.

    Raises Mistake for what is not there.
    """
    from runner.addresses import refuse_password
    from runner.tracking.mlflow import MLflow

    if not isinstance(name, str):
        raise Mistake("name", "must be text", repr(name), '"" means what was recorded last')
    if not isinstance(uri, str | None):
        raise Mistake("uri", "must be text, or None", repr(uri), "'sqlite:///mlflow.db'")
    refuse_password(uri, "uri")
    return MLflow(uri).table(name)


@_told
def attach() -> "OwnRun":
    """Return the run of a script that the runner has started, for its own training loop.

        python -m runner train.steps=2000 schedule=cosine -- python train.py --width 64

    What a run is asked and told: `runner.training.own_loop.Run`. Everything is seeded by this call:
    build the model behind it. A key as in loop.width=64 is run.keys["width"], and fills {width} in
    the command. The run ends when the script does. Where several processes train together
    (torchrun), each calls it, behind `torch.distributed.init_process_group()`.

    Raises Mistake where nothing has started the script.
    """
    from runner.training import attached

    return attached.attach()


@contextmanager
def _training(quiet: bool) -> Iterator[None]:
    """Train as the only one in this process, and leave it as it was. What was built of a person's
    code before is built anew, since it may have changed."""
    from runner.interrupts import Loading
    from runner.report.audience import Audience, listening
    from runner.report.strays import tame

    tame()
    with _one_at_a_time, Loading(), listening(Audience(LINES, quiet)):
        from runner import provenance
        from runner.build.forget import forget
        from runner.states import store
        from runner.training.devices import borrowed

        forget()
        store.forget()
        provenance.kept_git.cache_clear()
        with borrowed():
            yield


def _asked(words: Sequence[Words]) -> "Request":
    """Return what words ask for. Raises Mistake for what a terminal alone can have."""
    from runner.config.request import read_line, request

    line = read_line(_split(words))
    if line.asks_hydra:
        flag = next(flag for flag in line.flags if flag not in ("-m", "--multirun"))
        raise Mistake(f"{flag} is for a terminal", advice=f"python -m runner {flag}")
    asked = request(line)
    if asked.is_left_to_hydra:
        must = "must be Hydra's usual ones for what runs in this process"
        advice = "study.workers=2 makes processes of its own; python -m runner takes the others"
        raise Mistake("hydra's launcher, sweeper and callbacks", must, advice=advice)
    return asked


def _split(words: Sequence[Words]) -> list[str]:
    """Return the words of a command line.

    >>> _split(["lr=0.1 'schedule.boundaries=[1, 2]'"]), _split([["lr=0.1", "seed=1"]])
    (['lr=0.1', 'schedule.boundaries=[1, 2]'], ['lr=0.1', 'seed=1'])
    >>> _split(["-m lr=0.1,0.2", "seed=1"])
    ['-m', 'lr=0.1,0.2', 'seed=1']
    """
    found: list[str] = []
    for one in words:
        if not isinstance(one, Iterable) or isinstance(one, bytes | Mapping):
            raise Mistake("words", "must be text, or lists of text", repr(one), "'lr=0.1 seed=1'")
        try:
            found += shlex.split(one) if isinstance(one, str) else map(str, one)
        except ValueError as error:
            raise Mistake(f"cannot read {one}", advice=str(error).lower()) from error
    return found
