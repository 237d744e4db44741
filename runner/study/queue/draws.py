"""What a sampler sees of a study: the trials that were drawn, in the order of their draws.

A trial of values outside of the space, such as a baseline, has no parameters, and to many samplers
one such trial would leave no parameter that all trials share. A trial that was lost and queued
again stands at its first place, so that an interrupted study goes on as if nothing had been; so
does one that goes on where another was pruned.
"""

import copy
from collections.abc import Callable, Container, Sequence
from typing import Any

from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner.study.queue import attributes


def places(trials: Sequence[FrozenTrial]) -> dict[int, int]:
    """Return each trial's place in the order of draws by its number; trials that were dropped since
    the total had been reached have none."""
    found: dict[int, int] = {}
    free = 0
    for trial in sorted(trials, key=lambda trial: trial.number):
        attrs = trial.user_attrs
        earlier = attrs.get(attributes.RETRY_OF, attrs.get(attributes.PROMOTED))
        if earlier in found:
            found[trial.number] = found[earlier]
        elif attrs.get(attributes.LOST) != attributes.LEFT_OVER:
            found[trial.number] = free
            free += 1
    return found


class InOrder(BaseSampler):
    """Another sampler, which sees a study's draws in their order."""

    def __init__(self, sampler: BaseSampler, trials: Sequence[FrozenTrial]) -> None:
        self._sampler = sampler
        self._claimed = trials  # the study as it was when the trial began
        self._seen: _Draws | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Any:
        return self._ask(self._sampler.infer_relative_search_space, study, trial)

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Any) -> Any:
        return self._ask(self._sampler.sample_relative, study, trial, search_space)

    def sample_independent(self, study: Study, trial: FrozenTrial, *parameter: Any) -> Any:
        return self._ask(self._sampler.sample_independent, study, trial, *parameter)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._seen = None
        self._ask(self._sampler.before_trial, study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, *end: Any) -> None:
        self._seen = _Draws(study, self._claimed, is_over=True)
        self._ask(self._sampler.after_trial, study, trial, *end)

    def reseed_rng(self) -> None:
        self._sampler.reseed_rng()

    def _ask(self, method: Callable[..., Any], study: Study, trial: FrozenTrial, *more: Any) -> Any:
        if self._seen is None:
            self._seen = _Draws(study, self._claimed)
        return method(self._seen, self._seen.placed(trial), *more)


class _Draws:
    """A study with its draws as trials; what is no matter of trials is the study's own.

    trials: of the whole study, as its places are counted. is_over: whether others may have been
    added or have ended since.
    """

    def __init__(self, study: Study, trials: Sequence[FrozenTrial], is_over: bool = False) -> None:
        self._study = study
        self._known = None if is_over or type(study) is not Study else trials
        self._places = places(trials)
        others = attributes.replaced(trials)
        self._lost = {
            self._places[trial.number]: trial.system_attrs
            for trial in trials
            if trial.number in self._places
            and (attributes.is_lost(trial) or trial.number in others)
        }
        self._found: list[FrozenTrial] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def placed(self, trial: FrozenTrial) -> FrozenTrial:
        """Return a trial as it stands at its place, with what a sampler has noted there before."""
        found = copy.copy(trial)
        found.number = self._places.get(trial.number, trial.number)
        earlier = self._lost.get(found.number, {})
        found.system_attrs = {**earlier, **trial.system_attrs}
        return found

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials that were drawn."""
        if self._found is None:
            if self._known is None:  # with Hyperband the study shows fewer
                self._known = self._study.get_trials(deepcopy=False)
            drawn = filter(_was_drawn, attributes.current(self._known))
            self._found = sorted(map(self.placed, drawn), key=lambda trial: trial.number)
        found = [trial for trial in self._found if states is None or trial.state in states]
        return copy.deepcopy(found) if deepcopy else found

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        return self.get_trials(deepcopy, states)


def _was_drawn(trial: FrozenTrial) -> bool:
    return attributes.FIXED not in trial.user_attrs and not attributes.is_lost(trial)
