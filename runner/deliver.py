"""python -m runner.deliver: send the records that wait in .runner/outbox.

They go where those of a run would go: python -m runner.deliver tracking.uri=http://host:5000
"""

import sys
from collections.abc import Sequence

from runner.commands import ended, exit_with


def main(argv: Sequence[str] | None = None) -> int:
    """Deliver every waiting run; return 0 when none waits any more, 1 when some do, 2 for a
    person's mistake, 130 if interrupted: what is not sent then goes on waiting."""
    words = list(sys.argv[1:] if argv is None else argv)
    return ended(lambda: _deliver(words))


def _deliver(words: list[str]) -> int:
    from runner.addresses import brief
    from runner.config.composer import Composer
    from runner.config.request import read_line
    from runner.report.say import say, warn
    from runner.tracking import deliver_waiting, outbox, trackers_of

    if {"-h", "--help"} & set(words):
        say((__doc__ or "").rstrip())
        return 0
    line = read_line(words)
    trackers = trackers_of(Composer(line.config_dir).settings(line.words).tracking)
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
    exit_with(main())
