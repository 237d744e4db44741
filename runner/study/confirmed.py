"""What the runs on fresh seeds have found."""

import math
from typing import Any

from optuna.study import Study
from optuna.trial import TrialState

from runner.study import queue
from runner.study.answer import Confirmed
from runner.study.definition import Definition


def confirmations(
    confirmation: Study | None, definition: Definition
) -> tuple[list[Confirmed], Confirmed | None]:
    """Return the candidates and the baseline as their fresh seeds found them, each one that has a
    run for each of `definition.confirm_seeds`."""
    if confirmation is None:
        return [], None
    groups: dict[tuple[int, str], dict[int, Any]] = {}
    for trial in confirmation.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        attrs = trial.user_attrs
        label = attrs["label"].removeprefix("confirm ")
        of_one = groups.setdefault((attrs[queue.CANDIDATE], label), {})
        of_one[attrs[queue.SEED]] = trial
    found = [
        _confirmed(
            number, label, [trials[seed] for seed in sorted(trials)[: definition.confirm_seeds]]
        )
        for (number, label), trials in groups.items()
        if len(trials) >= definition.confirm_seeds
    ]
    baseline = next((one for one in found if one.label == "baseline"), None)
    return [one for one in found if one is not baseline], baseline


def _confirmed(number: int, label: str, trials: list[Any]) -> Confirmed:
    said = [queue.outcome(trial) for trial in trials]
    tests = [one["test"][0] if one.get("test") else {} for one in said]
    keys = sorted(set.intersection(*(set(test) for test in tests)))
    return Confirmed(
        label=label,
        values=trials[0].user_attrs[queue.FIXED],
        number=number,
        per_seed=tuple(
            math.nan if one.get("diverged") else trial.values[0]
            for trial, one in zip(trials, said, strict=True)
        ),
        test={key: tuple(test[key] for test in tests) for key in keys},
    )
