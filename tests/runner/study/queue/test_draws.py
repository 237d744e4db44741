"""What a sampler sees: the draws of a study in their order, whatever was lost meanwhile."""

from optuna.trial import TrialState

from runner.study.queue import attributes, draws, locks, queue
from runner.study.queue.claim import claim


def test_a_repetition_stands_at_the_place_of_the_first_attempt(address: str, queues) -> None:
    study = queues.new_study(address, 3)
    claim(study)
    queue.requeue(study, study.trials[0], attributes.GONE)
    locks.fail(study, study.trials[1], attributes.LOST, attributes.LEFT_OVER)
    assert draws.places(study.trials) == {0: 0, 2: 1, 3: 0}


def test_what_was_told_in_spite_of_a_loss_is_seen_by_samplers(address: str, queues) -> None:
    study = queues.new_study(address, 2)
    own = claim(study)
    queues.draw(own)
    own.store(attributes.LOST, attributes.GONE)  # and then its worker was faster
    assert own.end({}, [1.0])
    seen = draws._Draws(study, study.trials)
    assert [t.number for t in seen.get_trials(states=(TrialState.COMPLETE,))] == [0]


def test_values_that_were_not_drawn_and_lost_trials_are_not_seen(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    study.enqueue_trial({}, user_attrs={attributes.BASELINE: True, attributes.FIXED: {"x": 9}})
    study.enqueue_trial({}, user_attrs={attributes.CANDIDATE: 1, attributes.SEED: 2})
    locks.fail(study, study.trials[2], attributes.LOST, attributes.GONE)
    assert [t.number for t in draws._Draws(study, study.trials).get_trials()] == [0]
