"""What a tracker is: a place that records of runs go to, such as MLflow."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from runner.errors import Mistake, one_line
from runner.helper import portable
from runner.results.events import Point
from runner.results.result import Link
from runner.results.view import View


@dataclass(frozen=True)
class Header:
    """What is known of a run before its first step.

    token: 32 hex digits by which the run is found again in every tracker, see `Tracker.token`;
    where there are none, some are made up. views: that its experiment is to have, where nobody else
    looks after that. identity: the same text for two runs that would be the same run: a killed one
    is continued by the next; "" for one that never is.
    """

    experiment: str
    name: str
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    token: str = ""
    views: Sequence[View] = ()
    identity: str = ""


class Unanswered(Exception):
    """A run may have been created or not.

    reason: why the tracker has not said so.
    """

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason

    def __reduce__(self) -> tuple[type["Unanswered"], tuple[BaseException]]:
        return type(self), (portable(self.reason),)


class Tracker(ABC):
    """A place that records of runs go to.

    Its methods may wait and may raise anything: the outbox stands in front of it, and a thread
    beside the training calls them, all but `check` and `prepare`. Records come in order, and each
    at least once; one that comes twice must do no harm.

    address: where it is, without a password. Records that an earlier process has left go to the
    tracker of this start whose address is the same. answer_seconds: that it may take to create a
    run before the start gives up, None for as long as it takes. is_apart: whether it works in the
    helper, since what it imports is large; it is pickled as it is made then.
    """

    address: str
    answer_seconds: float | None = None
    is_apart: ClassVar[bool] = False

    def path(self) -> str:
        """Return where Python finds the class, so that records on disk find it again."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    def check(self) -> None:
        """Raise Mistake unless it could take a run now; nothing is created."""

    def prepare(self, experiment: str) -> None:
        """Create what all runs share, once, before the processes that make them.

        Raises Mistake where it refuses.
        """

    def load(self) -> None:
        """Import what is heavy."""

    def arrange(
        self, experiment: str, views: Sequence[View], warn: Callable[[str], None]
    ) -> Mapping[str, str]:
        """Let pages of an experiment compare its runs; return how to open each, by the view's name.

        warn: called with a line where it has such pages but does not take these.
        """
        return {}

    def describe(self, experiment: str, name: str, text: str) -> None:
        """Let an experiment say in markdown what was found by one of its studies or sweeps."""

    @abstractmethod
    def open(self, header: Header) -> Link:
        """Create a run and return where it is. Raises Unanswered where it may be there."""

    def token(self, token: str) -> str:
        """Return the token of a run in this tracker, by the one that it has in all of them."""
        return uuid.uuid5(uuid.UUID(token), self.address).hex

    def find(self, token: str, experiment: str = "") -> Sequence[str]:
        """Return the ids of the runs that were created with a token: none, one, or several where
        its answer came too late and it was asked again.

        experiment: where to look, everywhere if it is not known.
        """
        return ()

    def reopen(self, run_id: str, header: Header) -> Link | None:
        """Go on with a run whose process was killed, as if it had not ended; return where it is,
        None where it cannot be gone on with: it is gone, has ended, or is another's by now.

        header: of the start that goes on with it, with the token of its outbox.
        """
        return None

    def claim(self, header: Header, here: Collection[str]) -> str:
        """Take a run of the same identity that nobody goes on with for an outbox of this machine;
        return its id, "" where there is none.

        header: with the token of that outbox. here: ids of runs that have outboxes of their own
        here.
        """
        return ""

    def owns(self, run_id: str, token: str) -> bool:
        """Return whether a run is still that of an outbox, and not of another start that has
        claimed it."""
        return True

    def beat(self, run_id: str, time_ms: int) -> None:
        """Record that a run lives."""

    def recorded(self, run_id: str) -> Mapping[str, int]:
        """Return the last step of each key that is recorded of a run."""
        return {}

    def params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Record parameters."""

    @abstractmethod
    def points(self, run_id: str, points: Sequence[Point]) -> None:
        """Record metric points."""

    def tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Record tags."""

    def artifacts(self, run_id: str, folder: Path) -> None:
        """Record the files of a folder."""

    def has(self, run_id: str) -> bool:
        """Return whether a run is still there, as far as that can be told."""
        return True

    def fetch(self, run_id: str, names: Sequence[str], folder: Path) -> None:
        """Copy those of some files of a run that there are into a folder."""

    def flush(self, run_id: str) -> None:
        """Make sure that what was recorded stays."""

    @abstractmethod
    def close(self, run_id: str, status: str, end_ms: int) -> None:
        """End a run with a status of results.Status, at a time in ms since 1970."""

    def disown(self, run_id: str, reason: str) -> None:
        """Let a run end as failed, whatever it was, with a word why: it counts no more."""

    def disowned(self, run_id: str) -> str:
        """Return the word why a run counts no more, "" where it counts."""
        return ""

    def remove(self, run_id: str) -> bool:
        """Remove a run that another one takes the place of; return False where it may still be
        there."""
        return True

    def look(self) -> str:
        """Return the command that shows what was recorded, "" where there is none to be told."""
        return ""

    def refuses(self, run_id: str, error: Exception) -> bool:
        """Return whether an error says that it will never take what it was sent of a run that is
        there; what is sent then is set aside."""
        return False

    def refusal(self, error: BaseException) -> Mistake:
        """Return the mistake to report where it takes no runs."""
        if isinstance(error, Mistake):
            return error
        given = f"{type(self).__name__} at {self.address}: {one_line(error)}"
        return Mistake("tracking.trackers", "must be places that take runs", given)
