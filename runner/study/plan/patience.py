"""A pruner with patience."""

from optuna.pruners import BasePruner
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial


class Patient(BasePruner):
    """Stops a trial whose last reports brought no improvement.

    Optuna's own waits for reports that get worse, which the best value so far never does.

    Arguments:
        wrapped_pruner: another pruner that must agree.
        patience: evaluations without an improvement, >= 1.
        min_delta: an improvement is larger than this, >= 0.
    """

    def __init__(
        self, wrapped_pruner: BasePruner | None, patience: int, min_delta: float = 0.0
    ) -> None:
        self._wrapped = wrapped_pruner
        self._patience = patience
        self._min_delta = min_delta

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether a trial is to stop."""
        sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
        reports = [sign * value for _, value in sorted(trial.intermediate_values.items())]
        before, last = reports[: -self._patience], reports[-self._patience :]
        if not before or max(last) - max(before) > self._min_delta:
            return False
        return self._wrapped is None or self._wrapped.prune(study, trial)
