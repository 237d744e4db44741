"""The pictures of a study, drawn by the helper while it is asked what mattered."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from runner.build.rates import rates
from runner.config.configurator import Configurator
from runner.errors import Mistake
from runner.helper import Aside
from runner.report import pictures
from runner.results.definition import Definition
from runner.results.rows import Row, ranked
from schedules import plot


def draw(
    folder: Path,
    found: Sequence[Row],
    important: Callable[[], Mapping[str, float]],
    configurator: Configurator,
    definition: Definition,
    answer: int | None,
) -> None:
    """Draw all pictures into a folder.

    important: says how much each key decides, which takes seconds. answer: the number of the trial
    that fresh seeds confirmed.
    """
    with Aside() as aside:
        aside.begin(plot.load)
        counted = ranked(found, definition)
        last = [row for row in found if row.baseline or row.number == answer] + counted[:1]
        traced = [*(row for row in found if row not in last), *last]  # of many the last are drawn
        traces = _traces(traced, configurator)
        trials = pictures.Trials(found, definition, configurator.space, answer)
        for name, picture in pictures.every(trials, traces).items():
            aside.begin(pictures.draw, picture, folder / f"{name}.png")
        shares = pictures.importance(important())
        aside.begin(pictures.draw, shares, folder / "importance.png")


def _traces(found: Sequence[Row], configurator: Configurator) -> dict[int, np.ndarray]:
    """Return the learning rates of the trials, as if no evaluation came for those that listen."""
    traces = {}
    for row in [row for row in found if row.values][-pictures.MOST_TRACES :]:
        try:
            traces[row.number] = rates(configurator.settings(row.values))
        except Mistake:  # a trial that was refused has none
            continue
    return traces
