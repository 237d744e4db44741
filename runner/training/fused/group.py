"""Functions that run side by side in one thread, each until it asks for updates; those are made
together."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from greenlet import getcurrent, greenlet

from runner import pausing
from runner.culprit import told
from runner.results.events import Chunk
from runner.training.data import Dataset
from runner.training.fused.likeness import Likeness, likeness
from runner.training.fused.program import chunks
from runner.training.fused.trying import why_not
from runner.training.loop import Loop, Updates
from runner.training.state import State
from runner.trial import Trial

Made = Chunk | Exception


@dataclass(frozen=True)
class _Asked:
    """What a function waits for: updates, the same as others' that are alike."""

    loop: Loop
    numbers: Mapping[str, np.ndarray]
    should_stop: Callable[[], bool]
    alike: Likeness

    @property
    def step(self) -> int:
        return self.loop.state.step


class Group:
    """Functions that train side by side, and whose updates are made as one program where they can
    be.

    Which of them make an update together decides their last digits: those that are at the same
    step. width: most rows of a program, and so most functions that `run` is given. warn: told where
    they go on by themselves.
    """

    def __init__(self, width: int, warn: Callable[[str], None] = lambda line: None) -> None:
        self.width = width
        self._warn = warn
        self._why: dict[Likeness, str] = {}
        self._asked: dict[greenlet, _Asked] = {}
        self._paused: dict[greenlet, float] = {}  # seconds that it is worth to wait for

    def why_not(self, state: State, trial: Trial, data: Dataset | None) -> str:
        """Return why a training can be no row of a program, nothing where it can."""
        key = likeness(state, trial)
        if key not in self._why:
            self._why[key] = why_not(state, trial, data)
        return self._why[key]

    def row(self, state: State, trial: Trial) -> Updates:
        """Return how a training's updates are made, in a function of this group."""
        alike, hub = likeness(state, trial), getcurrent().parent

        def updates(
            loop: Loop, numbers: Mapping[str, np.ndarray], should_stop: Callable[[], bool]
        ) -> Chunk:
            assert hub is not None
            self._asked[getcurrent()] = _Asked(loop, numbers, should_stop, alike)
            chunk: Chunk = hub.switch()
            return chunk

        return updates

    def run(self, functions: Iterable[Callable[[], object]]) -> int:
        """Run functions to their ends; return how many. Each next one is asked for once the one
        before waits for its first updates.

        What one raises ends all others as KeyboardInterrupt does, and is raised.
        """
        members: list[greenlet] = []
        try:
            for function in functions:
                member = greenlet(function)
                member.gr_context = pausing.context(self._pause)
                members.append(member)
                member.switch()
            while any(not member.dead for member in members):
                self._go_on()
        except BaseException:
            for member in members:
                _interrupt(member)
            raise
        finally:
            self._asked.clear()
            self._paused.clear()
        return len(members)

    def _go_on(self) -> None:
        """Make the next updates, and let those go on that asked for them, and all that pause."""
        paused, self._paused = self._paused, {}
        if self._asked:
            for member, made in self._served().items():
                del self._asked[member]
                if isinstance(made, Exception):
                    member.throw(made)
                else:
                    member.switch(made)
        elif paused:
            time.sleep(min(paused.values()))
        for member in paused:
            member.switch()

    def _served(self) -> dict[greenlet, Made]:
        """Make the updates of those that are behind all others, up to where these are."""
        start = min(one.step for one in self._asked.values())
        behind = {m: one for m, one in self._asked.items() if one.step == start}
        alike = next(iter(behind.values())).alike
        rows = {m: one for m, one in behind.items() if one.alike == alike}
        others = [one.step for one in self._asked.values() if one.alike == alike]
        most = min((step - start for step in others if step > start), default=None)
        return dict(zip(rows, self._made(list(rows.values()), most), strict=True))

    def _made(self, rows: Sequence[_Asked], most: int | None) -> list[Made]:
        """Make the updates that are asked for, at most so many: together, or one by one where that
        fails, so that who fails by itself fails alone."""
        numbers = [{name: values[:most] for name, values in one.numbers.items()} for one in rows]
        if len(rows) > 1 and not self._why.get(rows[0].alike):

            def should_stop() -> bool:
                return any(one.should_stop() for one in rows)

            try:
                return list(chunks([one.loop for one in rows], numbers, should_stop))
            except Exception as error:  # of a person's code, or of memory
                self._why[rows[0].alike] = why = told(error)
                self._warn(f"note: what cannot be fused trains by itself from here on: {why}")
        return [_alone(one, own) for one, own in zip(rows, numbers, strict=True)]

    def _pause(self, seconds: float) -> None:
        member = getcurrent()
        assert member.parent is not None
        self._paused[member] = seconds
        member.parent.switch()


def _alone(asked: _Asked, numbers: Mapping[str, np.ndarray]) -> Made:
    """Make updates of one training; return what it raises, which is for its function to hear."""
    try:
        return asked.loop.chunk(numbers, asked.should_stop)
    except Exception as error:
        return error


def _interrupt(member: Any) -> None:
    """End a function where it stands."""
    while not member.dead:
        try:
            if not member:  # has not begun
                return
            member.throw(KeyboardInterrupt)
        except BaseException:  # what ends it is raised here
            return
