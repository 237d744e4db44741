"""python -m runner: train a model under a learning-rate schedule, or sweep over schedules."""

import os
import sys
from collections.abc import Sequence

from runner.commands import ended, exit_with

# Threads that spin while they wait are 30 times slower beside another busy process. Read by torch
# when it is loaded, here and in every process started from here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    0 done; 1 a failure; 2 a person's mistake, nothing created; 3 a run stopped because it was
    not finite; 130 interrupted.
    """
    typed = list(sys.argv[1:] if argv is None else argv)

    def command() -> int:
        from runner.tracking.early import load_early

        load_early(typed)
        from runner.entry import answer

        return answer(typed)

    return ended(command)


if __name__ == "__main__":
    exit_with(main())
