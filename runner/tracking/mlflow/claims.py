"""Runs of a store that nobody goes on with: their machine is gone, or their outbox is lost.

A run that lives says so in the tag `heartbeat` (ms since 1970, by its own clock) every 30 s, and in
the tag `outbox` whose it is. One is claimed where its heartbeat is more than 15 minutes old by our
clock: 10 heartbeats, and 10 minutes by which the clocks of two machines may be apart. A run whose
heartbeat is younger, or ahead of our clock, may live: it is left alone at once, without a wait, and
a new run is made. So no run is taken that lives and reaches its store, and nobody waits but who
claims one, for two seconds.

Of two starts that claim a run at once, the one whose tag is there after these seconds has it. A run
that lives, but did not reach its store for so long, sees within a heartbeat that it is another's,
and stops sending.
"""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

IDENTITY = "identity"  # the tag that is the same for two runs that would be the same run
HEARTBEAT = "heartbeat"  # the tag that says when a run lived
TOKEN = "outbox"  # the tag that says whose a run is, and by which it is found that has no name yet
STALE_SECONDS = 300.0
APART_SECONDS = 600.0
SETTLE_SECONDS = 2.0


def claim(
    client: "MlflowClient", experiment_id: str, identity: str, token: str, here: Collection[str]
) -> str:
    """Take a run that nobody goes on with for the outbox of a token; return its id, "" where there
    is none.

    here: ids of runs that are never taken.
    """
    from mlflow.entities import RunTag

    asked = f"tags.`{IDENTITY}` = '{identity}' and attributes.status = 'RUNNING'"
    for run in client.search_runs([experiment_id], asked):
        run_id = str(run.info.run_id)
        if run.data.tags.get(TOKEN) == token:  # asked again
            return run_id
        if run_id in here or not _is_left(client, run_id):
            continue
        now_ms = str(time.time_ns() // 1_000_000)
        client.log_batch(run_id, tags=[RunTag(TOKEN, token), RunTag(HEARTBEAT, now_ms)])
        time.sleep(SETTLE_SECONDS)
        if client.get_run(run_id).data.tags.get(TOKEN) == token:
            return run_id
    return ""


def _is_left(client: "MlflowClient", run_id: str) -> bool:
    said = client.get_run(run_id).data.tags.get(HEARTBEAT, "")
    return said.isdigit() and is_stale(int(said), time.time_ns() // 1_000_000)


def is_stale(said_ms: int, now_ms: int) -> bool:
    """Return whether a run whose heart beat then cannot live.

    >>> is_stale(0, 900_000), is_stale(0, 900_001), is_stale(2_000_000, 0)
    (False, True, False)
    """
    return now_ms - said_ms > (STALE_SECONDS + APART_SECONDS) * 1000
