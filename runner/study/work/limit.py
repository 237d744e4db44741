"""The time that a cluster's queue gives this process, and whether a trial fits into it."""

import os
import re
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress

from optuna.exceptions import StorageInternalError
from optuna.study import Study
from optuna.trial import TrialState

from runner.errors import Mistake
from runner.study.answer import confirm
from runner.study.queue import attributes

ASK_SECONDS = 10.0
MARGIN, LOADING_SECONDS = 1.2, 60.0  # what a process has beside a trial's training
# as squeue writes days, hours, minutes and seconds
_LEFT = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d\d)")


def note(study: Study, had: float, needed: float) -> None:
    """Keep that a trial was stopped before its end, for those who have no more time.

    had: seconds that it trained. needed: seconds that it would have taken.
    """
    known = study.user_attrs.get(attributes.CUT_OFF, [0.0])
    with suppress(StorageInternalError):
        if had > known[0]:
            study.set_user_attr(attributes.CUT_OFF, [had, needed])


def check_fits(study: Study, *, states: bool) -> None:
    """Raise Mistake where Slurm would end this process before a trial of a study can have ended,
    which would begin anew each time: where one was stopped that had as much time, and where trials
    take more. With more time than was tried, a machine may be fast enough.

    states: whether a trial goes on from where it was stopped, in which case any time will do.
    """
    study = confirm.existing(study) or study  # whose trials are left
    tried = None if states else study.user_attrs.get(attributes.CUT_OFF)
    left = None if tried is None else seconds_left(os.environ)
    if tried is None or left is None or left > MARGIN * tried[0] + LOADING_SECONDS:
        return
    needed = seconds_needed(study, tried[1])
    if left >= needed:
        return
    given = f"{left:.3g} s, where a trial takes {needed:.3g} s"
    advice = "ask for more with --time, or make the study with states on"
    raise Mistake("the queue's time limit", "must be longer than a trial", given, advice)


def seconds_needed(study: Study, estimated: float) -> float:
    """Return what the quickest trial took; before one has ended, an estimate."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    ends = map(attributes.outcome, filter(lambda t: not attributes.is_copy(t), complete))
    took = [end["seconds"] for end in ends if not end.get("diverged") and end.get("seconds")]
    return min(took, default=estimated)


def seconds_left(environment: Mapping[str, str]) -> float | None:
    """Return how long Slurm lets this job run; None where no Slurm says so, or no end is set.

    >>> seconds_left({}) is None
    True
    """
    if "SLURM_JOB_END_TIME" in environment:  # since 23.02
        return float(environment["SLURM_JOB_END_TIME"]) - time.time()
    if "SLURM_JOB_ID" not in environment:
        return None
    job = environment["SLURM_JOB_ID"]
    if task := environment.get("SLURM_ARRAY_TASK_ID"):  # the last one's id is that of them all
        job = f"{environment.get('SLURM_ARRAY_JOB_ID', job)}_{task}"
    line = ["squeue", "--noheader", f"--jobs={job}", "--format=%L"]
    try:
        asked = subprocess.run(line, capture_output=True, text=True, timeout=ASK_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    return parsed(asked.stdout.strip())


def parsed(left: str) -> float | None:
    """Return the seconds of what squeue writes; None for what is no time, as UNLIMITED.

    >>> parsed("1-02:00:05"), parsed("59:58"), parsed("UNLIMITED")
    (93605.0, 3598.0, None)
    """
    found = _LEFT.fullmatch(left)
    if found is None:
        return None
    days, hours, minutes, seconds = (float(one or 0) for one in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
