"""The runs of one worker, one after the other; the records of one travel while the next trains."""

import contextlib
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.build.setup import Job, assemble
from runner.config import Settings
from runner.config.configurator import Configurator
from runner.errors import Mistake, one_line
from runner.results.definition import Definition
from runner.results.result import Result, Status
from runner.run import keep_what_is_loaded, run
from runner.space import text_of
from runner.study.work.objective import Watcher
from runner.tracking import Header, Link, Tracker, probe
from runner.tracking.disown import disown

_ASK_SECONDS = 1.0


class Stopped(Exception):
    """Somebody interrupts before a run could begin."""


class Runs:
    """Runs what trials are made of.

    device: an accelerator of its own, "auto" for the configuration's. confirms: whether they
    confirm an answer, and may look at the test data. should_stop: asked after each step.
    """

    def __init__(
        self,
        definition: Definition,
        configurator: Configurator,
        device: str | None,
        *,
        confirms: bool,
        should_stop: Callable[[], bool],
    ) -> None:
        self.definition = definition
        self.configurator = configurator
        self.device = device
        self.confirms = confirms
        self.should_stop = should_stop
        self._last: Tracker | None = None

    def settings(self, values: Mapping[str, Any], seed: int, label: str) -> Settings:
        """Return the settings of a run. Raises Mistake for values that do not fit."""
        settings = self.configurator.settings(values, seed)
        several = self.confirms or self.definition.seeds > 1
        tracking = replace(
            settings.tracking,
            experiment=self.definition.experiment,
            run_name=f"{label} seed {seed}" if several else label,
        )
        device = self.device if self.device and settings.device == "auto" else settings.device
        threads = settings.threads or self.definition.threads
        return replace(settings, tracking=tracking, threads=threads, device=device)

    def load(self) -> None:
        """Load what the first run would wait for: libraries, data, MLflow."""
        tracker = (
            Tracker(self.definition.tracking_uri).start() if self.definition.tracking else None
        )
        with contextlib.suppress(Exception):  # the first trial says what is wrong
            assemble(self.configurator.settings({}))
        if tracker is not None:
            tracker.cancel()
            tracker.join()
        keep_what_is_loaded()

    def run(self, job: Job, watcher: Watcher, opened: Callable[[str], None]) -> Result:
        """Train a job to its end, or as far as it goes.

        opened: told the id of the run as soon as it is there. Raises Stopped where the tracking
        server was away until somebody interrupted.
        """
        tracker = self._tracker(opened)
        result = run(job, tracker, self.should_stop, watch=watcher, brief=True, test=self.confirms)
        self.delivered()
        self._last = tracker
        return result

    def failed(self, label: str, values: Mapping[str, Any], error: Exception) -> Result:
        """Return the result of a run that could not begin; what went wrong is recorded."""
        details = "".join(traceback.format_exception(error))
        reason = one_line(error)
        if not isinstance(error, Mistake):
            reason = f"{type(error).__name__}: {reason}"
        link = None
        with contextlib.suppress(
            Mistake, Stopped
        ):  # the store refused, which may be the very error
            link = self._record_failure(label, values, reason, details)
        return Result(label, Status.FAILED, reason=reason, details=details, link=link)

    def delivered(self) -> None:
        """Wait for the records of the last run."""
        if self._last is not None:
            self._last.join()
            self._last = None

    def disown(self, run_ids: Sequence[str], reason: str) -> None:
        """Mark runs of a trial that another worker trains again."""
        self.delivered()
        with contextlib.suppress(Exception):  # no server, no mark; the starter tries again
            disown(self.definition.tracking_uri, run_ids, reason)

    def _record_failure(
        self, label: str, values: Mapping[str, Any], reason: str, details: str
    ) -> Link | None:
        tracker = self._tracker(lambda _: None)
        if tracker is None:
            return None
        params = {key: text_of(value) for key, value in values.items()}
        link = tracker.open(Header(self.definition.experiment, label, params, {"reason": reason}))
        with tempfile.TemporaryDirectory(prefix="runner-") as folder:
            (Path(folder) / "traceback.txt").write_text(details)
            tracker.artifacts(Path(folder))
        tracker.close(Status.FAILED)
        return link

    def _tracker(self, opened: Callable[[str], None]) -> Tracker | None:
        """Return a tracker for a run, once the server answers: without it none can be opened."""
        if not self.definition.tracking:
            return None
        said = False
        while True:
            try:
                probe(self.definition.tracking_uri)
                break
            except Mistake as mistake:
                if not said:
                    _warn(f"the next trial waits: {mistake}")
                said = True
            if self.should_stop():
                raise Stopped
            time.sleep(_ASK_SECONDS)
        return _Announced(self.definition.tracking_uri, opened).start()


class _Announced(Tracker):
    """Says which run it has opened, before that begins."""

    def __init__(self, uri: str | None, opened: Callable[[str], None]) -> None:
        super().__init__(uri, warn=_warn)
        self._announce = opened

    def open(self, header: Header) -> Link:
        """Create the run and return where it is."""
        link = super().open(header)
        self._announce(link.run_id)
        return link


def _warn(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
