"""A training loop of a person's own: what it is given, and what is made sure of meanwhile.

run      what the function gets     rates     the rate of each step, and who takes it
logs     numbers of the steps       figures   what an evaluation found, by its key
teller   what everybody hears       state     what is kept of it
start    what it begins with                       crew      several processes of one run
train    the function, called                      snapshot  what a loop can go on from
parts    what it hands over                 handed    whether that is enough
reading  the batches of its loader          drawn     what all code draws from
files    what it has written                keeping   who keeps its states
"""

from runner.training.own_loop.crew import Alone, crew
from runner.training.own_loop.handed import unkept
from runner.training.own_loop.keeping import Keeping
from runner.training.own_loop.run import Run
from runner.training.own_loop.snapshot import Snapshot, put, renew, snapshot, stored
from runner.training.own_loop.start import Start
from runner.training.own_loop.state import LoopState
from runner.training.own_loop.teller import Teller
from runner.training.own_loop.train import finish, train

__all__ = [
    "Alone",
    "Keeping",
    "LoopState",
    "Run",
    "Snapshot",
    "Start",
    "Teller",
    "crew",
    "finish",
    "put",
    "renew",
    "snapshot",
    "stored",
    "train",
    "unkept",
]
