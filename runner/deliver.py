"""python -m runner.deliver: send the records that wait in .runner/outbox."""

import sys

from runner import outbox
from runner.errors import one_line
from runner.tracking import deliver


def main() -> int:
    """Deliver every waiting run; return 0 when none waits any more, else 1."""
    left = 0
    boxes = outbox.waiting()
    for box in boxes:
        try:
            done = deliver(box)
            print(f"run {box.run_id}: {'delivered' if done else 'is still training'}")
        except Exception as error:
            left += 1
            print(f"run {box.run_id}: still waits, {box.uri}: {one_line(error)[:200]}")
    if not boxes:
        print(f"nothing waits in {outbox.ROOT}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
