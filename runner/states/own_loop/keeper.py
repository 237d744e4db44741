"""Keeps the states of a loop of a person's own."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from runner.errors import one_line
from runner.results.events import Chunk, Evaluation, Event, is_test
from runner.results.records import Records
from runner.states.codec import Unstorable, encode
from runner.states.keeper import Keeper
from runner.states.stock import Stock
from runner.training import kernels
from runner.training.capture import NotStorable
from runner.training.own_loop import LoopState, stored, unkept

_told: set[str] = set()  # why no states are kept, as this process has said


def say_once(why: str, warn: Callable[[str], None]) -> None:
    """Say why no states of loops are kept, once in a process."""
    if why not in _told:
        _told.add(why)
        warn(f"note: no states are kept: {why}")


class LoopKeeper(Keeper):
    """Keeps a state where the run of a loop asks for it: between two steps.

    device: where it trains.
    """

    def __init__(
        self,
        stock: Stock,
        state: LoopState,
        device: torch.device,
        records: Records,
        run_id: str,
    ) -> None:
        super().__init__(stock, state, records, run_id)
        self._loop, self._device = state, device
        self._step = sum(map(len, records.chunks))
        self._evaluated = state.evaluated
        self._is_known = False  # that it can be stored

    def hear(self, event: Event) -> None:
        """Take note of how far all that is kept is heard."""
        super().hear(event)
        if isinstance(event, Chunk):
            self._step += len(event)
        elif not is_test(event):
            self._evaluated = event.step

    def is_due(self, step: int) -> bool:
        """Return whether to keep the state behind a step."""
        if self._off:
            return False
        kernels.listen()
        return step in self._stock.cuts.always or (self._is_due(step) and not self._is_costly())

    def keep(self, *, last: bool) -> None:
        """Keep the state, unless a listener before this one has failed: it was told of less.

        last: no step follows.
        """
        if (self._step, self._evaluated) == (self._state.step, self._state.evaluated):
            self._keep(wait=last or self._step in self._stock.cuts.always)

    def end(self) -> None:
        """Say once in a process why nothing was kept."""
        if why := "" if self._kept or self._off else unkept(self._loop):
            self._refuse(why)

    def _captured(self) -> dict[str, Any]:
        whole = self._records.whole()
        found = {
            **stored(self._loop, self._device),
            "columns": {key: np.ma.getdata(one) for key, one in whole.columns.items()},
            "masks": _masks(whole.columns),
            "time_ms": whole.time_ms,
            "evaluations": [_row(one) for one in self._records.evaluations if not is_test(one)],
        }
        if not self._is_known:
            try:
                encode(found)
            except Unstorable as error:
                raise NotStorable(one_line(error)) from error
            recipe = self._stock.trial.recipe
            self._stock.store.describe(recipe.digest, recipe.rows)
            self._is_known = True
        return found

    def _refused(self, why: str) -> None:
        say_once(
            f"{why} (behind step {self._kept.step:,})" if self._kept else why, self._stock.warn
        )


def _masks(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return where nothing was logged, of columns in which that is somewhere."""
    masked = {key: one for key, one in columns.items() if np.ma.is_masked(one)}
    return {key: np.ma.getmaskarray(one) for key, one in masked.items()}


def _row(evaluation: Evaluation) -> tuple[int, dict[str, float], int]:
    return evaluation.step, dict(evaluation.metrics), evaluation.time_ms
