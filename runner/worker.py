"""python -m runner.worker STORAGE NAME: one worker more for a study, from any machine.

STORAGE is the study's `study.storage`, which this machine reaches; the code, the data and
tracking.uri are the study's. It works until nothing is left to do; the last one prints and records
the answer. Ctrl-C, SIGTERM, SIGUSR1 and SIGUSR2, by which queues announce the end of the time, give
the trial back. `study.workers=0` makes a study for such workers.
"""

import sys
from collections.abc import Sequence

from runner.commands import ended, exit_with


def main(argv: Sequence[str] | None = None) -> int:
    """Join a study; return 0 when all is done, 1 for a failure, 2 for a mistake and 130 when this
    worker alone was told to end."""
    words = list(sys.argv[1:] if argv is None else argv)
    if {"-h", "--help"} & set(words):
        from runner.report.say import say

        say((__doc__ or "").strip())
        return 0
    return ended(lambda: command(words))


def command(words: Sequence[str]) -> int:
    """Join the study that is named. Raises Mistake for words that name none."""
    from runner.errors import Mistake

    if len(words) != 2:
        must = "must be STORAGE NAME, such as sqlite:///optuna.db schedule-1a2b3c4d"
        raise Mistake("python -m runner.worker", must, " ".join(words) or "nothing")
    from runner.study.join import join

    answer = join(*words)
    return 0 if answer is None else answer.status.exit_status


if __name__ == "__main__":
    exit_with(main())
