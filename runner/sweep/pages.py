"""Where the runs of a grid are shown side by side, and what is said of them there."""

from collections.abc import Sequence

from runner.config.settings import Tracking
from runner.report import descriptions, runs, views
from runner.report.say import warn
from runner.results.definition import Goal
from runner.results.metrics import metric
from runner.results.result import Result
from runner.sweep.launch import Job
from runner.tracking import arrange, describe, tell_spread, trackers_of


def show_jobs(jobs: Sequence[Job], name: str, keys: Sequence[str]) -> list[str]:
    """Let the experiments of jobs show them side by side; return how to open their pages."""
    settings = {job.setting: job.setting_name for job in jobs}
    over_seeds = len({(job.setting, job.settings.seed) for job in jobs}) > len(settings)
    several = list(settings.values()) if over_seeds else []
    goal = Goal(jobs[0].metric, metric(jobs[0].metric).direction)
    view = views.jobs(name, goal, len(jobs), [key.lstrip("+") for key in keys], several)
    found = [
        arrange(trackers_of(tracking), str(tracking.experiment), [view], warn).get(name)
        for tracking in _places(jobs)
    ]
    return [page for page in found if page]


def describe_jobs(
    jobs: Sequence[Job], name: str, results: Sequence[Result], shown: Sequence[str]
) -> None:
    """Let the experiments of jobs say what came out, and how far seeds of a setting lie apart.

    shown: how to open their pages.
    """
    text = descriptions.grid(results, shown)
    for tracking in _places(jobs):
        describe(trackers_of(tracking), str(tracking.experiment), name, text, warn)
    of_setting = {job.setting: job for job in jobs}
    for group in runs.by_setting(results):
        job = of_setting[group[0].setting]
        known = [one for one in group if job.metric in one.metrics and one.link]
        done = sorted(known, key=results.index)
        run_ids = [one.link.run_id for one in done if one.link]
        values = [one.metrics[job.metric] for one in done]
        tell_spread(trackers_of(job.settings.tracking), run_ids, job.metric, values, warn)


def _places(jobs: Sequence[Job]) -> list[Tracking]:
    """Return where jobs are recorded, each experiment once."""
    tracked = [job.settings.tracking for job in jobs if job.settings.tracking.enabled]
    return list({(one.uri, one.experiment): one for one in tracked}.values())
