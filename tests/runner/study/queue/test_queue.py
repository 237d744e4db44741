"""What is lost is queued again, once, and what ends its workers is not queued for ever."""

import pytest

from runner.study.queue import attributes, locks, queue
from runner.study.queue.claim import claim
from runner.study.queue.heartbeat import Watch


def test_a_trial_of_a_dead_process_is_queued_again_at_once(address: str, queues) -> None:
    study = queues.new_study(address, 2)
    with queues.asleep() as pid:
        lost = queues.running(study, pid)
        assert queue.requeue_lost(study, Watch(30)) == []
    assert queue.requeue_lost(study, Watch(30)) == [lost.number]
    assert queue.requeue_lost(study, Watch(30)) == []
    again = study.trials[-1]
    assert (again.state.name, again.user_attrs[attributes.RETRY_OF]) == ("WAITING", lost.number)
    assert queues.draw(claim(study)) == study.trials[lost.number].params["x"]
    assert claim(study).number == 1
    assert claim(study) is None
    assert queues.states(study) == {"its worker is gone": 1, "RUNNING": 2}


def test_an_ended_trial_is_not_queued_again(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    assert claim(study).end({}, [1.0])
    assert not queue.requeue(study, study.trials[0], "too late")
    assert queues.states(study) == {"COMPLETE": 1}


def test_a_repetition_keeps_what_was_queued_and_nothing_of_the_attempt(address, queues) -> None:
    study = queues.new_study(address, 1)
    study.enqueue_trial({"x": 0.25}, user_attrs={"baseline": True, "cell": {"x": 0.25}})
    own = claim(study)  # and its worker dies before it draws anything
    for key in attributes.OF_ONE_ATTEMPT - {attributes.LOST}:
        own.store(key, "of the first attempt")
    assert queue.requeue(study, study.trials[1], "gone")
    again = claim(study)
    assert again.attrs == {"baseline": True, "cell": {"x": 0.25}, "retry_of": 1}
    assert queues.draw(again) == 0.25


@pytest.mark.parametrize("new", [True, False])
def test_a_trial_forgotten_between_its_end_and_its_repetition_is_found(
    address: str, queues, new: bool
) -> None:
    study = queues.new_study(address, 2)
    x = queues.draw(claim(study))
    assert locks.fail(study, study.trials[0], attributes.LOST, attributes.GONE)
    assert queue.fill(study, new=new) == 1
    assert queues.draw(claim(study)) == x


def test_a_trial_that_kills_its_workers_counts_as_crashed(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    for _ in range(3):
        with queues.asleep() as pid:
            queues.running(study, pid)
        queue.requeue_lost(study, Watch(30))
    assert queue.crashes(study) == 1
    assert queue.left(study) == (0, 0)
    assert attributes.outcome(study.trials[-1])["reason"] == "its worker was killed 3 times"
    assert [t.params["x"] for t in study.trials] == [study.trials[0].params["x"]] * 3


def test_a_few_trials_wait_ahead_of_the_workers(address: str, queues) -> None:
    study = queues.new_study(address, 10)
    assert queue.left(study) == (queue.AHEAD, 0)
    assert queue.fill(study) == 0
    claim(study)
    assert queue.fill(study) == 1
    assert queue.left(study) == (queue.AHEAD, 1)


def test_of_many_workers_none_waits_for_trials_to_be_made(address: str, queues) -> None:
    study = queues.new_study(address, 1000)
    running = 4 * queue.RUNNING_A_WAITING + 1
    for _ in range(running - queue.AHEAD):
        study.enqueue_trial({})
    while claim(study):
        pass
    assert queue.left(study) == (0, running)
    assert queue.fill(study) == 4
