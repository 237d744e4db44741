"""What is stored with studies and trials beside Optuna's own: the names, and how to read them.

Studies of every version have these names: a constant may be renamed, its text may not.
"""

from collections.abc import Mapping
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from runner.results.definition import Definition

# of a study: what it is, as JSON; the study that it confirms; how many trials crashed in earlier
# starts; the start whose workers are to stop; what its summary says
DEFINITION, CONFIRMS, EARLIER_CRASHES = "definition", "confirms", "forgiven"
STOPPED, SUMMARY = "stopped", "summary"

# of a trial, what was queued: the baseline, a cell of a grid, a candidate's run with a fresh seed,
# the repetition of a trial
BASELINE, CELL, CANDIDATE, SEED, RETRY_OF = "baseline", "cell", "candidate", "seed", "retry_of"
QUEUED_AS = ((BASELINE,), (CELL,), (CANDIDATE, SEED), (RETRY_OF,))
# of a trial, how it is made: values instead of a draw, its name, how many workers died with it
FIXED, LABEL, KILLS = "fixed", "label", "kills"
# of one attempt at it: the worker's heartbeat, another's doubt, the values that it has, a digest of
# what it trains, its runs, how it ended, why it was given up
WORKER, SUSPECTED, VALUES, IDENTITY, RUNS = "worker", "suspected", "values", "identity", "runs"
OUTCOME, LOST = "outcome", "lost"
OF_ONE_ATTEMPT = {WORKER, SUSPECTED, VALUES, IDENTITY, RUNS, OUTCOME, LOST}

# why a trial was given up
LEFT_OVER, GONE, INTERRUPTED = "left over", "its worker is gone", "interrupted"

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.WAITING)
DONE = (TrialState.COMPLETE, TrialState.PRUNED)


def definition(study: Study) -> Definition:
    """Return what a study is, by its last start."""
    return Definition.from_json(study.user_attrs[DEFINITION])


def done(study: Study) -> list[FrozenTrial]:
    """Return the trials that were trained, to their end or until they were pruned."""
    return study.get_trials(deepcopy=False, states=DONE)


def outcome(trial: FrozenTrial) -> Mapping[str, Any]:
    """Return what is stored of a trial's end."""
    found: Mapping[str, Any] = trial.user_attrs.get(OUTCOME, {})
    return found


def is_copy(trial: FrozenTrial) -> bool:
    """Return whether a trial took over another's value."""
    return "copy_of" in outcome(trial)


def is_lost(trial: FrozenTrial) -> bool:
    """Return whether a trial was given up before its end."""
    return trial.state == TrialState.FAIL and LOST in trial.user_attrs


def label(trial: FrozenTrial | Trial) -> str:
    """Return what a trial is called."""
    return str(trial.user_attrs.get(LABEL, f"trial {trial.number}"))
