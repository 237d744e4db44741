"""Runs that count no more: their trial was taken over by another worker, which trains it again."""

import contextlib
import time
from collections.abc import Iterable

from runner.addresses import resolve
from runner.tracking import outbox
from runner.tracking.delivery import deliver_waiting
from runner.tracking.mlflow.store import client

LOST = "lost"  # the tag that says why
DELIVERY_SECONDS = 10.0


def disown(uri: str | None, run_ids: Iterable[str], reason: str) -> None:
    """Let runs end as failed, with a tag that says why, whatever they were.

    First all is delivered that processes which are gone have left behind.
    """
    target = client(resolve(uri))
    for run_id in run_ids:
        _settle(run_id)
        run = target.get_run(run_id)
        if LOST not in run.data.tags:
            target.set_tag(run_id, LOST, reason)
        if run.info.status in ("RUNNING", "FINISHED"):
            end_ms = run.info.end_time or time.time_ns() // 1_000_000
            target.set_terminated(run_id, status="FAILED", end_time=end_ms)


def _settle(run_id: str) -> None:
    """Deliver a run to its end, or let another process do so: it would undo what is said here."""
    until = time.monotonic() + DELIVERY_SECONDS
    while any(box.run_id == run_id for box in outbox.waiting()):
        with contextlib.suppress(Exception):  # what is left goes on waiting
            list(deliver_waiting())
        if time.monotonic() > until:
            return
        time.sleep(0.05)
