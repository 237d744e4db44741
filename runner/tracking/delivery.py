"""Messages on disk -> a tracker."""

import contextlib
import pkgutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from runner.moved import current
from runner.tracking import outbox
from runner.tracking.base import Tracker
from runner.tracking.outbox import Message, Outbox

SLOW_SECONDS = 2.5  # that a place may take to refuse a run before it is not asked for others
SETTLE_SECONDS = 10.0


def send(tracker: Tracker, run_id: str, message: Message) -> None:
    """Deliver one message."""
    if "points" in message:
        tracker.points(run_id, message["points"])
    elif "params" in message:
        tracker.params(run_id, message["params"])
    elif "tags" in message:
        tracker.tags(run_id, message["tags"])
    elif "artifacts" in message:
        tracker.artifacts(run_id, Path(message["artifacts"]))
    else:
        tracker.close(run_id, message["status"], message["end_ms"])


def send_all(tracker: Tracker, box: Outbox) -> bool:
    """Send what waits, in order; return whether the run's end was among it.

    What is sent is forgotten at once, but the end stays until the whole outbox is removed.
    """
    for entries, message in box.messages():
        send(tracker, box.run_id, message)
        if "status" in message:
            return True
        tracker.flush(box.run_id)
        box.forget(entries)
    return False


def deliver(box: Outbox) -> bool:
    """Send all messages of a run whose process has ended; return False where none has.

    A run that was killed ends as FAILED. Raises whatever the tracker raises when they cannot be
    sent; they then go on waiting.
    """
    if not box.acquire():
        return False
    try:
        tracker = pkgutil.resolve_name(current(box.tracker)).at(box.uri)
        tracker.check()
        tracker.load()
        killed_ms = box.last_ms()
        if not send_all(tracker, box):
            tracker.tags(box.run_id, {"reason": "the run's process was killed"})
            tracker.close(box.run_id, "FAILED", killed_ms)
    except BaseException:
        box.release()
        raise
    box.remove()
    return True


def deliver_waiting(
    only: type[Tracker] | None = None,
) -> Iterator[tuple[Outbox, bool | Exception]]:
    """Deliver every run that waits; return each with whether it was sent, or why not.

    only: the class of tracker whose runs are wanted. A place that kept one run waiting is not
    asked for the next.
    """
    slow: dict[str, Exception] = {}
    for box in outbox.waiting():
        if only and current(box.tracker) != only.path():
            continue
        started = time.monotonic()
        try:
            if box.uri in slow:
                raise slow[box.uri]
            yield box, deliver(box)
        except Exception as error:
            if time.monotonic() - started > SLOW_SECONDS:
                slow[box.uri] = error
            yield box, error


def disown(tracker: Tracker, run_ids: Iterable[str], reason: str) -> None:
    """Let runs end as failed, with a word why, whatever they were: their trial was taken over by
    another worker, which trains it again.

    First all is delivered that processes which are gone have left behind.
    """
    for run_id in run_ids:
        _settle(run_id, type(tracker))
        tracker.disown(run_id, reason)


def _settle(run_id: str, kind: type[Tracker]) -> None:
    """Deliver a run to its end, or let another process do so: it would undo what is said here."""
    until = time.monotonic() + SETTLE_SECONDS
    while any(box.run_id == run_id for box in outbox.waiting()):
        with contextlib.suppress(Exception):  # what is left goes on waiting
            list(deliver_waiting(kind))
        if time.monotonic() > until:
            return
        time.sleep(0.05)
