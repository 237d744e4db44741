"""Search spaces as plain data, and their way into Optuna.

A spec says which values a key may take: an Interval, a Choice or an Ordered list. Samplers draw
inner numbers under inner names; a trial uses the real values that are made of them. The
ArgumentError of a spec has no name: what holds the spec gives it its key.
"""

from runner.space.choice import Choice, text_of
from runner.space.interval import Interval
from runner.space.ordered import Ordered
from runner.space.space import Entry, Space, Spec

__all__ = ["Choice", "Entry", "Interval", "Ordered", "Space", "Spec", "text_of"]
