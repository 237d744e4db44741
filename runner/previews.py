"""Previews: the exact learning rates of a command line as tables and a picture."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from runner import helper, provenance
from runner.build.horizon import horizon, samples_of
from runner.build.notes import notes
from runner.build.numbers import numbers
from runner.config import Settings
from runner.config.command_line import word
from runner.config.grammar import space_of
from runner.config.options import group_options
from runner.config.request import read_line, request
from runner.errors import Mistake, under
from runner.report.layers import layers
from runner.report.say import say, warn
from runner.report.words import aligned
from runner.sweep.launch import named
from runner.trial import Numbers
from runner.trial.groups import own_rates, read_groups
from schedules import Horizon, plot, steps_of
from schedules.landmarks import landmarks

MOST_POINTS = 12
SHORT = 20  # steps of a run whose every step is said
NO_DATA = "runner.training.datasets.none"


@dataclass(frozen=True)
class Preview:
    """A run that is not trained: what follows a schedule, and what might not have been meant.

    layers: the rates of those that have their own, in words.
    """

    name: str
    numbers: Numbers
    notes: Sequence[str] = ()
    layers: str = ""

    @property
    def traces(self) -> dict[str, np.ndarray]:
        """The value of every update by name."""
        return {name: self.numbers.trace(name) for name in self.numbers}


def show(words: Sequence[str], out: str) -> None:
    """Draw and print a preview of a command line.

    out: the file of the picture. Raises Mistake, with nothing drawn, for what does not fit.
    """
    previews = _previews(words)
    _draw(previews, Path(out))
    for preview in previews:
        say(*table(preview), "")
    say(f"picture   {out}")


def table(preview: Preview) -> list[str]:
    """Return the lines that say what is scheduled: of a short run at each step, of any other at the
    start, the landmarks and the last step."""
    length = preview.numbers.horizon
    steps, total = _points(preview), length.total_steps
    if is_short := total <= SHORT:
        steps = {step: steps.get(step, "") for step in range(total)}
    shown = list(steps)
    if len(shown) > MOST_POINTS and not is_short:
        shown = [*shown[: MOST_POINTS - 2], -1, shown[-1]]
    names = list(preview.traces)
    epochs = ["epoch"] if length.samples_per_epoch and total > length.steps_per_epoch else []
    rows = [["step", *epochs, *names, ""]]
    for step in shown:
        if step < 0:
            left = len(steps) - MOST_POINTS + 1
            rows.append(["...", *("" for _ in [*epochs, *names]), f"{left} more"])
            continue
        epoch = [f"{step / length.steps_per_epoch:.4g}" for _ in epochs]
        values = [f"{preview.traces[name][step]:.6g}" for name in names]
        rows.append([f"{step:,}", *epoch, *values, steps[step]])
    lines = aligned(rows, right={"step", *epochs})
    if (schedule := preview.numbers["lr"]).listens:
        lines.append(f"depends on {schedule.monitor}; shown as if no evaluation changed it")
    if preview.layers:
        lines.append(f"layers    {preview.layers}")
    noted = [f"note: {note}" for note in preview.notes]
    return [f"{preview.name}: {_length(length)}", *lines, *noted]


def _points(preview: Preview) -> dict[int, str]:
    """Return what is to be said of a run, by step, in order."""
    total = preview.numbers.horizon.total_steps
    found = {0: ["start"]}
    for name, trace in preview.traces.items():
        for step, what in landmarks(trace):
            found.setdefault(step, []).append(what if name == "lr" else f"{name}: {what}")
    trace = preview.traces["lr"]
    for step, what in ((int(trace.argmax()), "highest"), (int(trace.argmin()), "lowest")):
        if step not in (*found, total - 1) and trace[step] not in trace[list(found)]:
            found[step] = [what]
    found.setdefault(total - 1, []).append("last step")
    return {step: ", ".join(what) for step, what in sorted(found.items())}


def _length(length: Horizon) -> str:
    steps = f"{length.total_steps:,} step{'' if length.total_steps == 1 else 's'}"
    if length.samples_per_epoch is None:
        return steps
    epochs = length.total_steps / length.steps_per_epoch
    return f"{steps}, {epochs:.4g} epoch{'' if epochs == 1 else 's'} of {length.steps_per_epoch:,}"


def _previews(typed: Sequence[str]) -> list[Preview]:
    """Return the runs of a command line, each with its name."""
    line = read_line(typed)
    if line.asks_hydra:
        flag = next(flag for flag in line.flags if flag not in ("-m", "--multirun"))
        raise Mistake(f"unknown flag {flag}", advice="a preview has -m, --out and --config-dir")
    asked = request(line)
    composer = asked.composer
    if asked.is_study:
        texts = [one.text for one in asked.words]
        _, fixed = space_of(texts, None, group_options(composer.config_dir))
        return [_preview("baseline", composer.settings([word(text) for text in fixed]))]
    jobs = asked.jobs()
    names = provenance.names(jobs) if len(jobs) > 1 else [""]
    found = []
    for number, (words, name) in enumerate(zip(jobs, names, strict=True), 1):
        if sys.stderr.isatty() and len(jobs) > 1:
            warn(f"preview {number} of {len(jobs)}", end="\r")
        with named(number, len(jobs), name):
            found.append(_preview(name, composer.settings(words)))
    return found


def _preview(name: str, settings: Settings) -> Preview:
    usual = settings.choices.get("schedule", "learning rate")
    length = horizon(settings, _train_size(settings))
    found = numbers(settings, length)
    with under("train"):
        eval_every = steps_of(settings.train.eval_every, length, "eval_every", 1)
    noted = notes(settings, found, eval_every)
    own = _layers(settings, float(found.trace("lr").max()))
    return Preview(name or provenance.name(settings.overrides, usual), found, noted, own)


def _layers(settings: Settings, peak: float) -> str:
    """Return the highest rates of layers that have their own; how many layers there are, the model
    would say, which is not built."""
    decay = settings.optimizer.get("layer_decay")
    with under("optimizer"):
        groups = read_groups(settings.optimizer.get("groups") or [])
    trained = [(group.pattern, group.lr_scale) for group in groups if not group.frozen]
    found = own_rates(groups, [*trained, ("", 1.0)], peak)
    if decay in (None, 1):
        return layers(found) if found else ""
    return f"{layers(found or {'': [peak]})}; times {decay:g} for each layer below the last"


def _train_size(settings: Settings) -> int | None:
    """Return the training samples that an option states, else those that there are: a number from
    the command line is checked against the data."""
    stated: Any = settings.dataset.get("train_size")
    if settings.has_loop or settings.dataset.get("_target_") == NO_DATA:
        return 0
    asked = any(one.key == "dataset.train_size" for one in settings.overrides)
    if isinstance(stated, int) and not asked:
        return stated
    from runner.build.data import load

    return samples_of(load(settings.dataset))


def _draw(previews: Sequence[Preview], file: Path) -> None:
    """Draw all previews into one picture, in epochs too where they share them."""
    if file.suffix.lower() != ".png":
        raise Mistake("--out", "must be a .png file", f"'{file}'")
    names = [preview.name for preview in previews]
    labels = [f"{n} ({i})" if names.count(n) > 1 else n for i, n in enumerate(names, start=1)]
    lengths = {preview.numbers.horizon.steps_per_epoch for preview in previews}
    data = all(preview.numbers.horizon.samples_per_epoch for preview in previews)
    others = dict.fromkeys(name for preview in previews for name in preview.numbers if name != "lr")
    panels = {
        number: {
            label: preview.traces[number]
            for label, preview in zip(labels, previews, strict=True)
            if number in preview.traces
        }
        for number in ("lr", *others)
    }
    for name, traces in panels.items():
        for trace in traces.values():
            if trace.max() > plot.HIGHEST:
                key = "lr" if name == "lr" else "the schedule of " + name
                raise Mistake(
                    key, f"must stay below {plot.HIGHEST:g} to be drawn", f"{trace.max():.6g}"
                )
    try:
        rates = panels.pop("lr")
        draw = partial(
            plot.draw,
            steps_per_epoch=lengths.pop() if data and len(lengths) == 1 else None,
            scales=("linear", "log"),
            others=panels,
        )
        helper.do(draw, rates, file)
    except OSError as error:
        given = f"'{file}': {error}"
        raise Mistake("--out", "must be a file that can be written", given) from error
