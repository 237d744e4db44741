"""The picture of a grid: the learning rates of its runs, by what became of them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner import helper, private
from runner.build.rates import rates
from runner.errors import one_line
from runner.report import pictures
from runner.report.runs import by_setting
from runner.report.say import warn
from runner.results.result import Result, Status
from runner.sweep.launch import Job
from schedules import plot

FOLDER = Path(".runner") / "sweeps"
NAME = "traces.png"
_ENDED = (Status.FINISHED, Status.DIVERGED)


def draw(results: Sequence[Result], jobs: Sequence[Job]) -> Path | None:
    """Draw a grid and return the file; None where no run has ended by itself, or with a warning
    where there can be no picture.

    results: of the jobs, which know their settings.
    """
    if not any(result.status in _ENDED for result in results):
        return None
    name = folder_name(jobs[0].settings.tracking.experiment or "sweep")
    try:
        picture = pictures.grid(results, _used(results, jobs))
        file = private.folder(FOLDER / name) / NAME
        helper.do(pictures.draw, picture, file)
    except Exception as error:  # costs no sweep its end
        warn(f"there is no picture of the sweep: {one_line(error)}")
        return None
    return file if file.exists() else None


def folder_name(experiment: str) -> str:
    """Return an experiment's name as that of a folder, which is no longer.

    >>> folder_name("schedule,seed 2026-01-02 10:00:00"), folder_name("../")
    ('schedule-seed-2026-01-02-10-00-00', 'sweep')
    """
    return re.sub(r"[^\w.-]+", "-", experiment).strip("-.") or "sweep"


def _used(results: Sequence[Result], jobs: Sequence[Job]) -> Mapping[str, NDArray[np.float64]]:
    """Return the rates that were used by setting, of as many of the best as a picture holds."""
    settings = {result.setting: job.settings for result, job in zip(results, jobs, strict=True)}
    found = {}
    for first, *_ in by_setting(results)[: pictures.MOST_TRACES]:
        if first.steps or first.status in _ENDED:
            whole = rates(settings[first.setting]) if first.rates is None else first.rates
            if whole.max() <= plot.HIGHEST:
                found[first.setting] = whole[: max(first.steps, 1)]
    return found
