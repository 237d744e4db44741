"""The stored states of the runner's own loop.

stock  as one run uses them    search  where a run goes on from    keeper  keeps them
"""

from runner.states.loop.stock import StateStock

__all__ = ["StateStock"]
