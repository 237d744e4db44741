"""One run's record, in every tracker that it goes to."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from runner.results.events import Event, Point
from runner.results.result import Link
from runner.tracking.base import Header, Tracker
from runner.tracking.courier import Courier


class Recording:
    """A listener that records a run in any number of trackers, each with an outbox of its own: one
    that is away keeps no other waiting.

    link: where the first tracker has the run, once it is open; None without trackers. continued:
    whether the first tracker has it from a start of the same identity that was killed; the others
    follow it. is_patient: whether trackers may take as long as they like to make the run.
    """

    def __init__(
        self,
        trackers: Sequence[Tracker],
        warn: Callable[[str], None] = print,
        *,
        is_patient: bool = False,
    ) -> None:
        self.link: Link | None = None
        self.continued = False
        self._couriers = [
            Courier(tracker, warn, None if number else trackers[1:], is_patient=is_patient)
            for number, tracker in enumerate(trackers)
        ]

    def __bool__(self) -> bool:
        """Whether the run is recorded anywhere."""
        return bool(self._couriers)

    @property
    def run_ids(self) -> tuple[str, ...]:
        """What each tracker calls the run, once it is open."""
        return tuple(courier.run_id for courier in self._couriers)

    def start(self) -> Self:
        """Begin to load what trackers need, while the caller loads what it needs."""
        for courier in self._couriers:
            courier.start()
        return self

    def cancel(self) -> None:
        """Give up before the run exists."""
        for courier in self._couriers:
            courier.cancel()

    def open(self, header: Header) -> None:
        """Create the run everywhere, or go on with one that was killed. Raises Mistake when a
        tracker refuses; it is nowhere then, or as it was before."""
        opened: list[Courier] = []
        for courier in self._couriers:
            try:
                link = courier.open(header, anew=bool(opened) and not self.continued)
            except BaseException:
                for other in self._couriers:
                    if other in opened and other.continued:
                        other.leave()
                    elif other in opened:
                        other.close("FAILED")
                    elif other is not courier:
                        other.cancel()
                raise
            opened.append(courier)
            self.continued = self._couriers[0].continued
            self.link = self.link or link

    def hear(self, event: Event) -> None:
        """Record what happened."""
        for courier in self._couriers:
            courier.hear(event)

    def points(self, points: Sequence[Point]) -> None:
        """Record metric points."""
        for courier in self._couriers:
            courier.points(points)

    def tags(self, tags: Mapping[str, str]) -> None:
        """Record tags."""
        for courier in self._couriers:
            courier.tags(tags)

    def artifacts(self, folder: Path) -> None:
        """Record the files of a folder."""
        for courier in self._couriers:
            courier.artifacts(folder)

    def flush(self, wait_seconds: float = 0.0) -> None:
        """Send now what waits, and wait for that at most so long in each tracker."""
        for courier in self._couriers:
            courier.flush(wait_seconds)

    def close(self, status: str, *, wait: bool = True) -> bool:
        """End the run; return whether all is delivered. Without `wait` the rest travels on."""
        for courier in self._couriers:
            courier.close(status, wait=False)
        return self.join() if wait else True

    def join(self) -> bool:
        """Wait for the delivery of an ended run; return whether all is delivered."""
        delivered = [courier.join() for courier in self._couriers]
        return all(delivered)
