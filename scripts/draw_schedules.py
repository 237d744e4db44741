"""Draw the README's picture: every family of schedules over one run, a small plot each.

python scripts/draw_schedules.py
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from schedules import Horizon, Schedule

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "schedules"))
from families import PICTURES  # noqa: E402

PICTURE = ROOT / ".github" / "schedules.png"
HORIZON = Horizon(total_steps=1000, steps_per_epoch=50)
COLUMNS = 6


def main() -> None:
    """Write the picture."""
    rows = -(-len(PICTURES) // COLUMNS)
    figure = Figure(figsize=(10.4, 1.25 * rows + 0.2), dpi=85, layout="constrained")
    FigureCanvasAgg(figure)
    plots = figure.subplots(rows, COLUMNS, sharex=True, sharey=True).ravel()
    for axes, (name, schedule) in zip(plots, PICTURES.items(), strict=True):
        axes.plot(trace(schedule.bind(HORIZON)), color="#0072B2", linewidth=1.3)
        axes.fill_between(
            np.arange(HORIZON.total_steps), axes.lines[0].get_ydata(), color="#0072B2", alpha=0.1
        )
        axes.set_title(name, fontsize=8, loc="left", pad=3)
        axes.set(xlim=(0, HORIZON.total_steps), ylim=(0, 1.08), xticks=[], yticks=[])
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color("#999999")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, format="png")


def trace(schedule: Schedule) -> np.ndarray:
    """Return the rates of a run in which the loss falls, rests and falls again."""
    memory, rates = schedule.begin(), []
    for epoch in range(HORIZON.total_steps // HORIZON.steps_per_epoch):
        start = epoch * HORIZON.steps_per_epoch
        stop = start + HORIZON.steps_per_epoch
        rates.append(schedule.rates(memory, np.arange(start, stop)))
        loss = 1.0 - 0.05 * min(epoch, 5) - 0.05 * max(epoch - 11, 0) * (epoch < 16)
        if schedule.listens:
            memory = schedule.observe(memory, stop, loss)
    return np.concatenate(rates)


if __name__ == "__main__":
    main()
