"""What a person sees while a run goes on: a progress bar on a terminal, a line an evaluation."""

import sys
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

from runner.report.say import say
from runner.results.events import LR, Chunk, Event


class Console:
    """Prints one run's progress. `name` stands before each line when several runs share a
    terminal; a quiet one prints nothing."""

    def __init__(
        self, total_steps: int, steps_per_epoch: int, name: str = "", *, quiet: bool = False
    ) -> None:
        self._quiet = quiet
        self._steps_per_epoch = steps_per_epoch
        self._prefix = f"{name}  " if name else ""
        self._width = len(str(total_steps))
        disable = True if quiet else None
        self._bar: Any = tqdm(total=total_steps, unit="step", disable=disable, leave=False)

    def hear(self, event: Event) -> None:
        """Show how many steps are done, or what an evaluation of the validation data found."""
        if isinstance(event, Chunk):
            self._rate = float(event.columns[LR][-1])
            self._bar.update(event.start + len(event) - self._bar.n)
        elif not any(key.startswith("test/") for key in event.metrics):
            self.evaluation(event.step, self._rate, event.metrics)

    def evaluation(self, step: int, lr: float, metrics: Mapping[str, float]) -> None:
        """Print the figures after `step` updates; lr is the rate of the last of them."""
        figures = "  ".join(f"{figure(key, value):<16}" for key, value in metrics.items())
        epoch = step / self._steps_per_epoch
        line = f"step {step:{self._width}d}  epoch {epoch:<6.4g}  lr {lr:<9.4g}  {figures}"
        self.line(line.rstrip())

    def line(self, text: str) -> None:
        """Print a line above the progress bar."""
        if self._quiet:
            return
        with tqdm.external_write_mode(file=sys.stdout):
            say(f"{self._prefix}{text}")

    def close(self) -> None:
        """Take the progress bar away."""
        self._bar.close()


def figure(key: str, value: float) -> str:
    """Return a metric as people read it.

    >>> figure("val/accuracy", 0.98765), figure("val/loss", 0.04321)
    ('val accuracy 98.77 %', 'val loss 0.04321')
    """
    name = key.replace("/", " ")
    return f"{name} {100 * value:.2f} %" if key.endswith("accuracy") else f"{name} {value:.4g}"
