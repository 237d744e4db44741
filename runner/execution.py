"""The middle of a run: what is stored of it is heard again, the rest is trained, then tested."""

import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runner.build.setup import Setup
from runner.culprit import place, told
from runner.endings import Ending
from runner.errors import Diverged, Elsewhere, Misuse, out_of_memory
from runner.results.events import Evaluation, Event, Hear, Listener, step_key
from runner.results.records import Records
from runner.results.result import Status
from runner.states import Beginning, LoopKeeper, StateStock, Stock
from runner.tracking import Recording
from runner.training import devices
from runner.training.loop import diverged_at, evaluated
from runner.training.state import NO_WEIGHTS, BestKeeper, State


class Pruned(Exception):
    """What a listener raises where a run is not worth going on with."""


@dataclass(frozen=True)
class Execution:
    """Trains and tests; every listener hears every event.

    last: listeners that hear behind those of the run itself. stock: the stored states, None where
    none are kept. beginning: what is stored of the run.
    """

    setup: Setup
    records: Records
    recording: Recording
    terminal: Listener
    last: Sequence[Listener] = ()
    stock: Stock | None = None
    beginning: Beginning | None = None

    def make(self, should_stop: Callable[[], bool], *, test: bool, flush: bool = True) -> Ending:
        """Go through the run, as far as it comes. flush: send what waits before the test."""
        setup = self.setup
        state, total = setup.state, setup.trial.horizon.total_steps
        try:
            if self.beginning is not None:
                self.beginning.replay(state, self._hearing())
            self._train(should_stop, test)
            if test and flush:
                self.recording.flush()
            if state.step < total and not state.stopped:
                steps = f"{state.step} step{'' if state.step == 1 else 's'}"
                return Ending(Status.KILLED, f"interrupted after {steps}")
            if test and setup.data is not None:
                event = self._tested()
                self._hearing()(event)
                if not math.isfinite(loss := event.metrics["test/loss"]):
                    raise diverged_at(state, setup.trial, f"test/loss is {loss}")
            return Ending(Status.FINISHED)
        except Diverged as error:
            return Ending(Status.DIVERGED, str(error))
        except Pruned:
            return Ending(Status.PRUNED, f"pruned after {state.step} of {total} steps")
        except KeyboardInterrupt:
            raise
        except Elsewhere as error:
            return Ending(Status.FAILED, error.reason, error.details)
        except Misuse as error:
            where = place(error)
            return Ending(Status.FAILED, f"{error} ({where})" if where else str(error))
        except BaseException as error:  # of a person's code
            if out_of_memory(error) and not setup.settings.has_loop:
                batch_size = setup.settings.train.batch_size
                return Ending(Status.FAILED, devices.memory_advice(batch_size))
            return Ending(Status.FAILED, told(error), traceback.format_exc())

    def _train(self, should_stop: Callable[[], bool], test: bool) -> None:
        """Train, and keep the state that training has ended with."""
        setup, keeper = self.setup, None
        keeping: list[Listener] = []
        if setup.settings.train.keep.endswith("best"):
            keeping.append(BestKeeper(setup.state))
        if self.stock is not None:
            link = self.recording.link
            keeper = self.stock.keeper(self.records, link.run_id if link else "")
            keeping.append(keeper)
        try:
            hear, loop = self._hearing(keeping), keeper if isinstance(keeper, LoopKeeper) else None
            setup.train(hear, should_stop, test=test, keeping=loop)
        except Pruned:
            if keeper is not None:
                keeper.end()
            raise
        else:
            if keeper is not None:
                keeper.end()
        finally:
            if keeper is not None:
                keeper.close()

    def _hearing(self, keeping: Sequence[Listener] = ()) -> Hear:
        own: list[Listener] = [self.records, self.recording, self.terminal]

        def hear(event: Event) -> None:
            for listener in (*own, *keeping, *self.last):
                listener.hear(event)

        return hear

    def _tested(self) -> Evaluation:
        """Return what the weights that are kept find on the test data."""
        setup, state = self.setup, self.setup.state
        assert setup.data is not None
        assert isinstance(state, State)
        state.restore()
        step = state.best.step if state.best else state.step
        if isinstance(self.stock, StateStock):
            used = {name: self.records.column(step_key(name)) for name in setup.trial.numbers}
            return self.stock.tested(setup.trial.name(state.step, used), step)
        found = evaluated(state.kept, state, setup.trial, setup.data.test)
        metrics = {f"test/{key}": value for key, value in found.items()}
        return Evaluation(step, metrics, time.time_ns() // 1_000_000)


def restored(setup: Setup, ending: Ending) -> Ending:
    """Put the weights back that are kept; return how the run has ended, which is failed where a
    person's model does not take them."""
    state = setup.state
    try:
        state.restore()
        if not isinstance(state.weights, Mapping):
            raise TypeError(f"state_dict() gives no mapping but {type(state.weights).__name__}")
    except Exception as error:
        if ending.status != Status.FINISHED:
            return ending
        reason = f"{NO_WEIGHTS}: {told(error)}"
        return Ending(Status.FAILED, reason, traceback.format_exc())
    return ending
