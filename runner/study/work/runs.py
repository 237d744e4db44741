"""The runs of one worker, one after the other; the records of one travel while the next trains."""

import contextlib
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from runner import provenance
from runner.build.fusing import as_row
from runner.build.setup import Setup, check
from runner.config import Settings
from runner.config.command_line import Kind, Word
from runner.config.configurator import Configurator
from runner.errors import Mistake, one_line
from runner.pausing import pause
from runner.report import views
from runner.report.say import warn
from runner.report.words import cut, shown
from runner.results.definition import Definition
from runner.results.result import Result, Status
from runner.results.view import CONFIRM, KIND, SETTING, STATUS, STUDY, TRIAL
from runner.run import keep_what_is_loaded, run
from runner.space import text_of
from runner.study.work.objective import Objective
from runner.tracking import Header, Recording, Tracker, disown, tell_spread, trackers_of
from runner.training.fused import Group

_ASK_SECONDS = 1.0
LONGEST_NAME = 120  # letters


class Stopped(Exception):
    """Somebody interrupts before a run could begin."""


class Runs:
    """Runs what trials are made of.

    device: an accelerator of its own, "auto" for the configuration's. confirms: whether they
    confirm an answer, and may look at the test data. should_stop: asked after each step. group: of
    trials that train together, None where each trains by itself.
    """

    def __init__(
        self,
        definition: Definition,
        configurator: Configurator,
        device: str | None,
        *,
        confirms: bool,
        should_stop: Callable[[], bool],
        group: Group | None = None,
    ) -> None:
        self.definition = definition
        self.configurator = configurator
        self.device = device
        self.confirms = confirms
        self.should_stop = should_stop
        self.group = group
        self._singly: set[str] = set()  # reasons that were said
        self._last: Recording | None = None

    @cached_property
    def trackers(self) -> tuple[Tracker, ...]:
        """Where records go."""
        return trackers_of(self.configurator.settings({}).tracking)

    def settings(self, values: Mapping[str, Any], seed: int, label: str) -> Settings:
        """Return the settings of a run. Raises Mistake for values that do not fit."""
        settings = self.configurator.settings(values, seed)
        several = self.confirms or self.definition.seeds > 1
        name = label if self.confirms else named(label, values)
        tracking = replace(
            settings.tracking,
            experiment=self.definition.experiment,
            run_name=f"{name} seed {seed}" if several else name,
            tags={**settings.tracking.tags, **self._tags(label)},
        )
        device = self.device if self.device and settings.device == "auto" else settings.device
        threads = settings.threads or self.definition.threads
        return replace(settings, tracking=tracking, threads=threads, device=device)

    def load(self) -> None:
        """Load what the first run would wait for: libraries, data, MLflow."""
        recording = Recording(self.trackers).start()
        with contextlib.suppress(Exception):  # the first trial says what is wrong
            check(self.configurator.settings({}))
        recording.cancel()
        recording.join()
        keep_what_is_loaded()

    def fused(self, setup: Setup) -> Setup:
        """Return what a run starts with as one of those that train together, where it can be."""
        if self.group is None:
            return setup
        found, why = as_row(setup, self.group)
        if why and why not in self._singly:
            warn(f"note: what cannot be fused trains singly: {why}")
            self._singly.add(why)
        return found

    def train(
        self,
        setup: Setup,
        objective: Objective,
        opened: Callable[[str], None],
        should_stop: Callable[[], bool],
    ) -> Result:
        """Train to the end, or as far as it goes.

        opened: told the id of the run as soon as it is there. Raises Stopped where the tracking
        server was away until somebody interrupted.
        """
        recording = self._recording(opened)
        result = run(
            setup,
            recording,
            should_stop,
            listeners=[objective],
            brief=True,
            keep_weights=self.confirms,
            test=self.confirms,
        )
        self.delivered()
        self._last = recording
        return result

    def failed(self, label: str, values: Mapping[str, Any], error: Exception) -> Result:
        """Return the result of a run that could not begin; what went wrong is recorded."""
        details = "".join(traceback.format_exception(error))
        reason = one_line(error)
        if not isinstance(error, Mistake):
            reason = f"{type(error).__name__}: {reason}"
        link = None
        with contextlib.suppress(Mistake, Stopped):  # the store may be the very error
            recording = self._recording(lambda _: None)
            params = {key: text_of(value) for key, value in values.items()}
            tags = {**self._tags(label), STATUS: Status.FAILED, "reason": reason}
            name = label if self.confirms else named(label, values)
            recording.open(Header(self.definition.experiment, name, params, tags))
            with tempfile.TemporaryDirectory(prefix="runner-") as folder:
                (Path(folder) / "traceback.txt").write_text(details)
                recording.artifacts(Path(folder))
            recording.close(Status.FAILED)
            link = recording.link
        return Result(label, Status.FAILED, reason=reason, details=details, link=link)

    def delivered(self) -> None:
        """Wait for the records of the last run."""
        if self._last is not None:
            self._last.join()
            self._last = None

    def tell_spread(self, run_ids: Sequence[str], values: Sequence[float]) -> None:
        """Record how far the runs of a trial lie from each other."""
        if len(values) > 1:
            self.delivered()
            key = self.definition.goals[0].metric
            tell_spread(self.trackers, run_ids, key, values, warn)

    def disown(self, run_ids: Sequence[str], reason: str) -> None:
        """Mark runs of a trial that another worker trains again."""
        self.delivered()
        with contextlib.suppress(Exception):  # no server, no mark; the starter tries again
            for tracker in self.trackers[:1]:  # whose ids these are
                disown(tracker, run_ids, reason)

    def _tags(self, label: str) -> dict[str, str]:
        """Return what tells a run's page what it is part of."""
        kind = CONFIRM if self.confirms else TRIAL
        setting = label.removeprefix(views.CONFIRM)
        return {STUDY: self.definition.experiment, KIND: kind, SETTING: setting}

    def _recording(self, opened: Callable[[str], None]) -> Recording:
        """Return a recording of a run, once all trackers answer: without one none can be opened."""
        warned = False
        while True:
            try:
                for tracker in self.trackers:
                    tracker.check()
                return _Announced(self.trackers, opened).start()
            except Mistake as mistake:
                if not warned:
                    warn(f"the next trial waits: {mistake}")
                warned = True
            if self.should_stop():
                raise Stopped
            pause(_ASK_SECONDS)


def named(label: str, values: Mapping[str, Any]) -> str:
    """Return what a trial's run is called: the trial, and by what it differs from others.

    >>> named("trial 23", {"schedule": "wsd", "lr": 0.0200001})
    'trial 23 wsd lr=0.02'
    """
    words = [Word(f"{key}={shown(value)}", key, Kind.FIXES, value) for key, value in values.items()]
    return cut(f"{label} {provenance.name(words, '')}".rstrip(), LONGEST_NAME)


class _Announced(Recording):
    """Says which run it has opened, before that begins."""

    def __init__(self, trackers: Sequence[Tracker], opened: Callable[[str], None]) -> None:
        super().__init__(trackers, warn, is_patient=True)
        self._announce = opened

    def open(self, header: Header) -> None:
        """Create the run."""
        super().open(header)
        if self.link is not None:
            self._announce(self.link.run_id)
