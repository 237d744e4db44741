"""The stored states of a loop of a person's own, as one run uses them."""

from dataclasses import dataclass

import torch

from runner.results.records import Records
from runner.states.beginning import Beginning
from runner.states.own_loop.keeper import LoopKeeper
from runner.states.own_loop.search import LoopSearch
from runner.states.stock import Stock
from runner.training.own_loop import LoopState


@dataclass(frozen=True)
class LoopStock(Stock):
    """What a run of a loop goes on from, and what it keeps. device: where it trains."""

    state: LoopState
    device: torch.device

    def longest(self) -> Beginning | None:
        """Let the state wait for its loop as far as is stored now."""
        search = LoopSearch(self.trial, self.state, self.store, self.keeps_best, self.warn)
        return search.longest()

    def keeper(self, records: Records, run_id: str) -> LoopKeeper:
        """Return what keeps the states of the run from now on."""
        self.store.describe(self.trial.recipe.digest, self.trial.recipe.rows)
        return LoopKeeper(self, self.state, self.device, records, run_id)
