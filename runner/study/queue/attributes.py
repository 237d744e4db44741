"""What is stored with studies and trials beside Optuna's own: the names, and how to read them."""

import json
from collections.abc import Mapping
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

# of a study: what it is, as text; the study that it confirms; crashes of earlier starts; the start
# whose jobs are to stop; what was said of it in the end
DEFINITION, CONFIRMS, FORGIVEN = "definition", "confirms", "forgiven"
STOPPED, SUMMARY = "stopped", "summary"

# of a trial, what it was asked for by
BASELINE, CELL, CANDIDATE, SEED, RETRY_OF = "baseline", "cell", "candidate", "seed", "retry_of"
# of a trial, how it is made: values that the space does not have, its name, how many workers it
# took with it
FIXED, LABEL, KILLS = "fixed", "label", "kills"
# of one attempt at it: who works on it and who doubts it, what was drawn, by what it is known to be
# the same as another, its runs, how it ended, and why it was given up
WORKER, SUSPECTED, VALUES, IDENTITY, RUNS = "worker", "suspected", "values", "identity", "runs"
OUTCOME, LOST = "outcome", "lost"
OF_ONE_ATTEMPT = {WORKER, SUSPECTED, VALUES, IDENTITY, RUNS, OUTCOME, LOST}

# why a trial was given up
LEFT_OVER, GONE, INTERRUPTED = "left over", "its worker is gone", "interrupted"

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.WAITING)
DONE = (TrialState.COMPLETE, TrialState.PRUNED)


def total(study: Study) -> int:
    """Return how many trials a study is to have, by its last start."""
    return int(json.loads(study.user_attrs[DEFINITION])["trials"])


def outcome(trial: FrozenTrial) -> Mapping[str, Any]:
    """Return what a worker said of a trial at its end."""
    found: Mapping[str, Any] = trial.user_attrs.get(OUTCOME, {})
    return found


def is_lost(trial: FrozenTrial) -> bool:
    """Return whether a trial was given up before its end."""
    return trial.state == TrialState.FAIL and LOST in trial.user_attrs


def label(trial: FrozenTrial) -> str:
    """Return what a trial is called."""
    return str(trial.user_attrs.get(LABEL, f"trial {trial.number}"))
