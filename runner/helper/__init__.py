"""The helper: a process beside the one that trains, which loads and does what training need not
wait for, such as MLflow and pictures.

It starts with `start`, or the first call, and ends with the last process that can call it: it reads
from a socket that they hold, and finds its end there when they have ended, however that was.
"""

from runner.helper.aside import Aside
from runner.helper.calls import Lost, Told, portable
from runner.helper.client import ask, do, share, shared, start

__all__ = ["Aside", "Lost", "Told", "ask", "do", "portable", "share", "shared", "start"]
