"""Whether a trial fits into a queue's time: from what is known of both, nothing else is refused."""

import os
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

from runner.errors import Mistake
from runner.study.queue import attributes
from runner.study.work.limit import check_fits, note, parsed, seconds_left, seconds_needed

SQUEUE = """\
#!/bin/sh
echo "$@" > asked.txt
echo "  {left}"
"""


@pytest.fixture
def squeue(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a Slurm's `squeue` there that says how much time is left."""

    def put(left: str) -> None:
        file = folder / "squeue"
        file.write_text(SQUEUE.format(left=left))
        file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        monkeypatch.setenv("SLURM_JOB_ID", "17")

    return put


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0:59", 59),
        ("12:34", 754),
        ("1:00:00", 3600),
        ("2-03:04:05", 183845),
        ("UNLIMITED", None),
        ("NOT_SET", None),
        ("INVALID", None),
        ("", None),
    ],
)
def test_times_as_slurm_writes_them(written: str, seconds: float | None) -> None:
    assert parsed(written) == seconds


def test_slurm_is_asked_for_this_job(squeue: Any, folder: Path) -> None:
    squeue("1:30")
    assert seconds_left(os.environ) == 90
    assert (folder / "asked.txt").read_text() == "--noheader --jobs=17 --format=%L\n"
    array = {"SLURM_ARRAY_JOB_ID": "17", "SLURM_ARRAY_TASK_ID": "3"}
    assert seconds_left({**os.environ, **array, "SLURM_JOB_ID": "18"}) == 90
    assert (folder / "asked.txt").read_text() == "--noheader --jobs=17_3 --format=%L\n"
    ends = {"SLURM_JOB_END_TIME": str(int(time.time() + 100)), "SLURM_JOB_ID": "17"}
    assert 90 < (seconds_left(ends) or 0) <= 100


def test_a_slurm_that_does_not_answer_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert seconds_left({"SLURM_JOB_ID": "17"}) is None


def test_the_quickest_trial_says_what_is_needed(worked: Any) -> None:
    found = worked(
        "model=quadratic dataset=none optimizer=sgd schedule=constant train.steps=8 "
        "hydra/sweeper=optuna 'lr=interval(0.1,0.2)' study.trials=3 tracking=off"
    )
    took = [attributes.outcome(trial)["seconds"] for trial in found.trials]
    assert len(took) == 3
    assert seconds_needed(found, 1e6) == min(took) > 0
    assert seconds_needed(optuna.create_study(), 1e6) == 1e6


def test_of_trials_that_were_stopped_the_one_that_had_most_time_counts() -> None:
    study = optuna.create_study()
    note(study, 8.0, 40000.0)  # by Ctrl-C, while all was still loading
    assert study.user_attrs[attributes.CUT_OFF] == [8.0, 40000.0]
    note(study, 50.0, 100.0)
    note(study, 20.0, 110.0)
    assert study.user_attrs[attributes.CUT_OFF] == [50.0, 100.0]


@pytest.mark.parametrize(
    ("cut_off", "left", "states", "fits"),
    [
        (None, "0:01", False, True),
        ([50.0, 100.0], "1:39", False, False),
        ([50.0, 100.0], "1:40", False, True),
        ([20.0, 200.0], "1:24", False, False),  # as much as was tried: 20 s and what loads
        ([20.0, 200.0], "1:25", False, True),
        ([50.0, 100.0], "UNLIMITED", False, True),
        ([50.0, 100.0], "1:39", True, True),
    ],
)
def test_what_cannot_end_is_refused(
    squeue: Any, cut_off: list[float] | None, left: str, states: bool, fits: bool
) -> None:
    squeue(left)
    study = optuna.create_study(study_name="one")
    if cut_off is not None:
        note(study, *cut_off)
    if fits:
        check_fits(study, states=states)
        return
    assert cut_off is not None
    line = (
        f"the queue's time limit must be longer than a trial, got {parsed(left):.0f} s, where a "
        f"trial takes {cut_off[1]:.0f} s; ask for more with --time, or make the study with "
        "states on"
    )
    with pytest.raises(Mistake) as error:
        check_fits(study, states=states)
    assert str(error.value) == line


def test_what_confirms_is_measured_by_itself(squeue: Any) -> None:
    squeue("0:30")
    study = optuna.create_study(study_name="one")
    note(study, 50.0, 100.0)
    again = optuna.create_study(study_name="one/confirm", storage=study._storage)
    again.set_user_attr(attributes.DEFINITION, "{}")
    check_fits(study, states=False)  # a run of one seed, of which nothing is known
    note(again, 10.0, 40.0)
    with pytest.raises(Mistake, match="where a trial takes 40 s"):
        check_fits(study, states=False)
