"""Whose turn it is: what another process trains at this moment is waited for."""

from collections.abc import Callable
from dataclasses import dataclass, field

from runner.states.beginning import Beginning
from runner.states.claims import Claim, Claims
from runner.states.store import Store
from runner.trial import StateName, Trial


@dataclass
class Turns:
    """The states that a run trains towards, and that others wait for meanwhile.

    cuts: updates behind which other known trials part from it. A schedule that listens claims
    nothing, as nobody knows its states before.
    """

    trial: Trial
    claims: Claims
    store: Store
    cuts: frozenset[int] = frozenset()
    warn: Callable[[str], None] = print
    _held: dict[StateName, Claim] = field(default_factory=dict)

    def take(
        self, begin: Callable[[], Beginning | None], should_stop: Callable[[], bool]
    ) -> Beginning | None:
        """Return where the run goes on from, once nobody else trains what comes next.

        begin: looks for that.
        """
        said = False
        self.claims.sweep()
        while True:
            beginning = begin()
            other = self._claim(beginning.name.step if beginning else 0)
            if other is None or should_stop():
                return beginning
            self.release()
            if not said and (holder := self.claims.holder(other)):
                self.warn(f"states: waits for {other.step:,} steps that {holder} trains")
                said = True
            self._wait(other, should_stop)

    def passed(self, step: int) -> None:
        """Let others train towards the states up to a step that were not kept."""
        for name in [one for one in self._held if one.step <= step]:
            self.done(name)

    def done(self, name: StateName) -> None:
        """Let others go on from a state."""
        if (claim := self._held.pop(name, None)) is not None:
            claim.release()

    def release(self) -> None:
        """Leave all to others."""
        for name in list(self._held):
            self.done(name)

    def _wait(self, name: StateName, should_stop: Callable[[], bool]) -> None:
        """Wait until a state is there; one that was there already is of no use to this run."""
        was_there = self._has(name)
        self.claims.wait(name, lambda: not was_there and self._has(name), should_stop)

    def _claim(self, start: int) -> StateName | None:
        """Claim all states behind a step; return one that somebody else trains towards."""
        if self.trial.numbers["lr"].listens:
            return None
        total = self.trial.horizon.total_steps
        for step in sorted({*self.cuts, total}):
            name = self.trial.name(step)
            if step <= start or name in self._held:
                continue
            claim = self.claims.claim(name)
            if claim is None:
                return name
            self._held[name] = claim
        return None

    def _has(self, name: StateName) -> bool:
        return name in self.store.names(name.recipe)
