"""What is stored with studies and trials beside Optuna's own: the names, and how to read them.

Studies of every version have these names: a constant may be renamed, its text may not.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from runner.errors import Mistake
from runner.results.definition import Definition
from runner.results.rows import Row

# of a study: what it is, as JSON; the study that it confirms; how many trials crashed in earlier
# starts; the start whose workers are to stop; what its summary says; of what code and data it is;
# of a trial that was stopped, the seconds that it had and that it would have taken
DEFINITION, CONFIRMS, EARLIER_CRASHES = "definition", "confirms", "forgiven"
STOPPED, SUMMARY, MADE_OF, CUT_OFF = "stopped", "summary", "made_of", "cut_off"

# of a trial, what was queued: the baseline, a cell of a grid, a candidate's run with a fresh seed,
# the repetition of a trial, one that goes on where another was pruned and stands for it
BASELINE, CELL, CANDIDATE, SEED, RETRY_OF = "baseline", "cell", "candidate", "seed", "retry_of"
PROMOTED = "promoted"
QUEUED_AS = ((BASELINE,), (CELL,), (CANDIDATE, SEED), (RETRY_OF,), (PROMOTED,))
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
    """Return what a study is, by its last start. Raises Mistake where it says nothing of that."""
    try:
        return _parsed(study.user_attrs[DEFINITION])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        must = "must hold what the runner wrote"
        given = f"study '{study.study_name}' whose definition cannot be read"
        raise Mistake("study.storage", must, given, "choose another storage or name") from error


_parsed = functools.lru_cache(maxsize=8)(Definition.from_json)


def done(study: Study) -> list[FrozenTrial]:
    """Return the trials that were trained, to their end or until they were pruned."""
    found = current(study.get_trials(deepcopy=False))
    return [trial for trial in found if trial.state in DONE]


def current(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return those of a study's trials for which no other one stands."""
    others = replaced(trials)
    return [trial for trial in trials if trial.number not in others]


def replaced(trials: Iterable[FrozenTrial]) -> set[int]:
    """Return the numbers of the pruned trials for which others stand, that go on with them."""
    return {
        trial.user_attrs[PROMOTED]
        for trial in trials
        if PROMOTED in trial.user_attrs and not is_lost(trial)
    }


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


def lost(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Return those of some trials that were given up before their end."""
    return list(filter(is_lost, trials))


def crashed(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Return those of some trials that crashed."""
    return [t for t in trials if t.state == TrialState.FAIL and "failed" in outcome(t)]


def label(trial: FrozenTrial | Trial) -> str:
    """Return what a trial is called."""
    return str(trial.user_attrs.get(LABEL, f"trial {trial.number}"))


def rows(trials: Iterable[FrozenTrial], definition: Definition) -> list[Row]:
    """Return Optuna's trials as plain rows, those that were lost or left over not among them."""
    prunes_by_seed = definition.prunes_by_seed
    found = current(list(trials))
    return [_row(trial, prunes_by_seed) for trial in found if not is_lost(trial)]


def _row(trial: FrozenTrial, prunes_by_seed: bool) -> Row:
    attrs, end = trial.user_attrs, outcome(trial)
    by_seed = end.get("by_seed", prunes_by_seed)
    return Row(
        number=trial.number,
        state=trial.state.name,
        values=attrs.get(VALUES, {}),
        objective=tuple(trial.values) if trial.state == TrialState.COMPLETE else (),
        per_seed=tuple(map(tuple, end.get("per_seed", ()))),
        rungs={} if by_seed else dict(sorted(trial.intermediate_values.items())),
        seconds=end.get("seconds", 0.0),
        baseline=bool(attrs.get(BASELINE)),
        diverged=end.get("diverged", ""),
        copy_of=end.get("copy_of"),
        reason=end.get("reason", ""),
        run_ids=tuple(end.get("run_ids", ())),
        inner=trial.params,
    )
