"""What a person sees of a run: a progress bar and a line an evaluation, a summary at its end."""

import math
import sys
from contextlib import suppress

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from runner.report.audience import audience
from runner.report.layers import layers
from runner.report.plain import as_line
from runner.report.say import say
from runner.report.waiting import waiting
from runner.report.words import counted
from runner.results.events import LR, Chunk, Event
from runner.results.metrics import PARTS, numbers
from runner.results.result import Result, Status


class Console:
    """Prints one run's progress, without epochs where there are none. `name` stands before each
    line when several runs share a terminal, which has no bar then; a quiet one prints nothing."""

    def __init__(
        self, total_steps: int, steps_per_epoch: int | None, name: str = "", *, quiet: bool = False
    ) -> None:
        self._quiet = quiet
        self._total_steps = total_steps
        self._steps_per_epoch = steps_per_epoch
        self._prefix = as_line(f"{name}  ") if name else ""
        self._width = len(str(total_steps))
        self._lr = math.nan
        self._told = 0  # the step of the last evaluation
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeRemainingColumn(),
            console=rich.console.Console(stderr=True, soft_wrap=True, force_jupyter=False),
            disable=quiet or bool(name) or audience().silent or not sys.stderr.isatty(),
            redirect_stdout=sys.stdout.isatty(),
            transient=True,
            refresh_per_second=4,
        )
        self._task = self._bar.add_task("", total=total_steps)
        with suppress(OSError):  # the terminal is closed
            self._bar.start()

    def hear(self, event: Event) -> None:
        """Move the bar after updates; print the figures of an evaluation of the validation data
        above it, with the rate of the last update."""
        if isinstance(event, Chunk):
            self._lr = float(event.columns[LR][-1])
            self._bar.update(self._task, completed=event.start + len(event))
            return
        if any(key.startswith("test/") for key in event.metrics):
            return
        before, self._told = self._told, event.step
        if not audience().hears(before, event.step, self._total_steps):
            return
        place = f"step {event.step:{self._width}d}  "
        if self._steps_per_epoch:
            place += f"epoch {event.step / self._steps_per_epoch:<6.4g}  "
        place += f"lr {self._lr:<9.4g}"
        self.line(f"{place}  {numbers(event.metrics, width=16)}".rstrip())

    def line(self, text: str) -> None:
        """Print a line above the progress bar."""
        if not self._quiet:
            say(f"{self._prefix}{text}")

    def close(self) -> None:
        """Take the progress bar away."""
        with suppress(OSError):
            self._bar.stop()


def summary(result: Result) -> list[str]:
    """Return the last lines of a single run."""
    lines = []
    for part in PARTS:
        mine = {k: v for k, v in result.metrics.items() if k.startswith(f"{part}/")}
        if mine:
            early = result.kept_step != result.steps
            weights = f"  (weights after step {result.kept_step})" if early else ""
            lines.append(f"{numbers(mine)}{weights}")
    if result.status != Status.FINISHED:
        lines.append(f"{result.status}: {result.reason}")
    if result.note:
        lines.append(f"note      {result.note}")
    if result.layers:
        lines.append(f"layers    {layers(result.layers)}")
    if result.clipped is not None and result.steps:
        share = 100 * result.clipped / result.steps
        lines.append(f"clipped   {share:.3g} % of {counted(result.steps, 'update')}")
    if result.reused:
        lines.append(f"reused    {result.reused:,} of {counted(result.steps, 'step')}")
    if link := result.link:
        place = as_line(f"experiment '{link.experiment}', {link.uri}")
        lines.append(f"recorded  run {link.run_id} in {place}")
        lines.append(f"look      {link.look}")
        lines += [f"compare   {link.compare}"] if link.compare not in ("", link.look) else []
    if result.picture:
        lines.append(as_line(f"picture   {result.picture}"))
    if not result.delivered:
        lines.append(waiting("records are", [result]))
    if result.command:
        lines.append(f"repeat    {result.command}")
    return lines
