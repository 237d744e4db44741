"""Optuna's trials as plain rows."""

from collections.abc import Sequence

from optuna.trial import FrozenTrial

from runner.results.definition import Definition
from runner.results.rows import COMPLETE, Row
from runner.study.queue import attributes


def rows(trials: Sequence[FrozenTrial], definition: Definition) -> list[Row]:
    """Return Optuna's trials as rows, those that were lost or left over not among them."""
    found = []
    for trial in trials:
        if attributes.is_lost(trial):
            continue
        attrs = trial.user_attrs
        outcome = attributes.outcome(trial)
        by_seed = outcome.get("by_seed", definition.prunes_by_seed)
        values = tuple(trial.values or ())
        found.append(
            Row(
                number=trial.number,
                state=trial.state.name,
                values=attrs.get(attributes.VALUES, {}),
                objective=values if trial.state.name == COMPLETE else (),
                per_seed=tuple(tuple(one) for one in outcome.get("per_seed", ())),
                rungs={} if by_seed else dict(sorted(trial.intermediate_values.items())),
                seconds=outcome.get("seconds", 0.0),
                baseline=bool(attrs.get(attributes.BASELINE)),
                diverged=outcome.get("diverged", ""),
                copy_of=outcome.get("copy_of"),
                reason=outcome.get("reason", ""),
                run_ids=tuple(outcome.get("run_ids", ())),
                inner=trial.params,
            )
        )
    return found
