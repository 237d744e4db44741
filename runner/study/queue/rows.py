"""Optuna's trials as plain rows."""

from collections.abc import Sequence
from typing import Any

from runner.results.definition import Definition
from runner.results.rows import COMPLETE, Row
from runner.study.queue import attributes


def rows(trials: Sequence[Any], definition: Definition) -> list[Row]:
    """Return Optuna's trials as rows, those that were lost or left over not among them."""
    found = []
    for trial in trials:
        if attributes.is_lost(trial):
            continue
        attrs = trial.user_attrs
        said = attributes.outcome(trial)
        by_seed = said.get("by_seed", definition.prunes_by_seed)
        values = tuple(trial.values or ())
        found.append(
            Row(
                number=trial.number,
                state=trial.state.name,
                values=attrs.get(attributes.VALUES, {}),
                objective=values if trial.state.name == COMPLETE else (),
                per_seed=tuple(tuple(one) for one in said.get("per_seed", ())),
                rungs={} if by_seed else dict(sorted(trial.intermediate_values.items())),
                seconds=said.get("seconds", 0.0),
                baseline=bool(attrs.get(attributes.BASELINE)),
                diverged=said.get("diverged", ""),
                copy_of=said.get("copy_of"),
                reason=said.get("reason", ""),
                run_ids=tuple(said.get("run_ids", ())),
                inner=trial.params,
            )
        )
    return found
