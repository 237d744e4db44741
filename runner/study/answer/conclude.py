"""The end of a study: tables on the terminal, pictures, the best configuration, a summary run."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from optuna.study import Study

from runner import provenance
from runner.build.numbers import horizon, scheduled
from runner.build.setup import load
from runner.config import Settings, experiment
from runner.config.configurator import Configurator
from runner.errors import Mistake
from runner.report import pictures, tables
from runner.report.runs import looking
from runner.results.answer import winner
from runner.results.definition import Definition
from runner.results.rows import COMPLETE, PRUNED, Row, ranked
from runner.study.answer.confirm import confirmations
from runner.study.answer.influence import importance, rung_correlations
from runner.study.answer.summary import Summary
from runner.study.plan.plan import Plan
from runner.study.queue.attributes import DEFINITION
from runner.study.queue.locks import creating
from runner.study.queue.rows import rows

MOST_TRACES = 200
FOLDER = Path(".runner") / "studies"


def conclude(study: Study, planned: Plan, confirmation: Study | None) -> None:
    """Print and keep what a study has found so far."""
    definition = Definition.from_json(study.user_attrs[DEFINITION])
    configurator = planned.configurator
    found = rows(study.get_trials(deepcopy=False), definition)
    print("\n" + "\n".join(tables.top(found, definition)))
    best = next(iter(ranked(found, definition)), None)
    if best is None:
        done = any(row.state in (COMPLETE, PRUNED) for row in found)
        print("no trial was finite to its end" if done else "no trial has ended yet")
        return
    important = importance(study, definition, configurator.space.rename)
    for lines in (tables.importances(important), tables.correlations(rung_correlations(found))):
        if lines:
            print("\n" + "\n".join(lines))
    confirmed, baseline = confirmations(confirmation, definition, _step(planned))
    chosen = winner(confirmed, baseline, definition.goals[0])
    values = best.values if chosen is None else chosen.values
    settings = configurator.settings(values)
    settings = replace(settings, threads=settings.threads or definition.threads)
    command = provenance.command(settings)
    print()
    if confirmed:
        print("\n".join(tables.answer(confirmed, baseline, definition, command)))
    else:
        print(f"best      trial {best.number}, not confirmed on fresh seeds{_why(definition)}")
        print(f"repeat    {command}")
    folder = FOLDER / study.study_name
    file = folder / experiment.NAME
    with creating():  # several starts of one study end at the same moment
        summary = Summary(study, found, confirmed, command)
        if summary.is_new() or not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(experiment.as_experiment(settings, folder))
            answer = None if chosen is None else chosen.number
            _draw(folder, found, important, configurator, definition, answer)
            summary.record(folder, definition, values)
    if settings.config_dir is None:
        print(f"or        {experiment.command(settings, folder)}")
    print(f"pictures  {folder}")
    if summary.link is not None:
        print(f"compare   {looking(summary.link, summary.link.experiment_page())}")


def _step(planned: Plan) -> float:
    """Return the least that two values of the first goal can differ by, 0 for a loss."""
    data = load(json.dumps(planned.settings.dataset, sort_keys=True))
    is_share = planned.definition.goals[0].metric.endswith("accuracy")
    return 1 / len(data.val) if data and is_share else 0.0


def _why(definition: Definition) -> str:
    if definition.confirm_seeds:
        return "; the same command goes on"
    return " (study.confirm_seeds=0); its command shows the test figures"


def _draw(
    folder: Path,
    found: Sequence[Row],
    important: dict[str, float],
    configurator: Configurator,
    definition: Definition,
    answer: int | None,
) -> None:
    """Draw all pictures; answer is the number of the trial that fresh seeds confirmed."""
    counted = ranked(found, definition)
    last = [row for row in found if row.baseline or row.number == answer] + counted[:1]
    traced = [*(row for row in found if row not in last), *last]  # of many the last are drawn
    traces = _traces(traced, configurator)
    pictures.history(found, definition, folder / "history.png", answer)
    pictures.importance(important, folder / "importance.png")
    pictures.slices(found, definition, folder / "slices.png", answer)
    pictures.parallel(found, definition, folder / "parallel.png", answer)
    pictures.traces(traces, found, definition, folder / "traces.png", answer)


def _traces(found: Sequence[Row], configurator: Configurator) -> dict[int, np.ndarray]:
    """Return the learning rates of the trials, as if no evaluation came for those that listen."""
    traces = {}
    for row in [row for row in found if row.values][-MOST_TRACES:]:
        try:
            settings = configurator.settings(row.values)
            traces[row.number] = scheduled(settings, _length(settings)).traces()["lr"]
        except Mistake:  # a trial that was refused has none
            continue
    return traces


def _length(settings: Settings) -> Any:
    data = load(json.dumps(settings.dataset, sort_keys=True))
    return horizon(settings, len(data.train) if data else 0)
