"""A grid of runs: all checked first, launched together, ranked at the end."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from runner import provenance
from runner.build.setup import Setup, check
from runner.config.command_line import Words, varying, word
from runner.config.composer import Composer
from runner.config.configurator import assigned, tagged
from runner.config.request import BASIC_LAUNCHER, Launch, check_launcher
from runner.config.settings import Settings
from runner.errors import Mistake, out_of_memory
from runner.interrupts import STOP_FILE, Interrupts
from runner.report.audience import audience, sharing
from runner.report.runs import ending
from runner.report.say import say, warn
from runner.results.result import Result, Status, exit_status
from runner.results.view import JOB, KIND, SETTING, SWEEP
from runner.sweep import pages, picture
from runner.sweep.launch import Job, Run, named, run_elsewhere, run_here
from runner.sweep.sharing import Partings, Share, shares
from runner.tracking import trackers_of
from runner.training import devices

LONGEST_SUBJECT = 200  # letters of what a sweep is named after


@dataclass(frozen=True)
class Sweep:
    """How a grid is run.

    composer: makes the settings of a job. launcher: the configuration of Hydra's launcher. run: for
    jobs in this process. launch: Hydra's, for all others.
    """

    composer: Composer
    launcher: Mapping[str, Any]
    run: Run | None = None
    launch: Launch | None = None

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
        placed = self._placed(checked, name, order)
        shown = pages.show_jobs(placed, name, keys)
        say(*(f"look      {page}" for page in shown[:1]))
        with tempfile.TemporaryDirectory(prefix="runner-") as folder, Interrupts() as interrupts:
            os.environ[STOP_FILE] = str(Path(folder) / "stop")
            try:
                with Partings(placed) as partings:
                    results = self._trained(placed, order, partings, interrupts)
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

    def _placed(self, jobs: Sequence[Job], usual: str, order: Sequence[Share]) -> list[Job]:
        """Give each job its name, experiment, tags, threads and accelerator, and make the database.

        usual: the sweep's name, and its experiment's where none is given. order: in which the jobs
        are started.
        """
        tracked = [job.settings.tracking for job in jobs if job.settings.tracking.enabled]
        made: set[tuple[str, str]] = set()
        for one in tracked:
            for tracker in trackers_of(one):
                place = tracker.address, one.experiment or usual
                if place not in made:
                    tracker.prepare(place[1])
                made.add(place)
        shown = " and ".join(dict.fromkeys(f"'{one.experiment or usual}'" for one in tracked))
        count = "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
        say(f"{count}{f', experiment {shown}' if shown else ''}")
        workers = self._workers()
        placed = []
        cuts = {one.place: one.cuts for one in order}
        for i, job in enumerate(jobs):
            settings, more = job.settings, dict[str, Any]()
            if cuts[i]:
                more["states.cuts"] = [*settings.states.cuts, *sorted(cuts[i])]
            if settings.tracking.experiment is None:
                more["tracking.experiment"] = usual
            if settings.tracking.run_name is None:
                more["tracking.run_name"] = job.name
            if settings.threads is None and workers:
                more["threads"] = min(job.threads, max(1, devices.DEFAULT_THREADS // workers))
            words = (*job.words, *assigned(more))
            if settings.device == "auto" and workers and workers > 1 and devices.count() > 1:
                words = (*words, word(f"device={devices.available()[0]}:{i % devices.count()}"))
            settings = self.composer.settings(words)
            if settings.tracking.enabled:
                tags = {KIND: JOB, SWEEP: usual, SETTING: job.setting_name}
                words = (*words, *tagged(tags))
                settings = _with_tags(settings, tags)
            placed.append(replace(job, words=words, settings=settings))
        return placed

    def _workers(self) -> int | None:
        """Return how many jobs run at a time here; None where a launcher sends them away."""
        if self.launcher["_target_"] == BASIC_LAUNCHER:
            return 1
        n_jobs = self.launcher.get("n_jobs")
        return devices.DEFAULT_THREADS if n_jobs == -1 else n_jobs

    def _trained(
        self,
        jobs: Sequence[Job],
        order: Sequence[Share],
        partings: Partings,
        interrupts: Interrupts,
    ) -> list[Result]:
        """Run all jobs together, or one by one where they run one by one anyway."""
        one_by_one = self._workers() == 1
        places = [one.place for one in order]
        results: dict[int, Result] = {}
        for batch in [[place] for place in places] if one_by_one else [places]:
            mine, first = [jobs[place] for place in batch], len(results)
            if interrupts.requested():
                found: Sequence[Result] = [
                    Result(job.name, Status.KILLED, reason="not started") for job in mine
                ]
            else:
                if one_by_one and len(jobs) > 1 and audience().hears(first, first + 1, len(jobs)):
                    say(f"[{first + 1}/{len(jobs)}] {mine[0].name}")
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


def _with_tags(settings: Settings, tags: Mapping[str, str]) -> Settings:
    """Return settings whose run has tags, beside those of its own."""
    tracking = settings.tracking
    return replace(settings, tracking=replace(tracking, tags={**tracking.tags, **tags}))


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
