"""A grid of runs: all checked first, launched together, ranked at the end."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from runner import provenance
from runner.build.setup import Setup, check
from runner.config.command_line import Words, varying
from runner.config.composer import Composer
from runner.config.request import BASIC_LAUNCHER, Launch, check_launcher
from runner.config.settings import Settings
from runner.errors import Mistake, out_of_memory
from runner.interrupts import STOP_FILE, Interrupts
from runner.report.audience import audience, sharing
from runner.report.runs import ending
from runner.report.say import say, warn
from runner.results.result import Result, exit_status
from runner.sweep import pages, picture
from runner.sweep.launch import Job, Run, named, not_started, run_elsewhere, run_here
from runner.sweep.placing import Placing, accelerators, room
from runner.sweep.pool import Pool
from runner.sweep.sharing import Partings, Share, shares
from runner.sweep.worker import Labelled
from runner.tracking import trackers_of
from runner.training import devices

LONGEST_SUBJECT = 200  # letters of what a sweep is named after


@dataclass(frozen=True)
class Sweep:
    """How a grid is run.

    composer: makes the settings of a job. launcher: the configuration of Hydra's launcher. run: for
    jobs in this process. apart: the same for those in processes beside it. launch: Hydra's, for all
    others. workers: jobs at a time, None for as many as the machine has room for.
    """

    composer: Composer
    launcher: Mapping[str, Any]
    run: Run | None = None
    apart: Labelled | None = None
    launch: Launch | None = None
    workers: int | None = None

    def of(self, jobs: Sequence[Words]) -> int:
        """Run every combination; return 0, 1 if a run failed, 3 if all diverged, 130 if
        interrupted. Raises Mistake as `results` does."""
        return exit_status(self.results(jobs))

    def results(self, jobs: Sequence[Words]) -> list[Result]:
        """Run every combination; print the ranking and return what came out, in order.

        Raises Mistake, with nothing created, if any job could not be trained.
        """
        check_launcher(self.launcher)
        checked = self._checked(jobs)
        keys = [jobs[0][i].key for i in varying(jobs)]
        typed = ",".join(jobs[0][i].typed_key for i in varying(jobs)) or "sweep"
        name = f"{typed[:LONGEST_SUBJECT]} {datetime.now():%Y-%m-%d %H:%M:%S}"
        asked = [job.trial if job.settings.states.enabled else None for job in checked]
        order = shares(asked)
        at_a_time = self._at_a_time(checked)
        is_pool = self.apart is not None
        placed = Placing(self.composer, name, at_a_time, is_pool).placed(checked, order)
        shown = pages.show_jobs(placed, name, keys)
        say(*(f"look      {page}" for page in shown[:1]))
        with tempfile.TemporaryDirectory(prefix="runner-") as folder, Interrupts() as interrupts:
            os.environ[STOP_FILE] = str(Path(folder) / "stop")
            try:
                with Partings(placed) as partings:
                    results = self._trained(placed, order, partings, interrupts, at_a_time)
            finally:
                del os.environ[STOP_FILE]
        results = _with_settings(results, checked)
        say(*ending(results, shown))
        if (file := picture.draw(results, placed)) is not None:
            say(f"picture   {file}")
        pages.describe_jobs(placed, name, results, shown)
        return results

    def _checked(self, jobs: Sequence[Words]) -> list[Job]:
        checked = []
        asked: set[str] = set()
        for number, (words, name) in enumerate(zip(jobs, provenance.names(jobs), strict=True), 1):
            if sys.stderr.isatty():
                warn(f"checking job {number} of {len(jobs)}", end="\r")
            with named(number, len(jobs), name):
                settings = self.composer.settings(words)
                for tracker in trackers_of(settings.tracking):
                    if tracker.address not in asked:
                        tracker.check()
                    asked.add(tracker.address)
                setup = _tried(settings)
            threads = setup.settings.threads or devices.DEFAULT_THREADS
            checked.append(Job(name, words, settings, threads, setup.metric, setup.trial))
        return _with_setting_names(checked)

    def _at_a_time(self, jobs: Sequence[Job]) -> int | None:
        """Return how many jobs run at a time here; None where a launcher sends them away."""
        if self.launcher["_target_"] != BASIC_LAUNCHER:
            n_jobs: int | None = self.launcher.get("n_jobs")
            return n_jobs and min(len(jobs), devices.DEFAULT_THREADS if n_jobs == -1 else n_jobs)
        return 1 if self.apart is None else min(len(jobs), self.workers or room(jobs))

    def _trained(
        self,
        jobs: Sequence[Job],
        order: Sequence[Share],
        partings: Partings,
        interrupts: Interrupts,
        at_a_time: int | None,
    ) -> list[Result]:
        """Run all jobs: in processes of ours, together by a launcher, or one by one."""
        places = [one.place for one in order]
        results: dict[int, Result] = {}
        if self.apart is not None and at_a_time is not None and at_a_time > 1:
            mine = [jobs[place] for place in places]
            groups = [one.group for one in order]
            devices.let_go()
            with sharing(len(jobs)), Pool(self.apart, accelerators(at_a_time), interrupts) as pool:
                for number, result in pool.results(mine, groups, partial(_begins, mine)):
                    results[places[number]] = result
                    partings.ended([places[number]])
            return [results[place] for place in range(len(jobs))]
        one_by_one = at_a_time == 1
        for batch in [[place] for place in places] if one_by_one else [places]:
            mine, first = [jobs[place] for place in batch], len(results)
            if interrupts.requested():
                found: Sequence[Result] = [not_started(job) for job in mine]
            else:
                if one_by_one and len(jobs) > 1:
                    _begins([jobs[place] for place in places], first)
                found = self._launched(mine, first, len(jobs))
            results.update(zip(batch, found, strict=True))
            partings.ended(batch)
        return [results[place] for place in range(len(jobs))]

    def _launched(self, jobs: Sequence[Job], first: int, count: int) -> Sequence[Result]:
        """Run jobs here, or where the launcher does.

        first: how many were run before. count: of all.
        """
        if self.run is not None:
            with sharing(count):
                return [run_here(job, self.run) for job in jobs]
        assert self.launch is not None
        return run_elsewhere(jobs, self.launch, first)


def _begins(jobs: Sequence[Job], number: int) -> None:
    """Say that a job begins."""
    if audience().hears(number, number + 1, len(jobs)):
        say(f"[{number + 1}/{len(jobs)}] {jobs[number].name}")


def _tried(settings: Settings) -> Setup:
    """Build a job to see that it can be; return that for a look.

    Raises Mistake where it cannot be built, or does not fit into the memory.
    """
    try:
        return check(settings)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise Mistake(devices.memory_advice(settings.train.batch_size)) from error


def _with_setting_names(jobs: Sequence[Job]) -> list[Job]:
    """Return jobs that know their setting, which decides their bits beside the seed."""
    kept = [
        job.settings.resolved() | {"seed": None, "tracking": None, "states": None} for job in jobs
    ]
    settings = [json.dumps(values, sort_keys=True) for values in kept]
    seedless = [[word for word in job.words if word.key != "seed"] for job in jobs]
    names = provenance.names(seedless) if len(set(settings)) > 1 else ["all"] * len(jobs)
    found = zip(jobs, settings, names, strict=True)
    return [replace(job, setting=setting, setting_name=name) for job, setting, name in found]


def _with_settings(results: Sequence[Result], jobs: Sequence[Job]) -> list[Result]:
    """Return results that know what was asked for."""
    return [
        replace(
            result,
            lr=job.settings.lr,
            seed=job.settings.seed,
            setting=job.setting,
            setting_name=job.setting_name,
        )
        for result, job in zip(results, jobs, strict=True)
    ]
