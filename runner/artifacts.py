"""The files of a run: configuration, recipe, trace as table and picture, records, weights."""

import csv
import functools
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runner import helper
from runner.build.setup import Setup
from runner.report.recorded import RECIPE, RECORDS
from runner.results.events import step_key
from runner.results.records import Records
from runner.training import weights
from runner.training.own_loop import LoopState
from schedules import plot

PICTURE = "trace.png"
OWN = "files"  # the folder of what a loop of a person's own has written


@dataclass(frozen=True)
class Kept:
    """What is kept of a run that not every run needs."""

    weights: bool = True
    picture: bool = True


def write(
    folder: Path, setup: Setup, records: Records, traceback: str = "", kept: Kept | None = None
) -> None:
    """Write the artifacts of a run into a folder.

    config.yaml: resolved. trace.csv: the rate of every update that was made, and what else was
    scheduled. trace.png: the same as a picture.
    recipe.json: what decides it, see `report.recorded`.
    records.npz: see Records.arrays. weights.safetensors: those that were kept. files: what a loop
    of a person's own has written into its folder.
    """
    (folder / "config.yaml").write_text(setup.settings.yaml())
    (folder / RECIPE).write_text(json.dumps(_decides(setup), indent=1, default=str))
    records.save(folder / RECORDS)
    kept = kept or Kept()
    if isinstance(setup.state, LoopState) and (own := setup.state.folder):
        shutil.copytree(own, folder / OWN)
    if traceback:
        (folder / "traceback.txt").write_text(traceback)
    traces = {name: records.column(step_key(name)) for name in setup.trial.numbers}
    _write_traces(folder, setup, traces, kept)
    if kept.weights and (found := setup.state.weights):  # last: a model may fail to give them
        weights.save(found, folder / "weights.safetensors")


def _decides(setup: Setup) -> dict[str, Any]:
    """Return what decides which states of a run another one can go on from."""
    return {
        "recipe": setup.trial.recipe.rows,
        "numbers": list(setup.trial.numbers),
        "evaluations": dict(setup.evaluations),
        "states": setup.settings.states.enabled,
    }


def _write_traces(folder: Path, setup: Setup, traces: dict[str, np.ndarray], kept: Kept) -> None:
    if not len(traces["lr"]):
        return
    write_table(folder / "trace.csv", traces)
    if kept.picture:
        name = setup.settings.choices.get("schedule", "learning rate")
        per_epoch = setup.steps_per_epoch
        rates = {name: traces.pop("lr")}
        others = {key: {name: values} for key, values in traces.items()}
        draw = functools.partial(plot.draw, steps_per_epoch=per_epoch, others=others)
        helper.do(draw, rates, folder / PICTURE)


def write_table(file: Path, columns: Mapping[str, np.ndarray]) -> None:
    """Write the step and columns of equal length, one row an update, with all digits."""
    with file.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["step", *columns])
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        table.writerows([step, *row] for step, row in enumerate(rows))
