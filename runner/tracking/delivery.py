"""Messages on disk -> a tracker."""

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from runner.addresses import brief, place
from runner.moved import current
from runner.passwords import hide
from runner.tracking import leftovers, outbox
from runner.tracking.base import Tracker
from runner.tracking.outbox import Outbox
from runner.tracking.schema import Message, parts_of

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


def send_all(tracker: Tracker, box: Outbox, beat: Callable[[], None] = lambda: None) -> bool:
    """Send what waits, in order; return whether the run's end was among it.

    What is sent is forgotten at once, but the end stays until the whole outbox is removed. What the
    tracker refuses for good is set aside. beat: called before each message.
    """
    for entries, message in box.messages():
        beat()
        for part, error in _send_what_is_taken(tracker, box.run_id, message):
            box.refuse(entries, part, brief(error))
            tracker.tags(box.run_id, {"refused": "\n".join(box.refused)})
        if "status" in message:
            return True
        tracker.flush(box.run_id)
        box.forget(entries)
    return False


def _send_what_is_taken(
    tracker: Tracker, run_id: str, message: Message
) -> Iterator[tuple[Message, Exception]]:
    """Deliver a message; yield the parts of it that the tracker refuses for good, with why."""
    try:
        send(tracker, run_id, message)
    except Exception as error:
        if "status" in message or not tracker.refuses(run_id, error):
            raise
        parts = parts_of(message)
        if len(parts) < 2:
            yield message, error
            return
        for part in parts:
            yield from _send_what_is_taken(tracker, run_id, part)


class Elsewhere(Exception):
    """Records wait for a place that is not among this start's settings."""


def is_for(box: Outbox, tracker: Tracker) -> bool:
    """Return whether a run's records go to a tracker: to one that this start's settings name, and
    nowhere because a file says so."""
    mine, its = tracker.address, box.head.uri
    return tracker.path() == current(box.head.tracker) and place(mine) == place(its)


def deliver(
    box: Outbox, trackers: Sequence[Tracker], loaded: Callable[[], object] = lambda: None
) -> bool:
    """Send all messages of a run whose process has ended; return False where none has, or where
    another start has claimed the run: they are set aside then.

    They go to the one of the trackers that the run waits for. loaded: called once what it needs is
    imported. Raises Elsewhere where there is none.

    A run that was killed ends as FAILED. Raises whatever the tracker raises when they cannot be
    sent; they then go on waiting.
    """
    if not box.acquire():
        return False
    try:
        tracker = next((one for one in trackers if is_for(box, one)), None)
        if tracker is None:
            raise Elsewhere(f"for {hide(box.head.uri)}, not a tracking.uri of this start")
        tracker.check()
        tracker.load()
        loaded()
        if is_there(tracker, box):
            if box.head.identity and not tracker.owns(box.run_id, box.name):
                box.damaged.append(box.leave())
                return False
            _send_to_the_end(tracker, box)
    except BaseException:
        box.release()
        raise
    box.remove()
    return True


def is_there(tracker: Tracker, box: Outbox) -> bool:
    """Return whether a run was created, perhaps by a process that was killed before it was told."""
    if not box.run_id and (found := tracker.find(box.name, box.head.experiment)):
        for double in found[1:]:
            tracker.remove(double)
        box.opened(found[0])
    return bool(box.run_id)


def _send_to_the_end(tracker: Tracker, box: Outbox) -> None:
    killed_ms = box.last_ms()
    has_ended = send_all(tracker, box)
    if box.damaged:
        tracker.tags(box.run_id, {"damaged": "\n".join(box.damaged)})
    if not has_ended:
        why = "the record of its end is damaged" if box.damaged else "the run's process was killed"
        tracker.tags(box.run_id, {"reason": why})
        tracker.close(box.run_id, "FAILED", killed_ms)
    elif reason := tracker.disowned(box.run_id):  # by a machine that saw nothing of this end
        tracker.disown(box.run_id, reason)


def deliver_waiting(
    trackers: Sequence[Tracker],
    warn: Callable[[str], None],
    others: Sequence[Tracker] | None = (),
    only: Collection[str] | None = None,
) -> Iterator[tuple[Outbox, bool | Exception]]:
    """Deliver every run that waits for one of the trackers; return each that waits with whether it
    was sent, or why not.

    warn: told of what is damaged or not ours. others: of this start, None where somebody else looks
    after what is damaged. only: ids of runs, None for all. A place that kept one run waiting is not
    asked for the next.
    """
    if others is not None:
        for line in leftovers.tidy(leftovers.owner_among([*trackers, *others])):
            warn(f"tracking: {line}")
    slow: dict[str, Exception] = {}
    for box in outbox.waiting():
        if only is not None and box.run_id not in only:
            continue
        asked = _Since()
        try:
            if box.head.uri in slow:
                raise slow[box.head.uri]
            sent: bool | Exception = deliver(box, trackers, asked.again)
        except Exception as error:
            if time.monotonic() - asked.then > SLOW_SECONDS:
                slow[box.head.uri] = error
            sent = error
        for line in (*box.damaged, *box.refused):
            warn(f"tracking: {line}")
        if box.run_id or sent is not True:
            yield box, sent


class _Since:
    """When a tracker was asked: again once its libraries are loaded, which is no silence of its."""

    def __init__(self) -> None:
        self.then = time.monotonic()

    def again(self) -> None:
        self.then = time.monotonic()


def disown(tracker: Tracker, run_ids: Iterable[str], reason: str) -> None:
    """Let runs end as failed, with a word why, whatever they were: their trial was taken over by
    another worker, which trains it again.

    First all is delivered that processes which are gone have left behind.
    """
    for run_id in run_ids:
        _settle(run_id, tracker)
        tracker.disown(run_id, reason)


def _settle(run_id: str, tracker: Tracker) -> None:
    """Deliver a run to its end, or let another process do so: it would undo what is said here."""
    until = time.monotonic() + SETTLE_SECONDS
    while any(box.run_id == run_id for box in outbox.waiting()):
        with contextlib.suppress(Exception):  # what is left goes on waiting
            list(deliver_waiting([tracker], lambda line: None, None))
        if time.monotonic() > until:
            return
        time.sleep(0.05)
