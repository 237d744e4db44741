"""Messages on disk -> MLflow."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runner.addresses import restore
from runner.tracking import outbox
from runner.tracking.mlflow.store import ANSWER_SECONDS, client, probe
from runner.tracking.outbox import Message, Outbox

if TYPE_CHECKING:
    from mlflow import MlflowClient

POINTS, PARAMS = 1000, 100  # MLflow's limits for a batch


def send(client: "MlflowClient", run_id: str, message: Message) -> None:
    """Deliver one message."""
    from mlflow.entities import Metric, Param, RunTag

    if "points" in message:
        metrics = [Metric(key, value, ms, step) for key, value, ms, step in message["points"]]
        for start in range(0, len(metrics), POINTS):
            client.log_batch(run_id, metrics=metrics[start : start + POINTS])
    elif "params" in message:
        params = [Param(key, value) for key, value in message["params"].items()]
        for start in range(0, len(params), PARAMS):
            client.log_batch(run_id, params=params[start : start + PARAMS])
    elif "tags" in message:
        client.log_batch(run_id, tags=[RunTag(k, v) for k, v in message["tags"].items()])
    elif "artifacts" in message:
        client.log_artifacts(run_id, message["artifacts"])
    else:
        client.set_terminated(run_id, status=message["status"], end_time=message["end_ms"])


def send_all(client: "MlflowClient", box: Outbox) -> bool:
    """Send what waits, in order; return whether the run's end was among it.

    What is sent is forgotten at once, but the end stays until the whole outbox is removed.
    """
    for entries, message in box.messages():
        send(client, box.run_id, message)
        if "status" in message:
            return True
        box.forget(entries)
    return False


def deliver(box: Outbox) -> bool:
    """Send all messages of a run whose process has ended; return False where none has.

    A run that was killed ends as FAILED. Raises whatever MLflow raises when they cannot be sent;
    they then go on waiting.
    """
    if not box.acquire():
        return False
    try:
        address = restore(box.uri)
        probe(address)
        target = client(address)
        killed_ms = box.last_ms()
        if not send_all(target, box):
            send(target, box.run_id, {"tags": {"reason": "the run's process was killed"}})
            send(target, box.run_id, {"status": "FAILED", "end_ms": killed_ms})
    except BaseException:
        box.release()
        raise
    box.remove()
    return True


def deliver_waiting() -> Iterator[tuple[Outbox, bool | Exception]]:
    """Deliver every run that waits; return each with whether it was sent, or why not.

    A server that kept one run waiting is not asked for the next.
    """
    slow: dict[str, Exception] = {}
    for box in outbox.waiting():
        started = time.monotonic()
        try:
            if box.uri in slow:
                raise slow[box.uri]
            yield box, deliver(box)
        except Exception as error:
            if time.monotonic() - started > ANSWER_SECONDS / 2:
                slow[box.uri] = error
            yield box, error
