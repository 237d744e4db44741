"""The study that confirms an answer: the best trials and the baseline again, on fresh seeds."""

from typing import Any

import optuna
from optuna.study import Study

from runner.study import queue
from runner.study.answer import candidates
from runner.study.definition import Definition
from runner.study.rows import rows
from runner.study.storage import CONFIRMS, DEFINITION, creating, make

FRESH = 10_000  # how far the seeds that confirm lie from those that chose
SUFFIX = "/confirm"


def confirmation(study: Study) -> Study | None:
    """Return the study with a trial for each run that confirms, made where it does not exist.

    None where nothing is to be confirmed: no candidate, or no seeds for it.
    """
    definition = Definition.from_json(study.user_attrs[DEFINITION])
    found = rows(study.get_trials(deepcopy=False), definition)
    chosen = candidates(found, definition)
    if not chosen or not definition.confirm_seeds:
        return None
    baseline = [row for row in found if row.baseline and row.counts]
    first = int(definition.base.get("seed", 0)) + FRESH
    with creating():
        again = make(study._storage, study.study_name + SUFFIX, definition)
        again.set_user_attr(CONFIRMS, study.study_name)
        there = {
            (trial.user_attrs[queue.CANDIDATE], trial.user_attrs[queue.SEED])
            for trial in again.get_trials(deepcopy=False, states=queue.COUNTED)
        }
        for seed in range(first, first + definition.confirm_seeds):
            for row in [*baseline[:1], *chosen]:
                if (row.number, seed) not in there:
                    label = "baseline" if row.baseline else f"trial {row.number}"
                    attrs: dict[str, Any] = {
                        queue.FIXED: dict(row.values),
                        queue.CANDIDATE: row.number,
                        queue.SEED: seed,
                        "label": f"confirm {label}",
                    }
                    again.enqueue_trial({}, user_attrs=attrs)
    return again


def existing(study: Study) -> Study | None:
    """Return the study that confirms another's answer, None where there is none yet."""
    name = study.study_name + SUFFIX
    if name not in optuna.get_all_study_names(study._storage):
        return None
    return optuna.load_study(study_name=name, storage=study._storage)
