"""A beginning of a run: what happened in it, and what was learned from its evaluations."""

from collections.abc import Iterator
from dataclasses import dataclass

from runner.results.events import Chunk, Evaluation, Event, Hear
from runner.results.metrics import merit
from runner.training.loop import observe
from runner.training.state import Best, Progress
from runner.trial import StateName, Trial
from schedules import Memory

REPLAYED = 2_500  # steps of a chunk that is heard again


@dataclass(frozen=True)
class Standing:
    """What a run has learned from its evaluations up to a step.

    evaluations: all so far. best: the best of them. The rest as `Progress` has it.
    """

    memory: Memory
    evaluations: tuple[Evaluation, ...] = ()
    best: Evaluation | None = None
    since: tuple[int, dict[str, float]] | None = None
    stopped: str = ""

    def put(self, state: Progress) -> None:
        """Let a state have learned the same; the weights of the best are not here."""
        state.memory, state.since, state.stopped = self.memory, self.since, self.stopped
        state.evaluated = self.evaluations[-1].step if self.evaluations else 0

    def heard(self, state: Progress, trial: Trial, evaluation: Evaluation) -> "Standing | None":
        """Return where the run stands behind one more; None where it ends the run as diverged."""
        self.put(state)
        state.step = evaluation.step
        if observe(state, trial, evaluation):
            return None
        key, best = state.metric, self.best
        if best is None or merit(evaluation.metrics, key) < merit(best.metrics, key):
            best = evaluation
        found = (*self.evaluations, evaluation)
        return Standing(state.memory, found, best, state.since, state.stopped)


@dataclass(frozen=True)
class Beginning:
    """A stored beginning of a run, which its state has been brought to.

    name: of the state. chunk: all its updates. run_id: of the run that has made it, "" where it
    was recorded nowhere.
    """

    name: StateName
    chunk: Chunk
    evaluations: tuple[Evaluation, ...]
    run_id: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """What the record of the run says of it."""
        return {"reused_steps": str(self.name.step), "started_from": str(self.name)}

    def replay(self, state: Progress, hear: Hear) -> None:
        """Let everything be heard as if it had been trained, the state as far as it was then."""
        step, best = state.step, state.best
        state.best = None
        try:
            for event in self._events():
                state.step = _step(event)
                if isinstance(event, Evaluation) and best is not None:
                    _keep(state, event)
                hear(event)
            state.step = step
        finally:
            state.best = best

    def _events(self) -> Iterator[Event]:
        ends = [one.step for one in self.evaluations]
        at = 0
        for evaluation, end in zip((*self.evaluations, None), (*ends, self.name.step), strict=True):
            while at < end:
                stop = min(end, at + REPLAYED)
                yield Chunk(at, self.chunk[at:stop].columns, self.chunk.time_ms[at:stop])
                at = stop
            if evaluation is not None:
                yield evaluation


def _step(event: Event) -> int:
    return event.step if isinstance(event, Evaluation) else event.start + len(event)


def _keep(state: Progress, event: Evaluation) -> None:
    """Let a state know that an evaluation is the best so far; its weights are not at hand."""
    key = state.metric
    if state.best is None or merit(event.metrics, key) < merit(state.best.metrics, key):
        state.best = Best(event.step, dict(event.metrics), {})
