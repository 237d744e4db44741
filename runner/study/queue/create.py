"""A planned study as it stands in a storage: made or found again, with the trials that it lacks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import Study

from runner.errors import Mistake
from runner.results.definition import Definition
from runner.study.answer.confirm import SUFFIX
from runner.study.plan.plan import Plan
from runner.study.queue import attributes, queue
from runner.study.queue.attributes import DEFINITION
from runner.study.queue.locks import creating
from runner.study.queue.storage import make
from runner.tracking import trackers_of

MOST_NAMED = 3


def create(planned: Plan, storage: BaseStorage) -> Study:
    """Return the study, made where it does not exist, with waiting trials for those that lack.

    Raises Mistake for a name that another search has.
    """
    with creating():
        existing = optuna.get_all_study_names(storage)
        definition = replace(planned.definition, experiment=planned.name)
        if planned.name in existing:
            study = optuna.load_study(study_name=planned.name, storage=storage)
            before = _the_same(definition, study)
            if planned.settings.threads is None:  # their number decides the bits
                definition = replace(definition, threads=before.threads)
        else:
            _say_if_changed(definition, existing, storage)
            for tracker in trackers_of(planned.settings.tracking):
                tracker.prepare(planned.name)
            study = make(storage, planned.name, definition)
        study.set_user_attr(DEFINITION, definition.as_json())
        _queue(planned, study)
    return study


def _the_same(definition: Definition, study: Study) -> Definition:
    """Return the definition of an earlier start. Raises Mistake for that of another search."""
    found = study.user_attrs.get(DEFINITION)
    if found is None:
        raise Mistake(
            f"study.name must not be the name of a study that something else has made, "
            f"got '{study.study_name}'"
        )
    before = Definition.from_json(found)
    if differences := definition.differences(before):
        raise Mistake(
            f"study.name '{study.study_name}' is another study "
            f"({_listed(differences)}); choose another name, or leave it out"
        )
    return before


def _queue(planned: Plan, study: Study) -> None:
    """Put the trials that the total lacks into the queue: the baseline and a grid first."""
    definition = planned.definition
    space = planned.configurator.space
    wanted: list[tuple[Mapping[str, Any], dict[str, Any]]] = []
    if definition.baseline:
        wanted.append((planned.baseline, {attributes.BASELINE: True}))
    for cell in planned.grid:
        if definition.baseline and space.encode(cell) == space.encode(planned.baseline):
            wanted[0][1][attributes.CELL] = cell
        else:
            wanted.append((cell, {attributes.CELL: cell}))
    known = study.get_trials(deepcopy=False, states=attributes.COUNTED)
    there = {_name(trial.user_attrs) for trial in known}
    lacking = [(values, attrs) for values, attrs in wanted if _name(attrs) not in there]
    for values, attrs in lacking[: max(definition.trials - len(known), 0)]:
        inner = space.encode(values)
        if inner is None:  # as they are, since the space has no such values
            attrs[attributes.FIXED] = dict(values)
        study.enqueue_trial(inner or {}, user_attrs=attrs)
    if not planned.grid:
        queue.fill(study)


def _name(attrs: Mapping[str, Any]) -> str:
    """Return by what a trial of given values is known again."""
    named = {key: attrs[key] for key in (attributes.BASELINE, attributes.CELL) if key in attrs}
    return json.dumps(named, sort_keys=True)


def _say_if_changed(definition: Definition, existing: Sequence[str], storage: BaseStorage) -> None:
    """Say in what a study differs from the one of the same preset that is nearest to it."""
    mine = f"{definition.preset}-"
    earlier = [name for name in existing if name.startswith(mine) and not name.endswith(SUFFIX)]
    if not earlier:
        return
    definitions = {
        name: optuna.load_study(study_name=name, storage=storage).user_attrs.get(DEFINITION)
        for name in sorted(earlier)
    }
    differences = {
        name: definition.differences(Definition.from_json(text))
        for name, text in definitions.items()
        if text is not None
    }
    if differences:
        name, nearest = min(differences.items(), key=lambda item: len(item[1]))
        print(f"a new study, since it differs from {name} ({_listed(nearest)})")


def _listed(differences: Sequence[str]) -> str:
    more = f" and {len(differences) - MOST_NAMED} more" if len(differences) > MOST_NAMED else ""
    return "; ".join(differences[:MOST_NAMED]) + more
