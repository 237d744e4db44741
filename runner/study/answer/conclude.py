"""The end of a study: tables on the terminal, pictures, the best configuration, a summary run."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from optuna.study import Study

from runner import private, provenance
from runner.build.data import load
from runner.config import experiment
from runner.config.configurator import Configurator
from runner.config.loops import shown
from runner.config.settings import Settings
from runner.errors import one_line
from runner.passwords import redact
from runner.report import descriptions, edges, tables
from runner.report.say import say, warn
from runner.results.answer import Answer, Confirmed, winner
from runner.results.definition import Definition
from runner.results.metrics import metric
from runner.results.result import Status
from runner.results.rows import COMPLETE, PRUNED, ranked
from runner.study.answer.confirm import confirmations
from runner.study.answer.drawing import draw
from runner.study.answer.influence import importance, rung_correlations
from runner.study.answer.kept import figures, keep, source, trace
from runner.study.answer.pages import show_study
from runner.study.answer.summary import Summary, is_there
from runner.study.queue import attributes
from runner.study.queue.locks import answering, creating
from runner.tracking import Tracker, describe, tell_spread, trackers_of

FOLDER = Path(".runner") / "studies"


def conclude(
    study: Study, configurator: Configurator, confirmation: Study | None, *, again: bool = True
) -> Answer | None:
    """Keep what a study has found so far, and then print and return it: nobody may read to the
    end.

    again: whether to print what another has kept already; None is returned where it is not.
    """
    definition = attributes.definition(study)
    plain = configurator.settings({})
    trackers = trackers_of(plain.tracking)
    found = attributes.rows(study.get_trials(deepcopy=False), definition)
    answer = Answer(study.study_name, Status.FINISHED, definition.goals, trials=tuple(found))
    lines = ["", *tables.top(found, definition)]
    best = next(iter(ranked(found, definition)), None)
    if best is None:
        done = any(row.state in (COMPLETE, PRUNED) for row in found)
        say(*lines, "no trial was finite to its end" if done else "no trial has ended yet")
        return answer
    important = cache(lambda: importance(study, definition, configurator.space.rename))
    confirmed, baseline = confirmations(confirmation, definition, _step(plain, definition))
    chosen = winner(confirmed, baseline, definition.goals[0])
    values = best.values if chosen is None else chosen.values
    settings = configurator.settings(values)
    settings = replace(settings, threads=settings.threads or definition.threads)
    command = provenance.command(settings)
    unsure = f"trial {best.number}, not confirmed on fresh seeds{_why(definition)}"
    if confirmed:
        told = ["", *tables.answer(confirmed, baseline, definition, command)]
    else:
        told = ["", f"best      {unsure}", f"repeat    {command}"]
    everyone = [one.label for one in (*confirmed, baseline) if one] if confirmed else None
    pages = show_study(study.study_name, definition, configurator.space, trackers, everyone)
    folder = FOLDER / study.study_name
    file = folder / experiment.NAME
    with answering(study), creating():  # several starts of one study end at the same moment
        summary = Summary(study, found, confirmed, command)
        if not (again or summary.is_new(trackers)):
            say(f"study     {study.study_name} is answered; another worker has said how")
            return None
        if summary.is_new(trackers) or not file.exists():
            number = None if chosen is None else chosen.number
            try:
                private.folder(file.parent)
                private.write(file, redact(experiment.as_experiment(settings, folder)))
                draw(folder, found, important, configurator, definition, number)
                kept = source(chosen, best, definition)
                files = keep(folder, kept, trackers, is_known=summary.is_known)
                context = descriptions.Context(_base(settings), command, files, pages)
                both = (confirmed, baseline)
                text = descriptions.study(definition, found, both, unsure, context)
                private.write(folder / "description.md", redact(text))
                points = figures(chosen, definition, trace(folder))
                summary.record(folder, trackers, definition, values, text, points)
                _tell(trackers, definition, study.study_name, text, [*confirmed, baseline])
            except OSError as error:  # a full disk costs no answer
                warn(
                    f"{folder} cannot be written ({one_line(error)}); the same command tries again"
                )
    correlations = rung_correlations(found)
    for more in (tables.importances(important()), tables.correlations(correlations)):
        lines += ["", *more] if more else []
    lines += [*told, *edges.of_search(values, configurator.space)]
    if settings.config_dir is None:
        lines.append(f"or        {experiment.command(settings, folder)}")
    lines.append(f"pictures  {folder}")
    lines += [f"look      {page}" for page in list(pages.values())[:1]]
    if any(not is_there(one, run) for one in trackers[:1] for run in best.run_ids[:1]):
        lines.append(f"note      {trackers[0].address} has this study's earlier runs no more")
    say(*lines)
    return replace(
        answer,
        verdict=tables.verdict(confirmed, baseline, definition.goals[0]) if confirmed else unsure,
        values=values,
        command=command,
        best=best,
        winner=chosen,
        confirmed=tuple(confirmed),
        baseline=baseline,
        folder=str(folder),
    )


def _tell(
    trackers: Sequence[Tracker],
    definition: Definition,
    name: str,
    text: str,
    candidates: Sequence[Confirmed | None],
) -> None:
    """Let the study's experiment say what it has found, and how far the seeds of each candidate lie
    apart."""
    describe(trackers, definition.experiment, name, text, warn)
    key = definition.goals[0].metric
    for one in filter(None, candidates):
        tell_spread(trackers, one.run_ids, key, one.per_seed, warn)


def _base(settings: Settings) -> str:
    """Return on what a study was made, in words."""
    chosen, train = settings.choices, settings.train
    length = f"{train.epochs:g} epochs" if train.steps is None else f"{train.steps} steps"
    what = [chosen.get(group, "") for group in ("model", "dataset", "optimizer")]
    what = [shown(settings.loop)] if settings.has_loop else what
    data = f" of batches of {train.batch_size}" if settings.dataset.get("_target_") else ""
    return f"{', '.join(filter(None, what))}, {length}{data}"


def _step(settings: Settings, definition: Definition) -> float:
    """Return the least that two values of the first goal can differ by, 0 where by any."""
    data = load(settings.dataset)
    return metric(definition.goals[0].metric).step(len(data.val)) if data else 0.0


def _why(definition: Definition) -> str:
    if definition.confirm_seeds:
        return "; the same command goes on"
    return " (study.confirm_seeds=0); its command shows the test figures"
