"""python -m runner.deliver: send the records that wait in .runner/outbox.

They go where those of a run would go: python -m runner.deliver tracking.uri=http://host:5000
"""

import sys
from collections.abc import Sequence

from runner.addresses import brief
from runner.config.composer import Composer
from runner.config.request import read_line
from runner.errors import Mistake, one_line
from runner.report.say import open_streams, say, warn
from runner.report.strays import tame
from runner.tracking import deliver_waiting, outbox, trackers_of


def main(argv: Sequence[str] | None = None) -> int:
    """Deliver every waiting run; return 0 when none waits any more, 1 when some do, 2 for a
    person's mistake."""
    open_streams()
    tame()
    words = list(sys.argv[1:] if argv is None else argv)
    if {"-h", "--help"} & set(words):
        say((__doc__ or "").rstrip())
        return 0
    try:
        line = read_line(words)
        trackers = trackers_of(Composer(line.config_dir).settings(line.words).tracking)
    except Mistake as mistake:
        warn(f"error: {one_line(mistake)}")
        return 2
    runs = left = 0
    for box, sent in deliver_waiting(trackers, warn):
        runs += 1
        name = f"run {box.run_id}" if box.run_id else f"a run that is not opened yet, {box.name}"
        if isinstance(sent, Exception):
            left += 1
            say(f"{name}: waits in {box.folder}, {box.head.uri}: {brief(sent)}")
        else:
            done = "delivered" if sent else "left to the process that trains or delivers it"
            say(f"{name}: {done}")
    if not runs:
        say(f"nothing waits in {outbox.ROOT}")
    return 1 if left else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
