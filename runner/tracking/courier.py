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
from runner.tracking.schema import Head

FLUSH_SECONDS = 5.0
RETRY_SECONDS = 30.0
# MLflow on SQLite holds Python for 0.07 ms a point, and a loop of short steps waits meanwhile: MLP
# steps of 0.7 ms took 1.4 times as long when sent every second, 1.02 when sent at the end, and
# the last record came after 1.4 times the loop in both cases. So most of a fast loop goes last.
SENDING_SHARE = 0.1


class Courier:
    """A listener that brings a run's records to a tracker.

    The calling thread never waits for the tracker, save in `open` and `close`, and in `flush` as
    long as it says.

    warn: called with a line, from another thread, when records cannot be delivered. others: of the
    same run, None where another courier says what waits for none of them.
    """

    def __init__(
        self,
        tracker: Tracker,
        warn: Callable[[str], None] = print,
        others: Sequence[Tracker] | None = (),
    ) -> None:
        self._tracker = tracker
        self._others = others
        self._warn = warn
        self._header: queue.SimpleQueue[Header | None] = queue.SimpleQueue()
        self._opened: queue.SimpleQueue[Link | BaseException] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._sent = threading.Event()
        self._warned = False
        self._delivered = False
        self._refused = 0  # lines that were said
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)

    def start(self) -> Self:
        """Begin to load the tracker's libraries, while the caller loads what it needs."""
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Give up before the run exists."""
        self._header.put(None)

    def open(self, header: Header) -> Link:
        """Create the run and return where it is. Raises Mistake when the tracker refuses."""
        self._header.put(header)
        answer = self._opened.get()
        if isinstance(answer, BaseException):
            raise self._tracker.refusal(answer) from answer
        return answer

    def hear(self, event: Event) -> None:
        """Record what happened."""
        self.points(event.points())

    def points(self, points: Iterable[Point]) -> None:
        """Record metric points."""
        self._box.append({"points": list(points)})

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

    def join(self) -> bool:
        """Wait for the delivery of an ended run; return whether all is delivered."""
        with contextlib.suppress(KeyboardInterrupt):
            self._thread.join()
        return self._delivered

    def _work(self) -> None:
        try:
            self._tracker.load()
            header = self._header.get()
            if header is None:
                return
            self._opened.put(self._create(header))
        except BaseException as error:
            self._opened.put(error)
            return
        self._deliver_earlier()
        wait = FLUSH_SECONDS
        while True:
            self._wake.wait(wait)
            self._wake.clear()
            if self._closing.is_set():
                break
            started = time.monotonic()
            delivered = self._deliver()
            self._sent.set()
            pause = (time.monotonic() - started) * (1 / SENDING_SHARE - 1)
            wait = max(FLUSH_SECONDS, pause) if delivered else RETRY_SECONDS
        self._delivered = self._deliver()
        if self._delivered:
            self._box.remove()
        else:
            self._box.release()

    def _create(self, header: Header) -> Link:
        """Write what is to be, then create the run: it is found again whatever happens between."""
        head = Head(None, self._tracker.address, self._tracker.path(), header.experiment)
        self._box = Outbox(head, self._tracker.token(header.token) if header.token else "")
        self._box.create()
        self._box.append({"params": {key: str(value) for key, value in header.params.items()}})
        texts = {key: redact(value) for key, value in header.tags.items()}
        try:
            name = redact(header.name)
            link = self._tracker.open(replace(header, name=name, tags=texts, token=self._box.name))
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

    def _deliver(self) -> bool:
        """Send what waits of this run; return whether that went well. The first time that it does
        not, say so."""
        try:
            if self._warned:
                self._tracker.check()  # it answers sooner than the client does
            send_all(self._tracker, self._box)
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
