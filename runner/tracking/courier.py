"""One run's way to one tracker: records go to disk at once, and from there in a thread."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from runner.addresses import brief
from runner.passwords import redact
from runner.results.events import Event, Point
from runner.results.result import Link
from runner.tracking import outbox
from runner.tracking.base import Header, Tracker, Unanswered
from runner.tracking.delivery import Elsewhere, deliver, deliver_waiting, is_for, send_all
from runner.tracking.outbox import Outbox
from runner.tracking.remote import Remote
from runner.tracking.schema import Head
from runner.tracking.takeover import Taken, claim, take_over

FLUSH_SECONDS = 5.0
RETRY_SECONDS = 30.0
HEARTBEAT_SECONDS = 30.0
APART_SECONDS = 0.5  # the same where it costs the training nothing
# A tracker in this process holds Python while it writes, and a loop of short steps waits meanwhile:
# so most of a fast loop goes last.
SENDING_SHARE = 0.1


class Courier:
    """A listener that brings a run's records to a tracker.

    The calling thread never waits for the tracker, save in `open` and `close`, and in `flush` as
    long as it says.

    warn: called with a line, from another thread, when records cannot be delivered. others: of the
    same run, None where another courier says what waits for none of them. is_patient: whether the
    tracker may take as long as it likes to make the run. continued: whether it is
    a run whose process was killed; points that are recorded are not sent again then.
    """

    def __init__(
        self,
        tracker: Tracker,
        warn: Callable[[str], None] = print,
        others: Sequence[Tracker] | None = (),
        *,
        is_patient: bool = False,
    ) -> None:
        self._tracker = tracker
        self._is_patient = is_patient
        self._is_apart = isinstance(tracker, Remote)
        self._others = others
        self._warn = warn
        self._header: queue.SimpleQueue[tuple[Header, bool] | None] = queue.SimpleQueue()
        self._opened: queue.SimpleQueue[Link | BaseException] = queue.SimpleQueue()
        self._asked, self._deciding = threading.Event(), threading.Lock()
        self._given_up = False
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._sent = threading.Event()
        self.continued = False
        self._last: Mapping[str, int] = {}  # the last step of each key that is recorded
        self._beaten = time.time()
        self._lost = False  # to another start
        self._warned = False
        self._delivered = self._has_ended = False  # the latter: its end is sent
        self._left = False
        self._refused = 0  # lines that were said
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)

    @property
    def run_id(self) -> str:
        """What the tracker calls the run, once it is open."""
        return self._box.run_id

    def start(self) -> Self:
        """Begin to load the tracker's libraries, while the caller loads what it needs."""
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Give up before the run exists."""
        self._header.put(None)

    def open(self, header: Header, *, anew: bool = False) -> Link:
        """Create the run, or go on with one of the same identity whose process was killed; return
        where it is. Raises Mistake when the tracker refuses.

        anew: create it in any case.
        """
        self._header.put((header, anew or not header.identity))
        answer = self._answer()
        if isinstance(answer, BaseException):
            raise self._tracker.refusal(answer) from answer
        return answer

    def _answer(self) -> Link | BaseException:
        """Return what the tracker answers, or that it does not in time: a run that it makes later
        is removed."""
        self._asked.wait()
        seconds = None if self._is_patient else self._tracker.answer_seconds
        with contextlib.suppress(queue.Empty):
            return self._opened.get(timeout=seconds)
        with self._deciding:
            with contextlib.suppress(queue.Empty):
                return self._opened.get_nowait()
            self._given_up = True
        return TimeoutError(f"no answer within {seconds:g} s")

    def hear(self, event: Event) -> None:
        """Record what happened."""
        self.points(event.points())

    def points(self, points: Iterable[Point]) -> None:
        """Record metric points."""
        found = list(points)
        if self._last:
            found = [point for point in found if point[3] > self._last.get(point[0], -1)]
            if not found:
                return
        self._box.append({"points": found})

    def tags(self, tags: Mapping[str, str]) -> None:
        """Record tags."""
        self._box.append({"tags": dict(tags)})

    def artifacts(self, folder: Path) -> None:
        """Record the files of a folder."""
        self._box.append({"artifacts": str(folder)})

    def flush(self, wait_seconds: float = 0.0) -> None:
        """Send now what waits, and wait for that at most so long."""
        self._sent.clear()
        self._wake.set()
        self._sent.wait(wait_seconds)

    def close(self, status: str, *, wait: bool = True) -> bool:
        """End the run with a status; return whether all is delivered.

        What cannot be delivered, or not before a KeyboardInterrupt, waits in the outbox. Without
        `wait` the rest travels in the thread, until `join`.
        """
        self._box.append({"status": status, "end_ms": time.time_ns() // 1_000_000})
        self._closing.set()
        self._wake.set()
        return self.join() if wait else True

    def leave(self) -> None:
        """Let go of a run that is continued, for the next start to continue it."""
        self._left = True
        self._closing.set()
        self._wake.set()

    def join(self) -> bool:
        """Wait for the delivery of an ended run; return whether all is delivered."""
        with contextlib.suppress(KeyboardInterrupt):
            self._thread.join()
        return self._delivered

    def _work(self) -> None:
        try:
            self._tracker.load()
            given = self._header.get()
            if given is None:
                return
            link = self._open(*given)
            with self._deciding:
                if not self._given_up:
                    self._opened.put(link)
            self._asked.set()
        except BaseException as error:
            self._opened.put(error)
            self._asked.set()
            return
        if self._given_up:
            self._undo(link)
            return
        self._deliver_earlier()
        usual = min(FLUSH_SECONDS, APART_SECONDS) if self._is_apart else FLUSH_SECONDS
        wait = usual
        while True:
            self._pause(wait)
            if self._closing.is_set():
                break
            started = time.monotonic()
            delivered = self._deliver()
            self._sent.set()
            share = 1.0 if self._is_apart else SENDING_SHARE
            pause = (time.monotonic() - started) * (1 / share - 1)
            wait = max(usual, pause) if delivered else RETRY_SECONDS
        self._delivered = self._has_ended or self._deliver()
        if self._lost:
            self._box.leave()
        elif self._delivered and not self._left:
            self._box.remove()
        else:
            self._box.release()

    def _pause(self, seconds: float) -> None:
        """Wait so long, or until there is something to do; the run's heart beats meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._wake.is_set():
            self._wake.wait(min(left, HEARTBEAT_SECONDS))
            self._beat()
        self._wake.clear()

    def _open(self, header: Header, anew: bool) -> Link:
        texts = {key: redact(value) for key, value in header.tags.items()}
        header = replace(header, name=redact(header.name), tags=texts)
        if not anew and (taken := take_over(self._tracker, header)):
            self._box = taken.box
            return self._taken(taken)
        return self._create(header, anew)

    def _create(self, header: Header, anew: bool) -> Link:
        """Write what is to be, then create the run: it is found again whatever happens between."""
        address, path = self._tracker.address, self._tracker.path()
        head = Head(None, address, path, header.experiment, header.identity)
        self._box = Outbox(head, self._tracker.token(header.token) if header.token else "")
        self._box.create()
        self._box.append({"params": {key: str(value) for key, value in header.params.items()}})
        header = replace(header, token=self._box.name)
        try:
            if not anew and (taken := claim(self._tracker, self._box, header)):
                return self._taken(taken)
            self._asked.set()
            link = self._tracker.open(header)
        except Unanswered as error:
            self._box.release()
            with contextlib.suppress(Exception):  # the next start asks again
                deliver(self._box, [self._tracker])
                self._box.remove_root()
            raise error.reason from error
        except Exception:
            self._box.remove()
            self._box.remove_root()
            raise
        self._box.opened(link.run_id)
        return link

    def _undo(self, link: Link) -> None:
        """Remove a run that was made too late; the next start ends one that cannot be removed, and
        one that is continued goes on waiting."""
        try:
            if not self.continued and self._tracker.remove(link.run_id):
                self._box.remove()
                self._box.remove_root()
        finally:
            self._box.release()

    def _taken(self, taken: Taken) -> Link:
        self.continued, self._last = True, taken.last
        return taken.link

    def _beat(self) -> None:
        """Say from time to time in the tracker that the run lives, and see whether another start
        has claimed it meanwhile."""
        since = abs(time.time() - self._beaten)  # a computer may have slept, its clock been set
        if not self._box.head.identity or self._lost or since < HEARTBEAT_SECONDS:
            return
        self._beaten = time.time()
        with contextlib.suppress(Exception):
            if self._warned:
                self._tracker.check()
            if self._tracker.owns(self._box.run_id, self._box.name):
                self._tracker.beat(self._box.run_id, time.time_ns() // 1_000_000)
                return
            self._lost = True
            self._warn(
                f"tracking: another start goes on with run {self._box.run_id}; what this one "
                f"records from now on is set aside in {outbox.ASIDE}"
            )

    def _deliver(self) -> bool:
        """Send what waits of this run; return whether that went well. The first time that it does
        not, say so."""
        self._beat()
        if self._lost:
            return False
        try:
            if self._warned:
                self._tracker.check()  # it answers sooner than the client does
            self._has_ended = send_all(self._tracker, self._box, self._beat)
        except Exception as error:
            if not self._warned:
                self._warn(
                    f"tracking: {self._tracker.address} does not take records ({brief(error)}); "
                    f"training goes on, they wait in {outbox.ROOT}"
                )
            self._warned = True
            return False
        finally:
            while self._box.damaged:
                self._warn(f"tracking: {self._box.damaged.pop()}")
            for line in list(self._box.refused)[self._refused :]:
                self._warn(f"tracking: {line}")
            self._refused = len(self._box.refused)
        return True

    def _deliver_earlier(self) -> None:
        left: list[Exception] = []
        for box, sent in deliver_waiting([self._tracker], self._warn, self._others):
            self._beat()
            if isinstance(sent, Elsewhere) and (
                self._others is None or any(is_for(box, other) for other in self._others)
            ):
                continue
            if isinstance(sent, Exception):
                left.append(sent)
            elif sent:
                self._warn(f"tracking: delivered the waiting records of run {box.run_id}")
        if left:
            runs = "1 earlier run waits" if len(left) == 1 else f"{len(left)} earlier runs wait"
            self._warn(f"tracking: {runs} in {outbox.ROOT} ({brief(left[0])})")
