"""What a run of a loop of a person's own begins with, as plain data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from runner.results.events import Hear
from runner.training.own_loop.crew import Alone
from runner.training.own_loop.keeping import Keeping
from runner.training.own_loop.run import Run
from runner.training.own_loop.state import LoopState
from runner.training.own_loop.teller import Teller
from runner.trial import Trial


@dataclass(frozen=True)
class Start:
    """What a run of a person's own loop begins with.

    names: of the metrics that may be reported. decides: the one of them that does. keys: of the
    loop. device: where it trains, with so many threads on a CPU. test: whether the test data will
    be looked at. keeps_best: whether the best weights are kept.
    """

    trial: Trial
    names: frozenset[str]
    decides: str
    keys: Mapping[str, Any]
    device: torch.device
    threads: int
    test: bool
    keeps_best: bool

    def run(
        self,
        state: LoopState,
        hear: Hear,
        should_stop: Callable[[], bool],
        crew: Alone | None = None,
        keeping: Keeping | None = None,
    ) -> Run:
        """Return the run, which changes a state and lets its events be heard.

        crew: who trains it beside this process. keeping: who keeps its states, if anybody does.
        """
        teller, asked = Teller(self.trial, state, self.names, hear), (self.keys, should_stop)
        return Run(
            self.trial,
            state,
            teller,
            self.device,
            *asked,
            test=self.test,
            crew=crew,
            keeping=keeping,
        )

    def state(self) -> LoopState:
        """Return the state that it begins with."""
        return LoopState(decides=self.decides, memory=self.trial.numbers["lr"].begin())
