"""The trackers of a configuration."""

from runner import config
from runner.config.settings import Tracking
from runner.errors import Mistake
from runner.tracking.base import Tracker
from runner.tracking.remote import Remote


def trackers_of(tracking: Tracking) -> tuple[Tracker, ...]:
    """Return the trackers that records go to, none where tracking is off.

    Raises Mistake for what is no tracker.
    """
    found = []
    for name, spec in tracking.trackers.items() if tracking.enabled else ():
        key = f"tracking.trackers.{name}"
        target = config.partial(key, spec)
        tracker = target(**({"uri": tracking.uri} if target.accepts("uri") else {}))
        if not isinstance(tracker, Tracker):
            raise Mistake(f"{key}._target_", "must be a runner.tracking.Tracker", repr(tracker))
        found.append(Remote(tracker) if _is_apart(tracker) else tracker)
    return tuple(found)


def _is_apart(tracker: Tracker) -> bool:
    """Return whether a tracker works in the helper: each class says so for itself, as a person's
    own may be of a file that only this process finds."""
    return bool(vars(type(tracker)).get("is_apart"))
