"""The stored states, as one run uses them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.results.records import Records
from runner.states.beginning import Beginning
from runner.states.cuts import Cuts
from runner.states.store import Store
from runner.states.turns import Turns
from runner.trial import Trial

if TYPE_CHECKING:
    from runner.states.keeper import Keeper


@dataclass(frozen=True)
class Stock:
    """What a run goes on from, and what it keeps.

    cuts: where states are kept. turns: what others wait for. keeps_best: whether the weights of the
    best evaluation are kept in the end.
    """

    trial: Trial
    store: Store
    cuts: Cuts
    turns: Turns
    keeps_best: bool
    warn: Callable[[str], None]

    def begin(self, should_stop: Callable[[], bool]) -> Beginning | None:
        """Bring the state as far as is stored, once nobody else trains what comes next; None where
        nothing is."""
        return self.turns.take(self.longest, should_stop)

    def release(self) -> None:
        """Let others train what was claimed."""
        self.turns.release()

    def longest(self) -> Beginning | None:
        """Bring the state as far as is stored now."""
        raise NotImplementedError

    def keeper(self, records: Records, run_id: str) -> "Keeper":
        """Return what keeps the states of the run from now on.

        run_id: under which it is recorded, "" where it is not.
        """
        raise NotImplementedError
