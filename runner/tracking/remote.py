"""A tracker that works in the helper: its libraries are loaded there alone."""

import threading
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from cachetools import LRUCache

from runner.errors import Mistake, one_line
from runner.helper import Lost, ask
from runner.results.events import Point
from runner.results.result import Link
from runner.results.view import View
from runner.tracking.base import Header, Tracker, Unanswered

_known: LRUCache[str, Tracker] = LRUCache(64)
_knowing = threading.Lock()
_SENDING = ("params", "points", "tags", "artifacts", "close")


class Refused(Exception):
    """What a tracker will never take of a run: why."""


class Remote(Tracker):
    """Does all that another tracker does, in the helper.

    What is asked comes to it at least once, as it is with records: where the helper dies, another
    one is asked again.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.address, self.answer_seconds = tracker.address, tracker.answer_seconds
        self._who = uuid.uuid4().hex, tracker

    def path(self) -> str:
        return self.tracker.path()

    def check(self) -> None:
        self.tracker.check()

    def prepare(self, experiment: str) -> None:
        self._ask("prepare", experiment)

    def load(self) -> None:
        self._ask("load")

    def arrange(
        self, experiment: str, views: Sequence[View], warn: Callable[[str], None]
    ) -> Mapping[str, str]:
        found: Mapping[str, str]
        found, lines = self._ask("arrange", experiment, list(views))
        for line in lines:
            warn(line)
        return found

    def describe(self, experiment: str, name: str, text: str) -> None:
        self._ask("describe", experiment, name, text)

    def open(self, header: Header) -> Link:
        link: Link
        try:
            link = ask(_done, *self._who, "open", header)
        except Lost:  # the run may be there
            try:
                for run_id in self.find(header.token, header.experiment):
                    if there := self.reopen(run_id, header):
                        return there
                link = ask(_done, *self._who, "open", header)
            except Unanswered:
                raise
            except Exception as error:
                raise Unanswered(error) from error
        return link

    def token(self, token: str) -> str:
        return self.tracker.token(token)

    def find(self, token: str, experiment: str = "") -> Sequence[str]:
        found: Sequence[str] = self._ask("find", token, experiment)
        return found

    def reopen(self, run_id: str, header: Header) -> Link | None:
        link: Link | None = self._ask("reopen", run_id, header)
        return link

    def claim(self, header: Header, here: Collection[str]) -> str:
        return str(self._ask("claim", header, set(here)))

    def owns(self, run_id: str, token: str) -> bool:
        return bool(self._ask("owns", run_id, token))

    def beat(self, run_id: str, time_ms: int) -> None:
        self._ask("beat", run_id, time_ms)

    def recorded(self, run_id: str) -> Mapping[str, int]:
        found: Mapping[str, int] = self._ask("recorded", run_id)
        return found

    def params(self, run_id: str, params: Mapping[str, str]) -> None:
        self._ask("params", run_id, dict(params))

    def points(self, run_id: str, points: Sequence[Point]) -> None:
        self._ask("points", run_id, points)

    def tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        self._ask("tags", run_id, dict(tags))

    def artifacts(self, run_id: str, folder: Path) -> None:
        self._ask("artifacts", run_id, folder)

    def has(self, run_id: str) -> bool:
        return bool(self._ask("has", run_id))

    def fetch(self, run_id: str, names: Sequence[str], folder: Path) -> None:
        self._ask("fetch", run_id, list(names), folder)

    def flush(self, run_id: str) -> None:
        self._ask("flush", run_id)

    def close(self, run_id: str, status: str, end_ms: int) -> None:
        self._ask("close", run_id, status, end_ms)

    def disown(self, run_id: str, reason: str) -> None:
        self._ask("disown", run_id, reason)

    def disowned(self, run_id: str) -> str:
        return str(self._ask("disowned", run_id))

    def remove(self, run_id: str) -> bool:
        return bool(self._ask("remove", run_id))

    def look(self) -> str:
        return self.tracker.look()

    def refuses(self, run_id: str, error: Exception) -> bool:
        return isinstance(error, Refused)

    def refusal(self, error: BaseException) -> Mistake:
        return self.tracker.refusal(error)

    def _ask(self, method: str, *given: Any) -> Any:
        try:
            return ask(_done, *self._who, method, *given)
        except Lost:
            return ask(_done, *self._who, method, *given)


def here(tracker: Tracker) -> Tracker:
    """Return a tracker as it is in this process."""
    return tracker.tracker if isinstance(tracker, Remote) else tracker


def _done(name: str, tracker: Tracker, method: str, *given: Any) -> Any:
    """Do in the helper what a tracker is asked.

    name: another one for each: the first that comes is asked always, with what it keeps of the
    folder, and the file, that it began with.
    """
    with _knowing:
        tracker = _known.setdefault(name, tracker)
    if method == "arrange":
        lines: list[str] = []
        experiment, views = given
        return tracker.arrange(experiment, views, lines.append), lines
    try:
        return getattr(tracker, method)(*given)
    except Exception as error:
        if method in _SENDING and tracker.refuses(given[0], error):
            raise Refused(one_line(error)) from error
        raise
