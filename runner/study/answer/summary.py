"""The run that sums a study up in MLflow: one, replaced when there is more to say."""

import hashlib
import itertools
import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.study import Study

from runner.errors import Mistake, one_line
from runner.report import descriptions
from runner.report.say import warn
from runner.report.words import shown
from runner.results.answer import Confirmed
from runner.results.definition import Definition
from runner.results.events import Point
from runner.results.result import Link, Status
from runner.results.rows import Row
from runner.results.view import DESCRIPTION, KIND, STATUS, STUDY
from runner.results.view import SUMMARY as SUMMARY_RUN
from runner.study.queue.attributes import SUMMARY
from runner.tracking import Header, Recording, Tracker
from runner.tracking.mlflow.pages import link


class Summary:
    """What is to be recorded of a study.

    rows: its trials. confirmed: what fresh seeds have found. command: repeats its best.
    link: where it is recorded; None where it is not.
    """

    def __init__(
        self, study: Study, rows: Sequence[Row], confirmed: Sequence[Confirmed], command: str
    ) -> None:
        self.study = study
        self.command = command
        trials = [[row.number, row.state] for row in rows]
        runs = [[one.label, len(one.per_seed)] for one in confirmed]
        self._digest = hashlib.sha256(json.dumps([trials, runs, command]).encode()).hexdigest()
        self._before = study.user_attrs.get(SUMMARY, {}).get("said")
        self.link = self._recorded()

    @property
    def is_known(self) -> bool:
        """Return whether it was recorded as it is."""
        return bool(self._digest == self._before)

    def is_new(self, trackers: Sequence[Tracker]) -> bool:
        """Return whether something has changed since it was recorded, or its run is gone."""
        if not self.is_known:
            return True
        return self.link is not None and any(
            not is_there(tracker, self.link.run_id) for tracker in trackers[:1]
        )

    def record(
        self,
        folder: Path,
        trackers: Sequence[Tracker],
        definition: Definition,
        values: Mapping[str, Any],
        description: str,
        points: Sequence[Point],
    ) -> None:
        """Record a folder of pictures and files in a run, in place of the run before.

        values: of the best trial. description: the answer. points: its figures.
        """
        stored = self.study.user_attrs.get(SUMMARY, {})
        tokens = stored.get("tokens", [])
        if trackers:
            # before the run: of a start that is killed, the next one finds what it has made
            tokens = [*tokens, uuid.uuid4().hex]
            self.study.set_user_attr(SUMMARY, {**stored, "tokens": tokens})
            recording = Recording(trackers, warn)
            header = Header(
                experiment=definition.experiment,
                name="summary",
                params={key: shown(value) for key, value in values.items()},
                tags={
                    "command": self.command,
                    KIND: SUMMARY_RUN,
                    STUDY: definition.experiment,
                    STATUS: Status.FINISHED,
                    DESCRIPTION: descriptions.fitted(description),
                },
                token=tokens[-1],
            )
            try:
                recording.start().open(header)
            except Mistake as mistake:
                warn(f"the summary is in {folder} only: {one_line(mistake)}")
            else:
                recording.points(points)
                recording.artifacts(folder)
                recording.close(Status.FINISHED)
                if (before := self._recorded()) is not None:  # maybe another start's, of just now
                    trackers[0].remove(before.run_id)
                if _removed(trackers, tokens[:-1], definition.experiment):
                    tokens = tokens[-1:]
                self.link = recording.link
        kept = None if self.link is None else vars(self.link)
        self.study.set_user_attr(SUMMARY, {"said": self._digest, "link": kept, "tokens": tokens})

    def _recorded(self) -> Link | None:
        """Return where the study's summary is now."""
        stored = self.study.user_attrs.get(SUMMARY, {}).get("link")
        if stored is None:
            return None
        # version 0.1.0 stored none of its pages
        known = Link if "compare" in stored else link
        try:
            return known(**stored)
        except TypeError:  # another program's
            return None


def is_there(tracker: Tracker, run_id: str) -> bool:
    """Return whether a tracker still has a run, as far as that can be told."""
    try:
        return tracker.has(run_id)
    except Exception:  # the server is away
        return True


def _removed(trackers: Sequence[Tracker], tokens: Sequence[str], experiment: str) -> bool:
    """Remove the runs of tokens; return False where the next summary has to try again."""
    try:
        for tracker, token in itertools.product(trackers, tokens):
            for run_id in tracker.find(tracker.token(token), experiment):
                tracker.remove(run_id)
    except Exception:  # the server is away
        return False
    return True
