"""A grid of runs: all checked first, launched together, ranked at the end."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
from runner.sweep.bundle import Bundle, Kinds, Labelled, bundles, fused
from runner.sweep.deliveries import deliver_left
from runner.sweep.launch import Job, Run, named, not_started, run_elsewhere
from runner.sweep.placing import Placing, accelerators, room
from runner.sweep.pool import Pool
from runner.sweep.sharing import Partings, Share, shares
from runner.tracking import outbox, trackers_of
from runner.training import devices

LONGEST_SUBJECT = 200  # letters of what a sweep is named after


@dataclass(frozen=True)
class Sweep:
    """How a grid is run.

    composer: makes the settings of a job. launcher: the configuration of Hydra's launcher. run: for
    jobs in this process. apart: the same for those in processes beside it. launch: Hydra's, for all
    others. workers: processes, None for as many as the machine has room for. width: most jobs that
    a process trains as one program, None for as many as are fastest.
    """

    composer: Composer
    launcher: Mapping[str, Any]
    run: Run | None = None
    apart: Labelled | None = None
    launch: Launch | None = None
    workers: int | None = None
    width: int | None = 1

    def of(self, jobs: Sequence[Words]) -> int:
        """Run every combination; return 0, 1 if a run failed, 3 if all diverged, 130 if
        interrupted. Raises Mistake as `results` does."""
        return exit_status(self.results(jobs))

    def results(self, jobs: Sequence[Words]) -> list[Result]:
        """Run every combination; print the ranking and return what came out, in order.

        Raises Mistake, with nothing created, if any job could not be trained.
        """
        check_launcher(self.launcher)
        kinds = Kinds(self.width)
        checked = self._checked(jobs, kinds)
        keys = [jobs[0][i].key for i in varying(jobs)]
        typed = ",".join(jobs[0][i].typed_key for i in varying(jobs)) or "sweep"
        name = f"{typed[:LONGEST_SUBJECT]} {datetime.now():%Y-%m-%d %H:%M:%S}"
        asked = [job.trial if job.settings.states.enabled else None for job in checked]
        order = shares(asked)
        at_a_time = self._at_a_time(checked)
        widths = kinds.widths(checked, order, at_a_time or 1)
        checked = fused(checked, widths)
        is_pool = self.apart is not None
        placed = Placing(self.composer, name, at_a_time, is_pool).placed(checked, order)
        shown = pages.show_jobs(placed, name, keys)
        say(*(f"look      {page}" for page in shown[:1]))
        with tempfile.TemporaryDirectory(prefix="runner-") as folder, Interrupts() as interrupts:
            os.environ[STOP_FILE] = str(Path(folder) / "stop")
            try:
                with Partings(placed) as partings:
                    found = bundles(placed, order, widths, at_a_time or 1)
                    how = (found, order, partings, interrupts, at_a_time)
                    results = self._trained(placed, *how)
            finally:
                del os.environ[STOP_FILE]
        results = _with_settings(results, checked)
        say(*ending(results, shown))
        if (file := picture.draw(results, placed)) is not None:
            say(f"picture   {file}")
        pages.describe_jobs(placed, name, results, shown)
        return results

    def _checked(self, jobs: Sequence[Words], kinds: Kinds) -> list[Job]:
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
            found = Job(name, words, settings, threads, setup.metric, setup.trial)
            checked.append(replace(found, kind=kinds.of(setup)))
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
        parts: Sequence[Bundle],
        order: Sequence[Share],
        partings: Partings,
        interrupts: Interrupts,
        at_a_time: int | None,
    ) -> list[Result]:
        """Run all jobs: in processes of ours, together by a launcher, or one by one."""
        results: dict[int, Result] = {}
        ended = partial(_ended, results, partings)
        if self.run is None:
            places = [one.place for one in order]
            batches = [[place] for place in places] if at_a_time == 1 else [places]
            for number, batch in enumerate(batches):
                stops = interrupts.requested()
                if len(batches) > 1 and not stops:
                    _begins(parts, number)
                ended(batch, self._launched([jobs[i] for i in batch], len(results), stops=stops))
        elif self.apart is not None and at_a_time is not None and at_a_time > 1:
            group = {one.place: one.group for one in order}
            groups = [group[part.places[0]] for part in parts]
            devices.let_go()
            with sharing(len(jobs)), Pool(self.apart, accelerators(at_a_time), interrupts) as pool:
                for part, found in pool.results(parts, groups, partial(_begins, parts)):
                    ended(part.places, found)
            if pool.has_lost and not interrupts.requested():
                with suppress(KeyboardInterrupt):
                    deliver_left(jobs, results.values())
            waiting = {box.run_id for box in outbox.waiting()}
            for place, one in results.items():
                if not waiting.isdisjoint(one.run_ids):
                    results[place] = replace(one, delivered=False)
        else:
            for number, part in enumerate(parts):
                if interrupts.requested():
                    ended(part.places, part.not_started())
                    continue
                if len(jobs) > 1:
                    _begins(parts, number)
                with sharing(len(jobs)):
                    ended(part.places, part.run(self.run, label=False))
        return [results[place] for place in range(len(jobs))]

    def _launched(self, jobs: Sequence[Job], first: int, *, stops: bool) -> Sequence[Result]:
        """Run jobs where the launcher does.

        first: how many were run before.
        """
        if stops:
            return [not_started(job) for job in jobs]
        assert self.launch is not None
        return run_elsewhere(jobs, self.launch, first)


def _ended(
    results: dict[int, Result],
    partings: Partings,
    places: Sequence[int],
    found: Sequence[Result],
) -> None:
    """Take the results of jobs, and let go what they alone have needed."""
    results.update(zip(places, found, strict=True))
    partings.ended(places)


def _begins(parts: Sequence[Bundle], number: int) -> None:
    """Say that the jobs of a bundle begin."""
    count = sum(len(part.jobs) for part in parts)
    first = sum(len(part.jobs) for part in parts[:number])
    for i, job in enumerate(parts[number].jobs, start=first):
        if audience().hears(i, i + 1, count):
            say(f"[{i + 1}/{count}] {job.name}")


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
