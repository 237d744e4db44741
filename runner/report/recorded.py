"""What a run has recorded of what decides it, and why another one cannot go on from its states."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from runner.errors import Mistake
from runner.report.recipes import differences
from runner.report.words import aligned, counted
from runner.results.events import LR, step_key

RECIPE, RECORDS = "recipe.json", "records.npz"
_AT, _DIGITS = "@step", 12
_WRONG = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, EOFError)


@dataclass(frozen=True)
class Recorded:
    """A run, as its files say it.

    recipe: see `trial.Recipe.rows`. numbers: of all that follows a schedule, each step's value.
    evaluated: the steps at which it was evaluated. evaluations: names of what was, and how. states:
    whether its states were to be kept.
    """

    run_id: str
    recipe: Mapping[str, Any]
    numbers: Mapping[str, np.ndarray]
    evaluated: frozenset[int]
    evaluations: Mapping[str, str]
    states: bool

    @classmethod
    def read(cls, run_id: str, folder: Path) -> Self:
        """Return a run whose files lie in a folder. Raises Mistake for one without."""
        if not (folder / RECIPE).is_file() or not (folder / RECORDS).is_file():
            given = f"{run_id}, which is not over or recorded by an earlier version"
            raise Mistake("RUN", f"must be a run with {RECIPE} and {RECORDS}", given)
        try:
            decides = json.loads((folder / RECIPE).read_text())
            with np.load(folder / RECORDS) as arrays:
                numbers = {name: arrays[step_key(name)] for name in decides["numbers"]}
                keys = [key for key in arrays if "val/" in key and key.endswith(_AT)]
                evaluated = {int(step) for key in keys for step in arrays[key]}
            recipe, evaluations = dict(decides["recipe"]), dict(decides["evaluations"])
            return cls(
                run_id, recipe, numbers, frozenset(evaluated), evaluations, bool(decides["states"])
            )
        except (*_WRONG, zipfile.BadZipFile) as error:
            must = f"must have {RECIPE} and {RECORDS} as they were written"
            raise Mistake("RUN", must, f"{run_id}: {error}") from error

    @property
    def steps(self) -> int:
        """The updates that were made."""
        return min(map(len, self.numbers.values()), default=0)


def compared(one: Recorded, other: Recorded) -> list[str]:
    """Return lines: what differs between two runs first, and what else keeps them apart."""
    if rows := differences(one.recipe, other.recipe):
        heading = ["the recipes differ", *(run.run_id[:_DIGITS] for run in (one, other))]
        return [*aligned([heading, *rows]), *_unkept(one, other)]
    apart = {name: _parting(name, one, other) for name in (*one.numbers, *other.numbers)}
    common, step = min(one.steps, other.steps), min(apart.values(), default=0)
    if step >= common:
        lines = [f"nothing differs: {counted(common, 'step')} in common"]
    else:
        lines = [_said(name, step, one, other) for name, at in apart.items() if at == step]
    return [*lines, *_unkept(one, other), *_unevaluated(one, other, step)]


def _parting(name: str, one: Recorded, other: Recorded) -> int:
    """Return the first step at which a number differs; that behind all where none does."""
    if name not in one.numbers or name not in other.numbers:
        return 0
    common = min(one.steps, other.steps)
    differ = one.numbers[name][:common] != other.numbers[name][:common]
    return int(differ.argmax()) if differ.any() else common


def _said(name: str, step: int, one: Recorded, other: Recorded) -> str:
    """Return how a number differs from a step on.

    >>> runs = [
    ...     Recorded(rate, {}, {"lr": np.array([0.1, float(rate)])}, frozenset(), {}, True)
    ...     for rate in ("0.1", "0.01")
    ... ]
    >>> _said("lr", 1, *runs)
    'the learning rate differs from step 1 on: 0.1 and 0.01'
    """
    shown = "the learning rate" if step_key(name) == LR else name
    for run in (one, other):
        if name not in run.numbers:
            return f"{shown} follows a schedule, but not in {run.run_id}"
    values = (float(run.numbers[name][step]) for run in (one, other))
    return f"{shown} differs from step {step} on: {' and '.join(map(repr, values))}"


def _unkept(*runs: Recorded) -> Iterator[str]:
    """Yield of which runs no states are kept."""
    for run in runs:
        if not run.states:
            yield f"note      states were off in {run.run_id}"
        elif why := run.recipe.get("unnamed"):
            yield f"note      no states of {run.run_id} are kept: {why}"


def _unevaluated(one: Recorded, other: Recorded, stop: int) -> Iterator[str]:
    """Yield which evaluations before a step one run needs and the other has not made."""
    if one.evaluations.get("val") != other.evaluations.get("val"):
        yield "note      what is evaluated, or how, differs"
    for run, its in ((one, other), (other, one)):
        if alone := [step for step in run.evaluated - its.evaluated if step < stop]:
            yield f"note      only {run.run_id} was evaluated after {counted(min(alone), 'step')}"
