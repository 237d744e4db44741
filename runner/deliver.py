"""python -m runner.deliver: send the records that wait in .runner/outbox."""

import argparse
import sys

from runner.addresses import brief
from runner.report.say import open_streams, say
from runner.tracking import deliver_waiting, outbox


def main(argv: list[str] | None = None) -> int:
    """Deliver every waiting run; return 0 when none waits any more, else 1."""
    open_streams()
    argparse.ArgumentParser(prog="python -m runner.deliver", description=__doc__).parse_args(argv)
    runs = left = 0
    for box, sent in deliver_waiting():
        runs += 1
        if isinstance(sent, Exception):
            left += 1
            say(f"run {box.run_id}: waits in {box.folder}, {box.uri}: {brief(sent)}")
        else:
            done = "delivered" if sent else "left to the process that trains or delivers it"
            say(f"run {box.run_id}: {done}")
    if not runs:
        say(f"nothing waits in {outbox.ROOT}")
    return 1 if left else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
