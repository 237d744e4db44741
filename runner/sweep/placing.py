"""Where the jobs of a grid run and are recorded: names, tags, threads and accelerators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.build.room import processes
from runner.config.command_line import word
from runner.config.composer import Composer
from runner.config.configurator import assigned, tagged
from runner.config.settings import Settings
from runner.report.say import say, warn
from runner.results.view import JOB, KIND, SETTING, SWEEP
from runner.sweep.launch import Job
from runner.sweep.sharing import Share
from runner.tracking import trackers_of
from runner.training import devices


@dataclass(frozen=True)
class Placing:
    """How the jobs of a grid are placed.

    composer: makes the settings of a job. name: the sweep's, and its experiment's where none is
    given. at_a_time: how many jobs run here together, None where they are sent away. is_pool:
    whether they run in processes of ours, which have an accelerator each.
    """

    composer: Composer
    name: str
    at_a_time: int | None
    is_pool: bool = False

    def placed(self, jobs: Sequence[Job], order: Sequence[Share]) -> list[Job]:
        """Give each job its name, experiment, tags, threads and accelerator, and make the database.

        order: in which the jobs are started.
        """
        self._prepare(jobs)
        threads = max((job.threads for job in jobs if not _is_accelerated(job)), default=1)
        if note := devices.crowded(self.at_a_time or 1, threads):
            warn(f"note: {note}")
        cuts = {one.place: one.cuts for one in order}
        return [self._one(job, i, sorted(cuts[i])) for i, job in enumerate(jobs)]

    def _prepare(self, jobs: Sequence[Job]) -> None:
        """Make the experiments, and say what they are called."""
        tracked = [job.settings.tracking for job in jobs if job.settings.tracking.enabled]
        made: set[tuple[str, str]] = set()
        for one in tracked:
            for tracker in trackers_of(one):
                place = tracker.address, one.experiment or self.name
                if place not in made:
                    tracker.prepare(place[1])
                made.add(place)
        shown = " and ".join(dict.fromkeys(f"'{one.experiment or self.name}'" for one in tracked))
        count = "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
        say(f"{count}{f', experiment {shown}' if shown else ''}")

    def _one(self, job: Job, number: int, cuts: Sequence[int]) -> Job:
        settings, more = job.settings, dict[str, Any]()
        if cuts:
            more["states.cuts"] = [*settings.states.cuts, *cuts]
        if settings.tracking.experiment is None:
            more["tracking.experiment"] = self.name
        if settings.tracking.run_name is None:
            more["tracking.run_name"] = job.name
        if settings.threads is None and self.at_a_time:
            own = max(1, devices.DEFAULT_THREADS // self.at_a_time)
            # on a CPU it decides bits, so it is that of any number of them
            more["threads"] = min(job.threads, own) if _is_accelerated(job) else job.threads
        words = (*job.words, *assigned(more))
        several = (self.at_a_time or 1) > 1 and devices.count() > 1
        if settings.device == "auto" and several and not self.is_pool:
            place = f"{devices.available()[0]}:{number % devices.count()}"
            words = (*words, word(f"device={place}"))
        settings = self.composer.settings(words)
        if settings.tracking.enabled:
            tags = {KIND: JOB, SWEEP: self.name, SETTING: job.setting_name}
            words = (*words, *tagged(tags))
            settings = _with_tags(settings, tags)
        return replace(job, words=words, settings=settings)


def room(jobs: Sequence[Job]) -> int:
    """Return how many of some jobs the machine has room for at a time."""
    asked = [job.settings.device for job in jobs]
    return processes(asked, max(job.threads for job in jobs))


def accelerators(count: int) -> list[str | None]:
    """Return an accelerator for each of so many processes, None where there are not several."""
    if (there := devices.count()) < 2:
        return [None] * count
    return [f"{devices.available()[0]}:{i % there}" for i in range(count)]


def _is_accelerated(job: Job) -> bool:
    return devices.resolve(job.settings.device).type != "cpu"


def _with_tags(settings: Settings, tags: Mapping[str, str]) -> Settings:
    """Return settings whose run has tags, beside those of its own."""
    tracking = settings.tracking
    return replace(settings, tracking=replace(tracking, tags={**tracking.tags, **tags}))
