"""The study that confirms an answer: the best trials and the baseline again, on fresh seeds."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner.results.answer import Confirmed, candidates
from runner.results.definition import KEPT, MEAN, Definition
from runner.results.rows import COMPLETE, PRUNED
from runner.study.queue import attributes, queue
from runner.study.queue.attributes import CANDIDATE, CONFIRMS, FIXED, LABEL, SEED, rows
from runner.study.queue.locks import creating, storage
from runner.study.queue.storage import make

FRESH = 10_000  # how far the seeds that confirm lie from those that chose
SUFFIX = "/confirm"
_PREFIX = "confirm "
_BASELINE = "baseline"
_TRAINED = (COMPLETE, PRUNED)


def confirmation(study: Study) -> Study | None:
    """Return the study with a trial for each run that confirms, made where it does not exist.

    None where nothing is to be confirmed: no candidate, or no seeds for it.
    """
    definition = attributes.definition(study)
    found = rows(study.get_trials(deepcopy=False), definition)
    chosen = candidates(found, definition)
    if not chosen or not definition.confirm_seeds:
        return None
    baseline = [row for row in found if row.baseline and row.values and row.state in _TRAINED]
    wanted: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for seed in _seeds(definition):
        for row in (*baseline[:1], *chosen):
            name = _BASELINE if row.baseline else f"trial {row.number}"
            attrs = {CANDIDATE: row.number, SEED: seed, LABEL: f"{_PREFIX}{name}"}
            wanted.append(({}, {FIXED: dict(row.values), **attrs}))
    with creating():
        earlier = existing(study)  # goes on under the rule that it was made with
        goals = tuple(replace(g, of=KEPT) if g.of == MEAN else g for g in definition.goals)
        goals = attributes.definition(earlier).goals if earlier else goals
        name = study.study_name + SUFFIX
        again = make(storage(study), name, replace(definition, goals=goals))
        again.set_user_attr(CONFIRMS, study.study_name)
        queue.add(again, wanted)
    return again


def is_over(study: Study) -> bool:
    """Return whether all of a study is trained, what confirms its answer, too."""
    definition = attributes.definition(study)
    is_short = len(attributes.done(study)) < definition.trials
    if any(queue.left(study)) or (is_short and not definition.is_grid):
        return False
    again = existing(study)
    if again is None:
        return not definition.confirm_seeds or confirms_nothing(study)
    return bool(again.get_trials(deepcopy=False)) and not any(queue.left(again))


def confirms_nothing(study: Study) -> bool:
    """Return whether no trial of a study that has ended is worth a confirmation."""
    definition = attributes.definition(study)
    return not candidates(rows(study.get_trials(deepcopy=False), definition), definition)


def existing(study: Study) -> Study | None:
    """Return the study that confirms another's answer, None where there is none yet."""
    name, kept = study.study_name + SUFFIX, storage(study)
    if name not in optuna.get_all_study_names(kept):
        return None
    found = optuna.load_study(study_name=name, storage=kept)
    return found if attributes.DEFINITION in found.user_attrs else None  # half made


def confirmations(
    confirmation: Study | None, definition: Definition, step: float = 0.0
) -> tuple[list[Confirmed], Confirmed | None]:
    """Return the candidates and the baseline as their fresh seeds found them, each one that has a
    run for each of `definition.confirm_seeds`.

    step: the least that two values of the first goal can differ by.
    """
    if confirmation is None or not definition.confirm_seeds:
        return [], None
    groups: dict[tuple[int, str], dict[int, FrozenTrial]] = {}
    for trial in confirmation.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        name = attributes.label(trial).removeprefix(_PREFIX)
        of_one = groups.setdefault((trial.user_attrs[CANDIDATE], name), {})
        of_one[trial.user_attrs[SEED]] = trial
    seeds = _seeds(definition)
    found = [
        _confirmed(number, name, [trials[seed] for seed in seeds], step)
        for (number, name), trials in groups.items()
        if trials.keys() >= set(seeds)
    ]
    baseline = next((one for one in found if one.label == _BASELINE), None)
    return [one for one in found if one is not baseline], baseline


def _seeds(definition: Definition) -> range:
    first = int(definition.base.get("seed", 0)) + FRESH
    return range(first, first + definition.confirm_seeds)


def _confirmed(number: int, name: str, trials: Sequence[FrozenTrial], step: float) -> Confirmed:
    outcomes = [attributes.outcome(trial) for trial in trials]
    tests = [one["test"][0] if one.get("test") else {} for one in outcomes]
    keys = sorted(set.intersection(*(set(test) for test in tests)))
    return Confirmed(
        label=name,
        values=trials[0].user_attrs[FIXED],
        number=number,
        per_seed=tuple(
            math.nan if one.get("diverged") else trial.values[0]
            for trial, one in zip(trials, outcomes, strict=True)
        ),
        test={key: tuple(test[key] for test in tests) for key in keys},
        step=step,
        run_ids=tuple((one.get("run_ids") or [""])[-1] for one in outcomes),
        first_seed=trials[0].user_attrs[SEED],
    )
