"""Of trials that train the very same one is trained."""

import threading

import pytest
from optuna.trial import TrialState

from runner.study.queue import attributes, locks, queue
from runner.study.queue.claim import claim, copy, same


def never() -> bool:
    return False


def test_a_copy_has_the_value_and_the_reports_of_its_original(address: str, queues) -> None:
    study = queues.new_study(address, 2)
    first = claim(study)
    assert not copy(first, "digest", never)
    assert study.trials[0].user_attrs[attributes.IDENTITY] == "digest"
    first.report(50, 3.0)
    first.end({"per_seed": [[2.0]], "seconds": 9.0, "run_ids": ["a"]}, [2.0])
    assert copy(claim(study), "digest", never)
    again = study.trials[1]
    assert (again.values, again.intermediate_values) == ([2.0], {50: 3.0})
    assert attributes.outcome(again) == {
        "per_seed": [[2.0]],
        "seconds": 0.0,
        "run_ids": [],
        "copy_of": 0,
    }


def test_a_pruned_original_has_a_pruned_copy(address: str, queues) -> None:
    study = queues.new_study(address, 2)
    first = claim(study)
    copy(first, "digest", never)
    first.end({}, None, TrialState.PRUNED)
    assert copy(claim(study), "digest", never)
    assert queues.states(study) == {"PRUNED": 2}


def test_another_digest_is_trained(address: str, queues) -> None:
    study = queues.new_study(address, 2)
    first = claim(study)
    copy(first, "digest", never)
    first.end({}, [2.0])
    assert not copy(claim(study), "another", never)


def test_an_original_that_still_trains_is_waited_for(address: str, queues, eventually) -> None:
    study = queues.new_study(address, 2)
    first, second = claim(study), claim(study)
    copy(first, "digest", never)
    waited = []

    def should_stop() -> bool:
        waited.append(len(waited))
        if len(waited) == 3:
            first.end({}, [2.0])
        return False

    assert copy(second, "digest", should_stop)
    assert len(waited) >= 3
    assert [trial.values for trial in study.trials] == [[2.0], [2.0]]


def test_who_is_to_stop_waits_no_more(address: str, queues) -> None:
    study = queues.new_study(address, 2)
    copy(claim(study), "digest", never)
    answers = iter([False, True])
    assert not copy(claim(study), "digest", lambda: next(answers))


def test_of_two_that_come_at_the_same_moment_the_later_waits(address: str, queues) -> None:
    study = queues.new_study(address, 2)
    first, second = claim(study), claim(study)
    second.store(attributes.IDENTITY, "digest")
    assert same(study, "digest", before=None).number == 1
    assert same(study, "digest", before=first.number) is None


def test_a_pruned_original_that_another_stands_for_is_no_original(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    first = claim(study)
    copy(first, "digest", never)
    first.end({}, None, TrialState.PRUNED)
    queue.promote(study, [0])
    assert not copy(claim(study), "digest", never)


def test_of_one_digest_one_worker_decides_at_a_time(address: str, queues) -> None:
    if address.startswith("journal"):
        pytest.skip("where nothing keeps them apart, the later number waits")
    study = queues.new_study(address, 2)
    first, second = claim(study), claim(study)
    asked = []
    with locks.deciding(study, "digest"):
        other = threading.Thread(target=lambda: asked.append(copy(second, "digest", never)))
        other.start()
        other.join(timeout=0.5)
        assert asked == []
        first.store(attributes.IDENTITY, "digest")
    assert first.end({}, [2.0])
    other.join(timeout=60)
    assert asked == [True]


def test_workers_that_ask_at_once_train_one(address: str, queues) -> None:
    study = queues.new_study(address, 3)
    claims = [claim(study) for _ in range(3)]
    trained = []

    def work(own) -> None:
        if not copy(own, "digest", never):
            trained.append(own.number)
            own.end({}, [2.0])

    threads = [threading.Thread(target=work, args=(own,)) for own in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(trained) == 1
    assert queues.states(study) == {"COMPLETE": 3}
