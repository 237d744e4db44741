"""Keeps the states of the runner's own loop."""

from typing import TYPE_CHECKING, Any

from runner.results.events import Evaluation, Event, is_test
from runner.results.records import Records
from runner.states.keeper import Keeper
from runner.training.state import State
from runner.trial import StateName

if TYPE_CHECKING:
    from runner.states.loop.stock import StateStock


class StateKeeper(Keeper):
    """Keeps the states of the runner's own loop, and what was found of them."""

    def __init__(self, stock: "StateStock", state: State, records: Records, run_id: str) -> None:
        super().__init__(stock, state, records, run_id)
        self._own = stock

    def hear(self, event: Event) -> None:
        """Keep the state, and what was found of it."""
        super().hear(event)
        if isinstance(event, Evaluation):
            if not is_test(event):
                name = self._names.at(event.step)
                figures, key = self._own.figures, self._own.evaluations["val"]
                figures.note(name, key, event.metrics, event.time_ms)
            return
        step = event.start + len(event)
        if step != self._state.step:  # it diverged
            return
        if step in self._stock.cuts.always:
            self._keep(wait=True)
        elif self._is_due(step):
            self._keep(wait=False)

    def close(self) -> None:
        """As `Keeper` has it; also write what was found since."""
        super().close()
        self._own.figures.write()

    def _write(self, name: StateName, content: dict[str, Any]) -> None:
        self._own.figures.write()  # before the state, which is of no use without
        super()._write(name, content)

    def _captured(self) -> dict[str, Any]:
        whole = self._records.whole()
        columns, time_ms = dict(whole.columns), whole.time_ms
        return {"captured": self._own.watched.capture(), "columns": columns, "time_ms": time_ms}
