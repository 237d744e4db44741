"""Many processes share the trials of a study: none lost, none doubled, totals exact."""

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from runner.processes import place
from runner.study.queue import attributes, queue
from runner.study.queue.claim import claim
from runner.study.queue.storage import open_storage


def test_four_processes_end_each_trial_once(address: str, queues) -> None:
    study = queues.new_study(address, 40)
    numbers = queues.claimed([queues.process(address, 40, "fills") for _ in range(4)])
    assert sorted(numbers) == list(range(40))
    assert queues.states(study) == {"COMPLETE": 40}
    assert all(trial.values == [trial.user_attrs["outcome"]["x"]] for trial in study.trials)


def test_starts_at_the_same_moment_make_the_total_once(address: str, queues) -> None:
    open_storage(address)
    numbers = queues.claimed([queues.process(address, 12, "fills") for _ in range(3)])
    study = optuna.load_study(study_name="test", storage=open_storage(address))
    assert len(numbers) == len(set(numbers)) == 12
    counted = queues.states(study)
    assert counted.pop("left over", 0) == len(study.trials) - 12
    assert counted == {"COMPLETE": 12}


def test_a_raised_total_is_reached_and_a_lowered_one_is_not_passed(address: str, queues) -> None:
    study = queues.new_study(address, 4)
    assert sorted(queues.claimed([queues.process(address, 4, "fills")])) == [0, 1, 2, 3]
    queues.retotal(study, 7)
    assert queue.fill(study) == 3
    assert queues.claimed([queues.process(address, 6, "claims")]) == [4, 5]
    assert queues.states(study) == {"COMPLETE": 6, "left over": 1}


def test_the_first_trial_is_claimed_by_what_was_known_a_moment_ago(address: str, queues) -> None:
    study = queues.new_study(address, 2)
    known = study.get_trials(deepcopy=False)
    claims = [claim(study, known=known), claim(study, known=known)]
    assert [own.number for own in claims if own] == [0, 1]
    assert claim(study, known=known) is None


def test_a_total_that_another_start_lowers_ends_the_worker(address: str, queues) -> None:
    study = queues.new_study(address, 40)
    worker = queues.process(address, 40, "fills")
    assert worker.stdout is not None
    for _ in range(5):
        worker.stdout.readline()
    queues.retotal(study, 3)
    assert len(queues.claimed([worker])) < 35
    assert queues.states(study)["left over"] <= queue.AHEAD
    assert set(queues.states(study)) <= {"COMPLETE", "left over"}


def test_what_is_queued_twice_is_made_once(address: str, queues) -> None:
    study = queues.new_study(address, 3)
    for attrs in ({"baseline": True}, {"baseline": True}, {"cell": {"x": 1}}, {"cell": {"x": 1}}):
        study.enqueue_trial({}, user_attrs=attrs)
    got = []
    while (own := claim(study)) is not None:
        got.append(own.number)
        own.end({}, [0.0])
    assert got == [0, 3, 5]
    assert queues.states(study) == {"COMPLETE": 3, "left over": 4}


def test_a_repetition_goes_first(address: str, queues) -> None:
    study = queues.new_study(address, 3)
    first = claim(study)
    queue.requeue(study, study.trials[0], "taken over")
    assert (first.number, claim(study).number) == (0, 3)
    assert claim(study).number == 1


def test_a_draw_is_the_samplers_and_what_is_stored(address: str, queues) -> None:
    """And the sampler is the one that was made for this very trial."""
    study = queues.new_study(address, 2)
    asked = []

    def sampler(trials: list, number: int) -> RandomSampler:
        asked.append((len(trials), number))
        return RandomSampler(seed=10 + number)

    drawn = [queues.draw(claim(study, sampler)) for _ in range(2)]
    assert asked == [(2, 0), (2, 1)]
    for number in (0, 1):
        alone = optuna.create_study(sampler=RandomSampler(seed=10 + number))
        assert drawn[number] == alone.ask().suggest_float("x", 0, 1)
        assert study.trials[number].params == {"x": drawn[number]}


def test_what_a_worker_stores_reports_and_tells_is_in_the_storage(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    with claim(study) as own:
        own.store(attributes.VALUES, {"x": 0.5})
        own.report(25, 2.0)
        own.report(50, 1.0)
        assert study.trials[0].user_attrs[attributes.WORKER]["place"] == place()
        assert own.end({"seconds": 1.5}, [1.0])
    (trial,) = study.trials
    assert (trial.state, trial.values) == (TrialState.COMPLETE, [1.0])
    assert trial.intermediate_values == {25: 2.0, 50: 1.0}
    assert trial.user_attrs[attributes.VALUES] == {"x": 0.5}
    assert attributes.outcome(trial) == {"seconds": 1.5}


def test_only_a_baseline_is_never_pruned(address: str, queues) -> None:
    study = queues.new_study(address, 2)
    study.enqueue_trial({}, user_attrs={"baseline": True})
    study.pruner = optuna.pruners.ThresholdPruner(upper=1.0)
    for number, stops in ((0, True), (2, False)):
        own = claim(study)
        own.report(50, 2.0)
        assert (own.number, own.should_prune()) == (number, stops)


def test_what_a_lost_worker_tells_is_ignored(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    own = claim(study)
    assert queue.requeue(study, study.trials[0], "taken over")
    assert not queue.requeue(study, study.trials[0], "taken over twice")
    with own:
        assert own.lost
        own.lost = False
        own.report(50, 1.0)
        assert own.lost
        assert not own.should_prune()
        assert not own.end({}, [1.0])
        assert not own.end({}, None, TrialState.FAIL)
    assert attributes.WORKER not in study.trials[0].user_attrs
    assert queues.states(study) == {"taken over": 1, "WAITING": 1}


def test_a_lost_trial_draws_nothing(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    own = claim(study)
    queue.requeue(study, study.trials[0], "taken over")
    assert own.draw(lambda trial: {"x": trial.suggest_float("x", 0, 1)}) == {}
    assert own.lost


def test_what_is_given_back_is_claimed_again_with_its_draw(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    with claim(study) as own:
        x = queues.draw(own)
        own.give_back()
    again = claim(study)
    assert again.attrs[attributes.RETRY_OF] == own.number
    assert queues.draw(again) == x
    assert queues.states(study) == {"interrupted": 1, "RUNNING": 1}


def test_the_heart_beats_until_another_takes_the_trial(address: str, queues, eventually) -> None:
    study = queues.new_study(address, 1, seconds=0.6)

    def beat() -> float:
        return study.trials[0].user_attrs[attributes.WORKER]["beat"]

    with claim(study) as own:
        first = beat()
        eventually(lambda: beat() > first)
        assert not own.lost
        queue.requeue(study, study.trials[0], "taken over")
        eventually(lambda: own.lost)


def test_no_beat_comes_after_the_end(address: str, queues) -> None:
    """It would find the trial ended and take it for lost."""
    study = queues.new_study(address, 1)
    with claim(study) as own:
        assert own.end({}, [1.0])
        assert own._heartbeat.is_over()
    assert not own.lost
