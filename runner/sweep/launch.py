"""How the jobs of a grid are run: here, or by one of Hydra's launchers; `pool` runs several."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from runner.config.command_line import Words
from runner.config.request import Launch
from runner.config.settings import Settings
from runner.errors import Mistake, one_line
from runner.results.result import Result, Status
from runner.trial import Trial

Run = Callable[[Settings], Result]


@dataclass(frozen=True)
class Job:
    """A job of a grid: one combination, checked.

    threads: that it uses by itself. metric: which says how good it is. trial: what it trains.
    setting: the same text for jobs that differ by their seed alone; setting_name: its name for
    people. kind: the same for jobs that may train as one program.
    """

    name: str
    words: Words
    settings: Settings
    threads: int = 1
    metric: str = ""
    trial: Trial | None = field(default=None, repr=False)
    setting: str = ""
    setting_name: str = ""
    kind: Hashable = None


@contextmanager
def named(number: int, count: int, name: str) -> Iterator[None]:
    """Let a mistake say which job of several it is about."""
    try:
        yield
    except Mistake as mistake:
        if count == 1:
            raise
        where = f"job {number} of {count} ({name}):"
        raise Mistake(where, one_line(mistake)) from mistake


def not_started(job: Job) -> Result:
    """Return what came of a job that an interrupt has forestalled."""
    return Result(job.name, Status.KILLED, reason="not started")


def failed(job: Job, reason: str) -> Result:
    """Return what came of a job that could not be run."""
    return Result(job.name, Status.FAILED, reason=reason)


def run_here(job: Job, run: Run) -> Result:
    """Run a job in this process. Nothing is raised: the result says what went wrong."""
    return _results([job], lambda: [run(job.settings)])[0]


def run_elsewhere(jobs: Sequence[Job], launch: Launch, first: int) -> Sequence[Result]:
    """Run jobs together, by a launcher that returns when all are done.

    first: the number of the first one.
    """

    def launched() -> list[Result]:
        returned = launch([[word.text for word in job.words] for job in jobs], first)
        found: list[Result] = []
        for job, one in zip(jobs, returned, strict=True):
            found += _results([job], lambda one=one: [one.return_value])  # type: ignore[misc]
        return found

    return _results(jobs, launched)


def _results(jobs: Sequence[Job], ask: Callable[[], Sequence[Result]]) -> Sequence[Result]:
    """Return what is asked for; where a process died, it took all its jobs' results along."""
    try:
        return ask()
    except KeyboardInterrupt:
        return [Result(job.name, Status.KILLED, reason="interrupted") for job in jobs]
    except Exception as error:
        kind = "" if isinstance(error, Mistake) else f"{type(error).__name__}: "
        reason = f"{kind}{one_line(error)}"
        return [failed(job, reason) for job in jobs]
