"""The stored states of a training loop of a person's own, which is called again to go on.

stock  as one run uses them    search  where a run goes on from    keeper  keeps them
"""

from runner.states.own_loop.keeper import LoopKeeper, say_once
from runner.states.own_loop.stock import LoopStock

__all__ = ["LoopKeeper", "LoopStock", "say_once"]
