"""Records of ended jobs that travel on beside the next ones."""

from collections import deque
from collections.abc import Iterable, Sequence

from runner.report.say import warn
from runner.results.result import Result
from runner.sweep.launch import Job
from runner.tracking import Recording, deliver_waiting, trackers_of

MOST = 4  # at a time, each with a thread


class Deliveries:
    """Deliveries that go on; the oldest is waited for where there are many."""

    def __init__(self) -> None:
        self._going: deque[Recording] = deque()

    def add(self, recording: Recording) -> None:
        """Take the recording of a run that has ended."""
        self._going.append(recording)
        while len(self._going) > MOST:
            self._going.popleft().join()

    def join(self) -> None:
        """Wait for all."""
        while self._going:
            self._going.popleft().join()


def deliver_left(jobs: Sequence[Job], results: Iterable[Result]) -> None:
    """Send what processes that have died had recorded of ended jobs and not sent."""
    ended = {run_id for one in results for run_id in one.run_ids}
    asked = [job.settings.tracking for job in jobs]
    for tracking in {repr((one.uri, one.trackers)): one for one in asked}.values():
        for _ in deliver_waiting(trackers_of(tracking), warn, None, ended):
            pass
