"""The crowd of bench_claims.py: workers that claim, beat, report and tell, and train nothing.

Each has what a worker has: a study with a memory of its own, the real loop, a claim. They share the
connections of their process, as through a pooler. The study that they meet is multiplied in SQL
from one trial that was made by the same code.
"""

import gc
import queue
import random
import threading
import time
from collections.abc import Callable
from copy import copy
from typing import Any

STUDY = "claims"
BEATS, REPORTS = 6, 4  # of a trial of a minute
THREADS = 3  # workers of a process that are busy at the same time
OUTCOME = {"per_seed": [[0.5]], "seconds": 60.0, "run_ids": ["0" * 32]}
SAMPLERS = {
    "random": {"_target_": "optuna.samplers.RandomSampler"},
    "tpe": {
        "_target_": "optuna.samplers.TPESampler",
        "multivariate": True,
        "group": True,
        "constant_liar": True,
    },
}
COPY = """
INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
    SELECT g, study_id, '{state}', datetime_start, datetime_complete
    FROM trials, generate_series({first}, {last}) g WHERE number = 0;
CREATE TEMP TABLE made ON COMMIT DROP AS SELECT trial_id FROM trials WHERE number >= {first};
INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
    SELECT made.trial_id, param_name, 0.01 + random() / 3, distribution_json
    FROM made, trial_params p JOIN trials t USING (trial_id) WHERE number = 0;
INSERT INTO trial_intermediate_values
        (trial_id, step, intermediate_value, intermediate_value_type)
    SELECT made.trial_id, step, intermediate_value, intermediate_value_type
    FROM made, trial_intermediate_values p JOIN trials t USING (trial_id) WHERE number = 0;
INSERT INTO trial_user_attributes (trial_id, key, value_json)
    SELECT made.trial_id, key,
        CASE key WHEN 'identity' THEN to_json(md5(made.trial_id::text))::text ELSE value_json END
    FROM made, trial_user_attributes a JOIN trials t USING (trial_id)
    WHERE number = 0 AND (key <> 'outcome' OR '{state}' = 'COMPLETE');
"""
END = """
INSERT INTO trial_user_attributes (trial_id, key, value_json)
    SELECT made.trial_id, key, value_json
    FROM trials made, trial_user_attributes a JOIN trials t USING (trial_id)
    WHERE t.number = 0 AND key = 'outcome' AND made.state = 'RUNNING';
UPDATE trials SET state = 'COMPLETE' WHERE state = 'RUNNING';
"""
VALUES = """
INSERT INTO trial_values (trial_id, objective, value, value_type)
    SELECT trial_id, 0, random(), 'FINITE' FROM trials t
    WHERE state = 'COMPLETE'
        AND NOT EXISTS (SELECT FROM trial_values v WHERE v.trial_id = t.trial_id)
"""


class Seat:
    """A worker with the trial that it has: the real loop, which is left when it has claimed one.

    It stands in for the worker's interrupts and for its configurator, too.
    """

    def __init__(self, storage: Any, trial: Any, known: Any, times: dict[str, list[float]]) -> None:
        import optuna

        from runner.study.queue import locks
        from runner.study.queue.claim import Claim
        from runner.study.work.worker import Worker

        study = optuna.load_study(study_name=STUDY, storage=storage)
        self.times = times
        stands_in: Any = self
        self.worker = Worker(study, stands_in, configurator=stands_in)
        study.sampler = self.worker._samplers.of(known, known[-1].number)
        self.claim: Any = Claim(study, locks.handle(study, trial))

    def requested(self) -> bool:
        """Return whether the loop is to be left."""
        return self.claim is not None

    def visit(self) -> None:
        """Do what a worker does of a trial that it has, and claim the next one."""
        from runner.study.queue.claim import copy as same

        for _ in range(BEATS):
            self.timed("beat", self.claim._beat)
        for step in range(REPORTS):
            self.timed("report", self.claim.report, 25 * step + 1, random.random())
        assert self.timed("tell", self.claim.end, OUTCOME, [random.random()])
        self.claim = None
        self.timed("claim", self.worker._work)
        self.timed("draw", begin, self.claim)
        assert not self.timed("same", same, self.claim, random.randbytes(16).hex(), lambda: False)

    def timed(self, what: str, call: Callable[..., Any], *given: Any) -> Any:
        """Call something and keep how long it took."""
        start = time.perf_counter()
        found = call(*given)
        self.times.setdefault(what, []).append(time.perf_counter() - start)
        return found


def begin(claim: Any) -> None:
    """Draw and store what a trial that was claimed begins with."""
    claim._beat()
    claim.store("values", claim.draw(lambda trial: {
        name: trial.suggest_float(name, 1e-3, 1) for name in ("lr", "decay", "momentum")
    }))  # fmt: skip
    claim.store("runs", ["0" * 32])


class Held:
    """In the place of an attempt: only keeps what was claimed."""

    def __init__(self, claim: Any, definition: Any, runs: Any) -> None:
        self.claim, self.seat = claim, runs.configurator

    def make(self) -> None:
        """Keep the claim."""
        self.seat.claim = self.claim


def knowing(storage: Any, backend: Any) -> Any:
    """Return another worker's storage, which has read the same."""
    from runner.study.queue.storage import patient

    own: Any = patient(type(storage)(backend))
    for name in ("_trial_id_to_study_id_and_number", "_study_id_and_number_to_trial_id"):
        setattr(own, name, dict(getattr(storage, name)))
    for number, known in storage._studies.items():
        own._studies[number] = study = copy(known)
        study.trials = dict(known.trials)
        study.unfinished_trial_ids = set(known.unfinished_trial_ids)
        study.param_distribution = dict(known.param_distribution)
    return own


def play(address: str, mine: slice, seconds: float, steps: Any, results: Any) -> None:
    """Play some of the workers; put how long everything took."""
    import optuna
    from optuna.trial import TrialState

    from runner.study.queue.storage import open_storage
    from runner.study.work import worker

    vars(worker)["Attempt"] = Held
    shared: Any = open_storage(address)
    study = optuna.load_study(study_name=STUDY, storage=shared)
    known = study.get_trials(deepcopy=False)
    before = knowing(shared, shared._backend)
    steps.wait()
    steps.wait()
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))[mine]
    times: dict[str, list[float]] = {}
    seats: queue.Queue[Seat] = queue.Queue()
    for trial in running:
        seats.put(Seat(knowing(before, shared._backend), trial, known, times))
    gc.freeze()  # a worker has no thousand others in its memory
    steps.wait()
    start, used = time.perf_counter(), time.process_time()

    def visits() -> None:
        while time.perf_counter() < start + seconds:
            seat = seats.get()
            seat.visit()
            seats.put(seat)

    threads = [threading.Thread(target=visits) for _ in range(THREADS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    ended = time.perf_counter() - start
    results.put((times, ended, time.process_time() - used))
    steps.wait()


def make(address: str, sampler: str) -> None:
    """Make a study with one trial that has ended, as workers leave it."""
    from runner.results.definition import Definition, Goal
    from runner.study.queue import queue as trials
    from runner.study.queue.claim import claim
    from runner.study.queue.storage import make, open_storage

    goals = (Goal("val/loss", "minimize"),)
    definition = Definition(
        "test", {"entries": []}, (), {}, goals, 10**6, heartbeat_seconds=3600, max_failures=9,
        sampler=SAMPLERS[sampler],
    )  # fmt: skip
    study = make(open_storage(address), STUDY, definition)
    trials.fill(study)
    first = claim(study)
    assert first is not None
    begin(first)
    for step in range(REPORTS):
        first.report(25 * step, 0.5)
    assert first.end(OUTCOME, [0.5])
