"""How the jobs of a grid are run: here, one after the other, or by one of Hydra's launchers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runner.config.command_line import Words
from runner.config.settings import Settings
from runner.errors import Mistake, one_line
from runner.results.result import Result, Status

Run = Callable[[Settings], Result]
Launch = Callable[[Sequence[Sequence[str]], int], Sequence[Any]]


@dataclass(frozen=True)
class Job:
    """A job of a grid: one combination, checked."""

    name: str
    words: Words
    settings: Settings


def run_here(job: Job, run: Run) -> Result:
    """Run a job in this process. Nothing is raised: the result says what went wrong."""
    try:
        return run(job.settings)
    except KeyboardInterrupt:
        return Result(job.name, Status.KILLED, reason="interrupted")
    except Exception as error:
        return _failed(job, error)


def run_elsewhere(jobs: Sequence[Job], launch: Launch, first: int) -> list[Result]:
    """Run jobs together, by a launcher that returns when all are done.

    first: the number of the first one.
    """
    try:
        returned = launch([[word.text for word in job.words] for job in jobs], first)
    except KeyboardInterrupt:
        return [Result(job.name, Status.KILLED, reason="interrupted") for job in jobs]
    except Exception as error:  # a process died and took its batch's results along
        return [_failed(job, error) for job in jobs]
    return [_result(job, one) for job, one in zip(jobs, returned, strict=True)]


def _result(job: Job, returned: Any) -> Result:
    try:
        result: Result = returned.return_value
        return result
    except Exception as error:
        return _failed(job, error)


def _failed(job: Job, error: Exception) -> Result:
    kind = "" if isinstance(error, Mistake) else f"{type(error).__name__}: "
    return Result(job.name, Status.FAILED, reason=f"{kind}{one_line(error)}")
