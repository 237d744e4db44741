"""A run whose process was killed, gone on with by the next start of the same run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runner.results.result import Link
from runner.results.view import STATUS
from runner.tracking import outbox
from runner.tracking.base import Header, Tracker
from runner.tracking.delivery import is_for, is_there
from runner.tracking.outbox import Outbox
from runner.tracking.schema import Damaged

LOOK_SECONDS = 0.5  # that another start may take to look at a run without taking it


@dataclass(frozen=True)
class Taken:
    """A run that is gone on with.

    box: its outbox, held by this process. link: where it is. last: the last step of each key that
    the tracker has, or that waits.
    """

    box: Outbox
    link: Link
    last: Mapping[str, int]


@dataclass(frozen=True)
class _Waiting:
    """What a killed process has left. last: of each key its last step. end: the entries that tell
    how the run would have ended."""

    last: Mapping[str, int]
    end: Sequence[Path]


def take_over(tracker: Tracker, header: Header) -> Taken | None:
    """Go on with a run of the same identity whose process on this machine was killed; return None
    where there is none.

    A run that has ended is none, and none is one of which something is damaged. Its lock says
    whether its process is gone, and to which of two starts at once it goes.
    """
    for box in _held(tracker, header.identity):
        try:
            if taken := _taken(tracker, box, header):
                return taken
        except BaseException:
            box.release()
            raise
        box.release()
    return None


def claim(tracker: Tracker, box: Outbox, header: Header) -> Taken | None:
    """Go on with a run of the same identity that another machine has left, or whose outbox is lost;
    return None where there is none.

    box: a new one for it, held by this process. header: with its token.
    """
    here = {one.run_id for one in outbox.waiting() if is_for(one, tracker)}
    run_id = tracker.claim(header, here)
    link = tracker.reopen(run_id, header) if run_id else None
    if link is None:
        return None
    box.opened(run_id)
    box.append({"tags": dict(header.tags)})
    return Taken(box, link, tracker.recorded(run_id))


def _held(tracker: Tracker, identity: str) -> Iterator[Outbox]:
    """Return the outboxes of gone processes, one by one, each held until the next."""
    for box in outbox.waiting():
        if box.head.identity == identity and is_for(box, tracker) and box.acquire(LOOK_SECONDS):
            yield box


def _taken(tracker: Tracker, box: Outbox, header: Header) -> Taken | None:
    waits = _waiting(box)
    if waits is None or not is_there(tracker, box):
        return None
    link = tracker.reopen(box.run_id, replace(header, token=box.name))
    if link is None:
        return None
    last = dict(tracker.recorded(box.run_id))
    for key, step in waits.last.items():
        last[key] = max(step, last.get(key, step))
    box.forget(list(waits.end))
    box.resume()
    box.append({"params": {key: str(value) for key, value in header.params.items()}})
    box.append({"tags": dict(header.tags)})
    return Taken(box, link, last)


def _waiting(box: Outbox) -> _Waiting | None:
    """Return what waits of a run, None where it has ended or something is damaged."""
    last: dict[str, int] = {}
    end = []
    try:
        for entry, message in box.written():
            if "status" in message:
                return None
            if STATUS in message.get("tags", ()):
                end.append(entry)
            for key, _, _, step in message.get("points", ()):
                last[key] = max(step, last.get(key, step))
    except Damaged:
        return None
    return _Waiting(last, end)
