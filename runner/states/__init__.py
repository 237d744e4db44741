"""Training states on disk, by what decides them: nothing is trained twice.

stock      the stored states, as one run uses them
beginning  where a run goes on from       keeper  keeps the states of a run
store      states in a folder             figures what evaluations of them found
cuts       the steps at which they are kept
turns      what others train is waited for
claims     who trains what                wanted  what must stay
leases     files that say that somebody lives
loop       the same for the runner's own loop
own_loop   the same for a training loop of a person's own
"""

from runner.states.beginning import Beginning
from runner.states.claims import Claims
from runner.states.cuts import Cuts
from runner.states.figures import Figures
from runner.states.keeper import Keeper
from runner.states.loop import StateStock
from runner.states.own_loop import LoopKeeper, LoopStock
from runner.states.stock import Stock
from runner.states.store import Store
from runner.states.turns import Turns
from runner.states.wanted import Announcement, Wanted

__all__ = [
    "Announcement",
    "Beginning",
    "Claims",
    "Cuts",
    "Figures",
    "Keeper",
    "LoopKeeper",
    "LoopStock",
    "StateStock",
    "Stock",
    "Store",
    "Turns",
    "Wanted",
]
