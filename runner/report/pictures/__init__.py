"""Pictures of a study: what they show is plain data, of which files are drawn, a PNG each.

A better value is darker; the answer, the best of the search and the baseline stand out. An axis of
values leaves out what lies far on the worse side, which has a strip of its own beyond it.

Files are drawn by matplotlib: it comes with MLflow (0 MB more), needs no browser and no network,
and takes 0.3 to 1 s for 200 trials. Measured beside it, for files and pages alike: Vega-Lite with
vl-convert takes 84 MB, 1.2 to 2.3 s for 200 traces and 0.90 MB of JavaScript a page, but has no
parallel axes to brush; plotly (64 MB) and Bokeh (32 MB) need a browser for a PNG, and 4.82 and
1.27 MB a page; pygal (2 MB) makes SVG only. So files stay with matplotlib, and a page is to draw
the same data by a small script of its own, or by Vega, whose bundle is the smallest.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from runner.report.pictures.figure import figure, save
from runner.report.pictures.grid import grid
from runner.report.pictures.history import history
from runner.report.pictures.importance import importance
from runner.report.pictures.parallel import parallel
from runner.report.pictures.picture import Picture
from runner.report.pictures.slices import slices
from runner.report.pictures.traces import MOST_TRACES, traces
from runner.report.pictures.trials import Trials

__all__ = ["MOST_TRACES", "Picture", "Trials", "draw", "every", "grid", "importance"]


def every(trials: Trials, rates: Mapping[int, NDArray[Any]]) -> dict[str, Picture]:
    """Return the pictures of a study's trials by name.

    rates: trial number -> the rate of each step from 0.
    """
    return {
        "history": history(trials),
        "slices": slices(trials),
        "parallel": parallel(trials),
        "traces": traces(trials.rows, rates, trials.definition.goals[0], trials.marks),
    }


def draw(picture: Picture, file: Path) -> None:
    """Write a picture as a PNG; where there is nothing to say there is no file."""
    file.unlink(missing_ok=True)
    if picture.panels or picture.empty:
        save(figure(picture), file)
