"""What the sweeper calls: makes a study or finds it again, lets workers work, then answers."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from optuna.study import Study

from runner import warm
from runner.config.composer import Composer
from runner.config.request import Launch
from runner.errors import Mistake
from runner.interrupts import Interrupts
from runner.report.say import say, warn
from runner.results.answer import Answer
from runner.results.result import Status
from runner.study.answer.conclude import conclude
from runner.study.answer.confirm import is_over
from runner.study.answer.pages import show_study
from runner.study.join import command
from runner.study.plan.plan import Plan, plan
from runner.study.queue import attributes, queue
from runner.study.queue.create import create
from runner.study.queue.locks import creating
from runner.study.queue.storage import is_shared, open_storage, told
from runner.study.work.launched import Launcher, launch_workers
from runner.study.work.monitor import Monitor
from runner.study.work.pool import run_pool
from runner.study.work.worker import work
from runner.tracking import trackers_of
from runner.training import devices

_MAIN = "__main__"  # of a notebook or script
WORKERS = "study.workers="
CMA_ES = "optuna.samplers.CmaEsSampler"


def start(
    words: list[str],
    config_dir: str | None,
    *,
    launcher: Mapping[str, Any],
    launch: Launch | None = None,
    composer: Composer | None = None,
) -> int:
    """Run a study to its total; return the exit status of its answer. Raises Mistake as `search`
    does."""
    found = search(words, config_dir, launcher=launcher, launch=launch, composer=composer)
    return found.status.exit_status


def search(
    words: list[str],
    config_dir: str | None,
    *,
    launcher: Mapping[str, Any],
    launch: Launch | None = None,
    composer: Composer | None = None,
) -> Answer:
    """Run a study to its total; print and return what it has found.

    Raises Mistake, with no study created, for whatever does not fit.
    """
    started_by = Launcher(launch, launcher)
    several = [one for one in words if one.startswith(WORKERS) and one != f"{WORKERS}1"]
    if started_by.is_pool and several:
        warm.load()
    planned = plan(words, config_dir, started_by.is_here, composer)
    started_by.check(planned.study.workers)
    _check_code(planned, started_by)
    with told(planned.study.storage):
        return _start(planned, started_by)


def _start(planned: Plan, started_by: Launcher) -> Answer:
    with creating():  # both, so that a study that is refused leaves nothing
        storage = open_storage(planned.study.storage)
        if planned.definition.sampler["_target_"] == CMA_ES and is_shared(planned.study.storage):
            danger = "unpickles what study.storage holds: who may write it can run code here"
            warn(f"note: {CMA_ES} {danger}")
        study = create(planned, storage)
    if (given := planned.settings.tracking.experiment) not in (None, study.study_name):
        warn(f"note: tracking.experiment={given} is not used: {study.study_name} is the experiment")
    total = planned.definition.trials
    deadline = None if planned.study.timeout is None else time.time() + planned.study.timeout
    say(f"study     {study.study_name}: {len(attributes.done(study))} of {total} trials done")
    if planned.note and not attributes.done(study):
        warn(f"note: {planned.note}")
    if planned.study.workers == 0 and not is_over(study):
        study.set_user_attr(attributes.EARLIER_CRASHES, queue.crashes(study))  # as each start
        say(f"join      {command(planned.study.storage, study.study_name)}")
        return Answer(study.study_name, Status.FINISHED, planned.definition.goals)
    trackers = trackers_of(planned.settings.tracking)
    definition, space = attributes.definition(study), planned.configurator.space
    pages = show_study(study.study_name, definition, space, trackers, warn=warn)
    say(*(f"look      {page}" for page in list(pages.values())[:1]))
    try:
        with Interrupts() as interrupts, Monitor(study, trackers) as monitor:
            _work(planned, study, started_by, deadline, interrupts)
    except KeyboardInterrupt:
        say("\nwhat was training is made again when the same command goes on")
        raise
    if interrupts.requested():
        say("\ninterrupted; the same command goes on")
    elif deadline is not None and _lacks(study):
        say(f"\nstudy.timeout={planned.study.timeout:g} is over; the same command goes on")
    found = conclude(study, planned.configurator, monitor.confirmation)
    assert found is not None
    if interrupts.requested():
        return replace(found, status=Status.KILLED)
    early = deadline is None and _lacks(study)
    failed = monitor.crashes() > planned.definition.max_failures
    is_short = early or failed or not monitor.is_confirmed()
    return replace(found, status=Status.FAILED) if is_short else found


def _check_code(planned: Plan, started_by: Launcher) -> None:
    """Raise Mistake for code that only this process has, where others are to run it."""
    workers = planned.study.workers
    here = started_by.is_pool and workers == 1
    if not here and f"{_MAIN}." in planned.definition.as_json():
        must = f"must be 1 where a class or function is of {_MAIN}, which other processes have not"
        raise Mistake("study.workers", must, f"{workers}", "put it into a file, such as mine.py")


def _lacks(study: Study) -> bool:
    """Return whether trials are left to do. A crashed cell of a grid has none in its place."""
    definition = attributes.definition(study)
    if definition.is_grid:
        return any(queue.left(study))
    return len(attributes.done(study)) < definition.trials


def _work(
    planned: Plan,
    study: Study,
    started_by: Launcher,
    deadline: float | None,
    interrupts: Interrupts,
) -> None:
    """Let the workers work until nothing is left to do."""
    address, workers = planned.study.storage, planned.study.workers
    if workers == 0:
        return
    if not started_by.is_pool:
        assert started_by.launch is not None
        launch_workers(study, address, started_by.launch, workers, deadline, interrupts)
        return
    if workers == 1:
        work(study, interrupts, deadline, None, planned.configurator)
        return
    kind, count = devices.available()[0], devices.count()
    spread = count > 1 and planned.settings.device == "auto"
    places = [f"{kind}:{i % count}" if spread else None for i in range(workers)]
    given = [[address, study.study_name, deadline, place] for place in places]
    threads = attributes.definition(study).threads
    note = devices.crowded(workers, threads or 1)
    if note and not attributes.done(study):  # one that goes on keeps its number
        warn(f"note: {note}")
    run_pool(given, threads, interrupts)
