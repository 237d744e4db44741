"""A planned study as it stands in a storage: made or found again, with the trials that it lacks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import Study

from runner.errors import Mistake
from runner.report.say import say
from runner.results.definition import HEX
from runner.study.plan.plan import Plan
from runner.study.queue import attributes, queue, schema
from runner.study.queue.attributes import DEFINITION, MADE_OF
from runner.study.queue.locks import creating
from runner.study.queue.storage import make
from runner.tracking import trackers_of

MOST_NAMED = 3


def create(planned: Plan, storage: BaseStorage) -> Study:
    """Return the study, made where it does not exist, with waiting trials for those that lack.

    Raises Mistake for a name that another search has.
    """
    with creating():
        names = optuna.get_all_study_names(storage)
        find = _same if planned.study.name is None else _named
        study = find(planned, storage, names)
        name = planned.name if study is None else study.study_name
        if study is not None:
            schema.check(study, planned.configurator.space.rename)
        elif planned.study.name is None and planned.name in names:
            # another search may have the name, since a default was another one
            name = planned.definition.name()
        queue.check_promoted(study, name, planned.study.promote)
        for tracker in trackers_of(planned.settings.tracking):
            tracker.prepare(name)  # of a study that another machine has made, too
        if study is None:
            study = make(storage, name, replace(planned.definition, experiment=name))
        else:
            goals = attributes.definition(study).goals  # the rule that it was made with
            definition = replace(planned.definition, experiment=name, goals=goals)
            if planned.settings.threads is None:  # their number decides the bits
                threads = attributes.definition(study).threads
                definition = replace(definition, threads=threads)
            if planned.study.width is None:
                kept = attributes.definition(study)
                definition = replace(definition, width=kept.width, batch=kept.batch)
            study.set_user_attr(DEFINITION, definition.as_json())
        if planned.made_of:
            study.set_user_attr(MADE_OF, planned.made_of)
        _queue(planned, study)
    return study


def _named(planned: Plan, storage: BaseStorage, names: Sequence[str]) -> Study | None:
    """Return the study of the name that was given, None where there is none.

    Raises Mistake where it is another search.
    """
    name = planned.study.name
    if name not in names:
        return None
    study = optuna.load_study(study_name=name, storage=storage)
    if DEFINITION not in study.user_attrs:
        if _is_half_made(study, planned):
            return None
        must = "must not be the name of a study that something else has made"
        raise Mistake("study.name", must, f"'{name}'")
    if differences := planned.differences(attributes.definition(study)):
        where = f"study.name '{name}' is another study ({_listed(differences)})"
        raise Mistake(where, advice="choose another name, or leave it out")
    return study


def _is_half_made(study: Study, planned: Plan) -> bool:
    """Return whether a study may be ours, whose start was killed before it said what it is."""
    directions = [direction.name.lower() for direction in study.directions]
    is_empty = not (study.user_attrs or study.get_trials(deepcopy=False))
    return is_empty and directions == [goal.direction for goal in planned.definition.goals]


def _same(planned: Plan, storage: BaseStorage, names: Sequence[str]) -> Study | None:
    """Return the study of the same search, None where there is none; say which is nearest to it.

    It is known by its definition, since an earlier version has named it otherwise.
    """
    nearest: tuple[str, list[str]] | None = None
    pattern = re.compile(rf"{re.escape(planned.definition.preset)}-[0-9a-f]{{{HEX}}}")
    for name in sorted(filter(pattern.fullmatch, names)):
        study = optuna.load_study(study_name=name, storage=storage)
        if DEFINITION not in study.user_attrs:
            continue
        differences = planned.differences(attributes.definition(study))
        if not differences:
            return study
        if nearest is None or len(differences) < len(nearest[1]):
            nearest = name, differences
    if nearest is not None:
        say(f"a new study, since it differs from {nearest[0]} ({_listed(nearest[1])})")
    return None


def _queue(planned: Plan, study: Study) -> None:
    """Put the trials that the total lacks into the queue: the baseline and a grid first."""
    definition = planned.definition
    encode = planned.configurator.space.encode
    wanted: list[tuple[Mapping[str, Any], dict[str, Any]]] = []
    if definition.baseline:
        wanted.append((planned.baseline, {attributes.BASELINE: True}))
    for cell in planned.grid:
        if definition.baseline and encode(cell) == encode(planned.baseline):
            wanted[0][1][attributes.CELL] = cell
        else:
            wanted.append((cell, {attributes.CELL: cell}))
    given = []
    for values, attrs in wanted:
        inner = encode(values)
        if inner is None:  # as they are, since the space has no such values
            attrs[attributes.FIXED] = dict(values)
        given.append((inner or {}, attrs))
    queue.fill(study, new=False)
    queue.add(study, given, definition.trials)
    queue.promote(study, planned.study.promote)
    if not planned.grid:
        queue.fill(study)


def _listed(differences: Sequence[str]) -> str:
    more = f" and {len(differences) - MOST_NAMED} more" if len(differences) > MOST_NAMED else ""
    return "; ".join(differences[:MOST_NAMED]) + more
