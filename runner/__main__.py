"""python -m runner: train a model under a learning-rate schedule, or sweep over schedules."""

import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130
# Threads that spin while they wait are 30 times slower beside another busy process. Read by torch
# when it is loaded, here and in every process started from here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    0 done; 1 a failure; 2 a person's mistake, nothing created; 3 a run stopped because it was
    not finite; 130 interrupted.
    """
    from runner.errors import Mistake, one_line
    from runner.interrupts import Loading
    from runner.report.say import open_streams, warn
    from runner.report.strays import tame

    open_streams()
    tame()
    try:
        with Loading():
            from runner.entry import answer

            return answer(list(sys.argv[1:] if argv is None else argv))
    except SystemExit as stop:
        if isinstance(stop.code, str):  # as Python itself does
            warn(stop.code)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        warn("interrupted")
        return INTERRUPTED
    except Mistake as mistake:
        warn(f"error: {one_line(mistake)}")
        return 2


def exit_with(status: int) -> None:
    """End the process with a status; Python itself would turn an interrupt that a C extension has
    seen into the signal's."""
    from runner.report.say import flush_streams

    flush_streams()
    if status != INTERRUPTED:
        sys.exit(status)
    os._exit(status)


if __name__ == "__main__":
    exit_with(main())
