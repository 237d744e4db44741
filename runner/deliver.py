"""python -m runner.deliver: send the records that wait in .runner/outbox."""

import sys

from runner import outbox
from runner.tracking import deliver_waiting
from runner.tracking.store import said


def main() -> int:
    """Deliver every waiting run; return 0 when none waits any more, else 1."""
    results = list(deliver_waiting())
    for box, sent in results:
        if isinstance(sent, Exception):
            print(f"run {box.run_id}: waits in {box.folder}, {box.uri}: {said(sent)}")
        else:
            done = "delivered" if sent else "left to the process that trains or delivers it"
            print(f"run {box.run_id}: {done}")
    if not results:
        print(f"nothing waits in {outbox.ROOT}")
    return 1 if any(isinstance(sent, Exception) for _, sent in results) else 0


if __name__ == "__main__":
    sys.exit(main())
