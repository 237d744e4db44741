"""A grid of runs: all checked first, launched together, ranked at the end."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from runner import provenance
from runner.build.setup import check
from runner.config import BASIC_LAUNCHER, Settings, expand, read
from runner.config.choices import check_choices
from runner.config.explain import MISTAKES, explain
from runner.config.launcher import check_launcher
from runner.errors import Mistake, one_line
from runner.interrupts import STOP_FILE, Interrupts
from runner.report.runs import ending
from runner.report.say import say
from runner.report.words import counted
from runner.results.result import Result, Status
from runner.tracking import trackers_of
from runner.training import devices

Overrides = list[str]


@dataclass(frozen=True)
class Sweep:
    """What a sweep needs from Hydra.

    compose: a job's overrides -> its configuration. launch: jobs, number of the first -> their
    returns, when all are done. launcher: the launcher's configuration. flags: of the command line,
    such as --config-dir.
    """

    compose: Callable[[Overrides], Any]
    launch: Callable[[Sequence[Sequence[str]], int], Sequence[Any]]
    launcher: Mapping[str, Any]
    flags: Sequence[str] = ()

    def run(self, overrides: Overrides) -> int:
        """Run every combination; return 0, 1 if a run failed, 3 if all diverged, 130 if
        interrupted.

        Raises Mistake, with nothing created, if any job could not be trained.
        """
        check_launcher(self.launcher)
        jobs = expand(overrides)
        names = provenance.names(jobs)
        settings = self._check(jobs, names)
        placed = self._place(jobs, settings, names)
        with tempfile.TemporaryDirectory(prefix="runner-") as folder, Interrupts() as interrupts:
            os.environ[STOP_FILE] = str(Path(folder) / "stop")
            try:
                results = self._launch(placed, names, interrupts)
            finally:
                del os.environ[STOP_FILE]
        say(*ending(_with_settings(results, jobs, settings)))
        statuses = {result.status for result in results}
        if Status.KILLED in statuses:
            return 130
        return 1 if Status.FAILED in statuses else 3 if statuses == {Status.DIVERGED} else 0

    def _check(self, jobs: list[Overrides], names: list[str]) -> list[Settings]:
        checked = []
        asked: set[str] = set()
        for number, (job, name) in enumerate(zip(jobs, names, strict=True), start=1):
            if sys.stderr.isatty():
                print(f"\rchecking job {number} of {len(jobs)}", end="\r", file=sys.stderr)
            words = [*self.flags, *job]
            try:
                check_choices(words)
                config = self.compose(job)
                settings = read(config, config.hydra)
                for tracker in trackers_of(settings.tracking):
                    if tracker.address not in asked:
                        tracker.check()
                    asked.add(tracker.address)
                check(settings)
            except Exception as error:
                where = f"job {number} of {len(jobs)} ({name}): " if len(jobs) > 1 else ""
                if isinstance(error, MISTAKES):
                    raise Mistake(f"{where}{explain(error, words)}") from error
                if devices.out_of_memory(error):
                    advice = devices.memory_advice(settings.train.batch_size)
                    raise Mistake(f"{where}{advice}") from error
                raise
            checked.append(settings)
        return checked

    def _place(
        self, jobs: list[Overrides], settings: list[Settings], names: list[str]
    ) -> list[Overrides]:
        """Give each job its name, experiment, threads and accelerator, and make the database."""
        usual = f"{_varying(jobs)} {datetime.now():%Y-%m-%d %H:%M:%S}"
        tracked = [s.tracking for s in settings if s.tracking.enabled]
        experiments = dict.fromkeys(t.experiment or usual for t in tracked)
        made: set[tuple[str, str]] = set()
        for one in tracked:
            for tracker in trackers_of(one):
                place = (tracker.address, one.experiment or usual)
                if place not in made:
                    tracker.prepare(place[1])
                made.add(place)
        shown = " and ".join(f"'{experiment}'" for experiment in experiments)
        say(f"{counted(len(jobs), 'job')}{f', experiment {shown}' if shown else ''}")
        workers = self._workers()
        placed = []
        for i, (job, job_settings) in enumerate(zip(jobs, settings, strict=True)):
            more = []
            if job_settings.tracking.experiment is None:
                more.append(f"tracking.experiment={_quoted(usual)}")
            if job_settings.tracking.run_name is None:
                more.append(f"tracking.run_name={_quoted(names[i])}")
            if job_settings.threads is None and workers:
                more.append(f"threads={max(1, devices.DEFAULT_THREADS // workers)}")
            if job_settings.device == "auto" and workers and workers > 1 and devices.count() > 1:
                more.append(f"device={devices.available()[0]}:{i % devices.count()}")
            placed.append([*job, *more])
        return placed

    def _workers(self) -> int | None:
        """Return how many jobs run at a time here; None where a launcher sends them away."""
        if self.launcher["_target_"] == BASIC_LAUNCHER:
            return 1
        n_jobs = self.launcher.get("n_jobs")
        return devices.DEFAULT_THREADS if n_jobs == -1 else n_jobs

    def _launch(
        self, jobs: list[Overrides], names: list[str], interrupts: Interrupts
    ) -> list[Result]:
        """Launch all jobs together, or one by one where they run one by one anyway."""
        one_by_one = self._workers() == 1
        results: list[Result] = []
        batches = [[job] for job in jobs] if one_by_one else [jobs]
        for batch in batches:
            first = len(results)
            if interrupts.requested():
                left = names[first : first + len(batch)]
                results += [Result(name, Status.KILLED, reason="not started") for name in left]
                continue
            if one_by_one and len(jobs) > 1:
                say(f"[{first + 1}/{len(jobs)}] {names[first]}")
            results += self._returns(batch, names[first : first + len(batch)], first)
        return results

    def _returns(self, batch: list[Overrides], names: list[str], first: int) -> list[Result]:
        try:
            returned = self.launch(batch, first)
        except KeyboardInterrupt:
            return [Result(name, Status.KILLED, reason="interrupted") for name in names]
        except Exception as error:  # a process died and took its batch's results along
            return [Result(name, Status.FAILED, reason=_reason(error)) for name in names]
        results = []
        for name, one in zip(names, returned, strict=True):
            try:
                results.append(one.return_value)
            except Exception as error:
                results.append(Result(name, Status.FAILED, reason=_reason(error)))
        return results


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {one_line(error)}"


def _varying(jobs: list[Overrides]) -> str:
    """Return the keys that differ between jobs: the subject of a sweep."""
    keys = [
        w.partition("=")[0].lstrip("+")
        for i, w in enumerate(jobs[0])
        if provenance.differs(jobs, i)
    ]
    return ",".join(keys) or "sweep"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _with_settings(
    results: list[Result], jobs: list[Overrides], settings: list[Settings]
) -> list[Result]:
    """Return results that know their setting: what decides their bits beside the seed."""
    seedless = [[word for word in job if not word.lstrip("+").startswith("seed=")] for job in jobs]
    kept = [one.resolved() | {"seed": None, "tracking": None} for one in settings]
    keys = [json.dumps(values, sort_keys=True) for values in kept]
    names = provenance.names(seedless) if len(set(keys)) > 1 else ["all"] * len(jobs)
    found = zip(results, keys, names, strict=True)
    return [replace(result, setting=key, setting_name=name) for result, key, name in found]
