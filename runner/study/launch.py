"""What the sweeper calls: makes a study or finds it again, lets workers work, then answers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.study import Study

from runner import devices
from runner.config import BASIC_LAUNCHER
from runner.errors import Mistake, one_line
from runner.interrupts import STOP_FILE, Interrupts
from runner.space import text_of
from runner.study import attributes, queue
from runner.study.create import create
from runner.study.definition import Definition
from runner.study.end import conclude
from runner.study.monitor import Monitor
from runner.study.plan import Plan, plan
from runner.study.storage import open_storage
from runner.study.worker import work

Launch = Callable[[Sequence[Sequence[str]], int], Sequence[Any]]
INTERRUPTED = 130


@dataclass(frozen=True)
class Crew:
    """How a study's workers are started.

    launch, launcher: Hydra's, and its configuration.
    """

    launch: Launch
    launcher: Mapping[str, Any]

    @property
    def local(self) -> bool:
        """Whether workers are processes of this machine that we start ourselves."""
        return bool(self.launcher["_target_"] == BASIC_LAUNCHER)

    @property
    def sharing(self) -> int | None:
        """How many workers share this machine's cores: 0 where a launcher sends each away, None
        where all of them do."""
        return None if self.local or "n_jobs" in self.launcher else 0

    def check(self, workers: int) -> None:
        """Raise Mistake where the launcher would let workers wait for each other's end."""
        jobs = self.launcher.get("n_jobs", -1)
        if not self.local and 0 < jobs < workers:
            raise Mistake(
                f"hydra.launcher.n_jobs must be at least study.workers, got {jobs} and {workers}"
            )


def start(
    words: list[str], config_dir: str | None, *, launch: Launch, launcher: Mapping[str, Any]
) -> int:
    """Run a study to its total; return 0, 1 where too many trials crashed or workers ended before
    all was done, 130 if interrupted.

    Raises Mistake, with no study created, for whatever does not fit.
    """
    crew = Crew(launch, launcher)
    planned = plan(words, config_dir, crew.sharing)
    crew.check(planned.study.workers)
    storage = open_storage(planned.study.storage)
    study = create(planned, storage)
    total = planned.definition.trials
    deadline = None if planned.study.timeout is None else time.time() + planned.study.timeout
    done = len(study.get_trials(deepcopy=False, states=attributes.DONE))
    print(f"study     {study.study_name}: {done} of {total} trials done", flush=True)
    with Interrupts() as interrupts, Monitor(study) as monitor:
        _work(planned, study, crew, deadline, interrupts)
    if interrupts.requested():
        print("\ninterrupted; the same command goes on")
    elif deadline is not None and _lacks(study):
        print(f"\nstudy.timeout={planned.study.timeout:g} is over; the same command goes on")
    conclude(study, planned, monitor.confirmation)
    if interrupts.requested():
        return INTERRUPTED
    early = deadline is None and _lacks(study)
    failed = monitor.failures() > planned.definition.max_failures
    return 1 if early or failed or not monitor.is_confirmed() else 0


def _lacks(study: Study) -> bool:
    """Return whether trials are left to do. A crashed cell of a grid has none in its place."""
    definition = Definition.from_json(study.user_attrs[attributes.DEFINITION])
    if definition.is_grid:
        return any(queue.left(study))
    done = study.get_trials(deepcopy=False, states=attributes.DONE)
    return len(done) < definition.trials


def _work(
    planned: Plan, study: Study, crew: Crew, deadline: float | None, interrupts: Interrupts
) -> None:
    """Let the workers work until nothing is left to do."""
    workers = planned.study.workers
    if crew.local and workers == 1:
        work(study, interrupts, deadline, None)
        return
    if not crew.local:
        spec = text_of(json.dumps([planned.study.storage, study.study_name, deadline]))
        words = [*planned.definition.overrides, f"study.worker={spec}"]
        _check_ends(crew.launch([words] * workers, 0))
        return
    _processes(planned, study, deadline, interrupts)


def _check_ends(jobs: Sequence[Any]) -> None:
    """Say of launched workers that did not end well, why."""
    for number, job in enumerate(jobs, start=1):
        try:
            job.return_value  # noqa: B018
        except Exception as error:
            reason = f"{type(error).__name__}: {one_line(error)}"
            print(f"worker {number} ended early: {reason}", file=sys.stderr, flush=True)


def _processes(planned: Plan, study: Study, deadline: float | None, interrupts: Interrupts) -> None:
    """Run workers as processes; one that dies is replaced, as long as something is left to do."""
    stop = Path(".runner") / f"stop-{os.getpid()}"
    stop.parent.mkdir(exist_ok=True)
    environment = {**os.environ, STOP_FILE: str(stop.absolute())}
    threads = Definition.from_json(study.user_attrs[attributes.DEFINITION]).threads
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    spread = devices.count() > 1 and planned.settings.device == "auto"

    def begin(i: int) -> "subprocess.Popen[bytes]":
        device = f"{devices.available()[0]}:{i % devices.count()}" if spread else ""
        words = [planned.study.storage, study.study_name, str(deadline or ""), device]
        command = [sys.executable, "-m", "runner.study.worker", *words]
        return subprocess.Popen(command, env=environment, start_new_session=True)

    processes = [begin(i) for i in range(planned.study.workers)]
    replaced = 0
    try:
        while any(process.poll() is None for process in processes):
            if interrupts.requested():
                stop.touch()
            for i, process in enumerate(processes):
                died = process.poll() not in (None, 0)
                if died and not interrupts.requested() and replaced < 100:
                    replaced += 1
                    processes[i] = begin(i)
            time.sleep(0.1)
    finally:
        for process in processes:
            process.kill()  # a person does not wait for it; what it trained is queued again
            process.wait()
        stop.unlink(missing_ok=True)
