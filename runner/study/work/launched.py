"""Who starts workers: a pool of processes of this machine, see `pool`, or one of Hydra's launchers.

Those of a launcher hear of an interrupt by the storage, since no signal reaches them everywhere.
It may give up at the first worker that dies, while others work: who has started them looks on.
"""

import json
import signal
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.study import Study

from runner.config.request import BASIC_LAUNCHER, Launch, check_launcher
from runner.errors import Mistake, one_line
from runner.interrupts import Interrupts
from runner.report.say import warn
from runner.results.definition import Definition
from runner.space import text_of
from runner.study.answer import confirm
from runner.study.periodic import Periodic
from runner.study.queue import attributes, queue
from runner.study.queue.storage import open_storage
from runner.study.work.limit import check_fits
from runner.study.work.signs import Living, Signs
from runner.study.work.worker import configurator_of, work
from runner.tracking import trackers_of

LOOK_SECONDS = 0.25
ASK_SECONDS = 1.0
QUIET_SECONDS = 5.0  # without a running trial, after which stopped workers are waited for no more
_GONE = "all {} workers are gone, as far as the study says; the same command goes on"
_NOBODY = "no worker trains any more, and not all is trained; the same command goes on"
_HERE = ("submitit_launcher.LocalLauncher", "ray_launcher.RayLauncher")


@dataclass(frozen=True)
class Launcher:
    """How a study's workers are started.

    launch, config: Hydra's launcher, None where workers are ours, and its configuration.
    """

    launch: Launch | None
    config: Mapping[str, Any]

    @property
    def is_pool(self) -> bool:
        """Whether workers are processes of this machine that we start ourselves."""
        return bool(self.config["_target_"] == BASIC_LAUNCHER)

    @property
    def is_here(self) -> bool:
        """Whether workers train on this machine, and not each on another one."""
        joins_a_cluster = ((self.config.get("ray") or {}).get("init") or {}).get("address")
        stays = self.config["_target_"].endswith(_HERE) and not joins_a_cluster
        return bool(self.is_pool or "n_jobs" in self.config or stays)

    def check(self, workers: int) -> None:
        """Raise Mistake where workers would wait for each other's end, or cannot be launched."""
        check_launcher(self.config)
        jobs = self.config.get("n_jobs", -1)
        if not self.is_pool and 0 < jobs < workers:
            must = "must be at least study.workers"
            raise Mistake("hydra.launcher.n_jobs", must, f"{jobs} and {workers}")


def launch_workers(
    study: Study,
    address: str,
    launch: Launch,
    workers: int,
    deadline: float | None,
    interrupts: Interrupts,
) -> None:
    """Let workers work until nothing is left to do or somebody interrupts; say where they have
    ended for no reason that the study knows.

    address: of the study's storage, as the workers find it.
    """
    definition = attributes.definition(study)
    start = uuid.uuid4().hex
    spec = text_of(json.dumps([address, study.study_name, deadline, start]))
    words = [*definition.overrides, f"study.worker={spec}"]
    gave_up = threading.Event()
    given = (launch, [words] * workers, gave_up)
    launching = threading.Thread(target=_launch, args=given, daemon=True)
    launching.start()
    is_stopping, busy = False, time.monotonic()
    why = _NOBODY
    living = Living(study, start, workers, definition.heartbeat_seconds)
    while launching.is_alive() or gave_up.is_set():
        if interrupts.requested() and not is_stopping:
            study.set_user_attr(attributes.STOPPED, start)
            is_stopping, busy = True, time.monotonic()
        is_over, runs = _progress(study, definition)
        if runs or (launching.is_alive() and not is_stopping):
            busy = time.monotonic()
        patience = QUIET_SECONDS if is_stopping else definition.heartbeat_seconds
        if time.monotonic() - busy > patience or (is_over and not launching.is_alive()):
            break
        if not is_stopping and living.all_gone():
            launching.join(ASK_SECONDS)  # who failed is said first
            why = _GONE.format(workers)
            break
        time.sleep(LOOK_SECONDS)
    is_late = deadline is not None and time.time() > deadline
    has_failed = any(map(queue.has_failed, filter(None, (study, confirm.existing(study)))))
    if not (interrupts.requested() or is_late or has_failed or confirm.is_over(study)):
        warn(why)


def work_launched(spec: str, interrupts: Interrupts) -> None:
    """Work as one of the launched workers, by what the starter gave it.

    interrupts: open. Ctrl-C and the terminal's end are the starter's.

    Raises Mistake, with no trial claimed, where this machine cannot record, or its queue gives too
    little time.
    """
    address, name, deadline, start = json.loads(spec)
    study = optuna.load_study(study_name=name, storage=open_storage(address))
    definition = attributes.definition(study)
    configurator = configurator_of(definition)
    for tracker in trackers_of(configurator.settings({}).tracking):
        tracker.prepare(definition.experiment)
    check_fits(study, states=configurator.settings({}).states.enabled)

    def ask() -> None:
        if study.user_attrs.get(attributes.STOPPED) == start:
            interrupts.request()

    alive = Signs(study, start, definition.heartbeat_seconds)
    with alive, Periodic(ask, lambda: ASK_SECONDS):
        work(study, interrupts, deadline, None, configurator)
        if interrupts.is_limit():
            alive.comes_back()


def _launch(launch: Launch, jobs: list[list[str]], gave_up: threading.Event) -> None:
    """Launch; say which workers failed, and that the launcher gave up while some may still work."""
    # what is started from here inherits this: the terminal's signals are for the starter alone
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        results = launch(jobs, 0)
    except Exception as error:
        _warn_of("a worker", error)
        gave_up.set()
        return
    for number, job in enumerate(results, start=1):
        try:
            job.return_value  # noqa: B018
        except Exception as error:
            _warn_of(f"worker {number}", error)


def _progress(study: Study, definition: Definition) -> tuple[bool, bool]:
    """Return whether nothing is left to do, and whether a trial runs."""
    again = confirm.existing(study)
    left = [queue.left(one) for one in (study, again) if one is not None]
    # it is there a moment before its trials are
    is_queued = again is not None and bool(again.get_trials(deepcopy=False))
    is_complete = is_queued or not definition.confirm_seeds
    return is_complete and not any(map(any, left)), any(running for _, running in left)


def _warn_of(worker: str, error: Exception) -> None:
    reason = f"{type(error).__name__}: {one_line(error)[:300]}"
    warn(f"{worker} ended early: {reason}")
