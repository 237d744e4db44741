"""Where records go: trackers, with an outbox in front of each.

A tracker is a class of one file (see base.py) and an entry of `tracking.trackers`.
"""

from runner.tracking.arranging import arrange, describe, tell_spread
from runner.tracking.base import Header, Tracker
from runner.tracking.delivery import deliver_waiting, disown
from runner.tracking.recording import Recording
from runner.tracking.trackers import trackers_of

__all__ = [
    "Header",
    "Recording",
    "Tracker",
    "arrange",
    "deliver_waiting",
    "describe",
    "disown",
    "tell_spread",
    "trackers_of",
]
