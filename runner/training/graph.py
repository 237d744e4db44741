"""The updates of a training as one CUDA graph: captured once, then replayed, each with its own
samples, noise and rate.

The rate is read from a table on the device by a counter there, so that one graph serves all
updates; so are loss, norm and clips written. Nothing but that is different: the bits are the same.
"""

import functools
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from runner.culprit import told
from runner.results.events import Chunk
from runner.training.data import Batch
from runner.training.fused.likeness import beside_model, beside_weights
from runner.training.loop import CHUNK_SECONDS, CHUNK_STEPS, Loop, chunk_of
from runner.training.nested import leaves, mapped
from runner.training.optimizers import FUSED, rate_of
from runner.training.state import State
from runner.trial import Trial

WARM = 3  # updates before the capture, in which libraries take the memory that they keep
KIND = "cuda"
_BESIDE = (
    "the model draws on the CPU",
    "the model or the loss changes what is no weight",
    "the model takes other tensors",
)

Capture = Callable[[Callable[[], None]], Callable[[], None]]


def why_not(state: State, trial: Trial, kind: str = KIND) -> str:
    """Return why a training's updates cannot be a graph, nothing where they may be.

    kind: of the devices that have graphs.
    """
    optimizer = state.optimizer
    device = optimizer.param_groups[0]["params"][0].device
    if device.type != kind:
        return f"the device is {device.type}, and CUDA alone has graphs"
    if type(optimizer) not in FUSED or not optimizer.defaults.get("fused"):
        return f"{type(optimizer).__name__} has no fused form that reads its rate on the device"
    if others := [name for name in trial.numbers if name != "lr"]:
        return f"{others[0]} follows a schedule, and the rate alone is read on the device"
    if why := beside_model(state):
        return why
    if trial.recipe.accumulate > 1:
        return "train.accumulate is above 1"
    if state.average is not None:
        return "train.ema is asked for"
    return "the model is compiled" if trial.recipe.compile is not None else ""


def captured(update: Callable[[], None]) -> Callable[[], None]:
    """Return what makes an update again, which is not made now."""
    graph = torch.cuda.CUDAGraph()
    # other threads go on with their streams
    stream = _stream(torch.cuda.current_device())
    how: dict[str, Any] = {"stream": stream, "capture_error_mode": "thread_local"}
    with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph, **how):
        update()
    return graph.replay


@functools.cache
def _stream(device: int) -> Any:
    """Return the stream on which all graphs of a device are captured: libraries keep memory for
    each that they have seen."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


class Graph:
    """Makes the updates of one training. Where its batch has another shape, as an epoch's last may,
    or the capture fails, an update is made as ever.

    must: whether that is to end the run. capture: another one in tests. why: it makes each
    update by itself.
    """

    def __init__(self, must: bool = False, capture: Capture = captured) -> None:
        self._must, self._capture = must, capture
        self.why = ""
        self._seen: Counter[Any] = Counter()  # of updates by the shape of the batch
        self._update: _Update | None = None

    def __call__(
        self, loop: Loop, numbers: Mapping[str, np.ndarray], should_stop: Callable[[], bool]
    ) -> Chunk:
        """Make updates until the numbers or a second are over, as Loop.chunk does."""
        if self._update is None:
            self._update = _Update(loop)
        update, rates = self._update, numbers["lr"]
        update.begin(rates)
        times: list[int] = []
        deadline = time.monotonic() + CHUNK_SECONDS
        for t, rate in enumerate(rates.tolist(), start=loop.state.step):
            loop.set([rate])
            batches = loop.drawn(t)
            if update.again is None and not self.why:
                self._count(update, batches)
            else:
                update.make(batches)
            times.append(time.time_ns() // 1_000_000)
            if time.monotonic() > deadline or should_stop():
                break
        return chunk_of(loop.state.step, numbers, update.found(len(times)), times)

    def _count(self, update: "_Update", batches: Sequence[Batch | None]) -> None:
        """Make an update that is not captured yet: the last one before that is watched."""
        shapes = tuple(_shapes(batches))
        self._seen[shapes] += 1
        if self._seen[shapes] == WARM:
            self.why = update.watched(batches)
            if self.why and self._must:
                raise RuntimeError(self.why)
            return
        if self._seen[shapes] > WARM:
            try:
                update.capture(self._capture, batches)
            except Exception as error:  # such as of a person's code that waits for the device
                if self._must:
                    raise
                self.why = told(error.__context__ or error)
        update.make(batches)


class _Update:
    """An update with all that it reads and writes at fixed places of the device.

    again: makes it again, None before it is captured.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop, device = loop, loop.device
        self.groups = loop.state.optimizer.param_groups
        self.rates = torch.zeros(CHUNK_STEPS, len(self.groups), device=device)
        self.lr = [torch.zeros((), device=device) for _ in self.groups]
        self.at = torch.zeros(1, dtype=torch.int64, device=device)
        self.table = torch.zeros(3, CHUNK_STEPS, dtype=torch.float64, device=device)
        self.kinds = [torch.float32] * 3
        self.bad = loop.bad.clone()
        self.batches: Sequence[Batch | None] = ()
        self.places: list[int] = []
        self.again: Callable[[], None] | None = None

    def begin(self, rates: np.ndarray) -> None:
        """Take the rates of the next updates."""
        rows = [[rate_of(group, rate) for group in self.groups] for rate in rates.tolist()]
        self.rates[: len(rows)].copy_(torch.tensor(rows))
        self.at.zero_()
        if self.places != self._places():  # other tensors were put in
            self.again = None

    def make(self, batches: Sequence[Batch | None]) -> None:
        """Make an update on samples, whose noise is drawn next."""
        if self.again is None or _shapes(batches) != _shapes(self.batches):
            self._keep(self.loop.computed(batches))
            return
        for old, new in zip(_tensors(self.batches), _tensors(batches), strict=True):
            old.copy_(new)
        self.again()

    def watched(self, batches: Sequence[Batch | None]) -> str:
        """Make an update on samples; return why a replay would be another one, or nothing."""
        before = self._beside()
        self.make(batches)
        pairs = zip(_BESIDE, before, self._beside(), strict=True)
        changed = [what for what, was, now in pairs if was != now]
        return f"{changed[0]} in each update" if changed else ""

    def _beside(self) -> list[Any]:
        """Return what a replay neither reads nor changes."""
        state, is_cpu = self.loop.state, self.loop.device.type == "cpu"
        drawn: Any = np.random.get_state()
        own = None if is_cpu else torch.get_rng_state().tolist()
        generators = own, random.getstate(), drawn[1].tolist(), drawn[2:]
        things = [state.model, getattr(state.task.loss, "func", state.task.loss)]
        weights = [*state.model.parameters(), *state.model.buffers()]
        return [generators, [*map(beside_weights, things)], [one.data_ptr() for one in weights]]

    def found(self, count: int) -> list[Tensor]:
        """Return loss, norm and clips of the first so many updates."""
        rows = self.table[:, :count].cpu()
        return [row.to(kind) for row, kind in zip(rows, self.kinds, strict=True)]

    def capture(self, capture: Capture, batches: Sequence[Batch | None]) -> None:
        """Capture the update of a batch of such a shape."""
        self.batches = [batch and mapped(_cloned, batch) for batch in batches]
        if _shapes(self.batches) != _shapes(batches):
            raise RuntimeError("the samples have no copy of their layout: some lie over each other")
        self.bad.copy_(self.loop.bad)
        self.loop.bad = self.bad
        try:
            self.again = capture(self._whole)
        finally:
            self.loop.bad = self.bad
        self.places = self._places()

    def _whole(self) -> None:
        """Make the update whose number stands on the device."""
        row = self.rates.index_select(0, self.at)[0]
        before = [dict(group) for group in self.groups]
        for group, lr, value in zip(self.groups, self.lr, row, strict=True):
            lr.copy_(value)
            group.update(lr=lr, capturable=True)
        try:
            self._keep(self.loop.computed(self.batches))
        finally:
            for group, was in zip(self.groups, before, strict=True):
                group.clear()
                group.update(was)

    def _keep(self, found: Sequence[Tensor]) -> None:
        """Write what an update has found into its column."""
        self.kinds = [one.dtype for one in found]
        column = torch.stack([one.to(self.table.dtype) for one in found])
        self.table.index_copy_(1, self.at, column[:, None])
        self.at.add_(1)
        self.bad.copy_(self.loop.bad)
        self.loop.bad = self.bad

    def _places(self) -> list[int]:
        """Return where all lies that an update changes."""
        state = self.loop.state
        kept = [value for one in state.optimizer.state.values() for value in one.values()]
        held = [*state.model.parameters(), *state.model.buffers(), *kept]
        return [one.data_ptr() for one in held if isinstance(one, Tensor)]


def _cloned(one: Any) -> Any:
    return one.clone() if isinstance(one, Tensor) else one


def _tensors(batches: Sequence[Batch | None]) -> list[Tensor]:
    found = [one for batch in batches if batch is not None for one in leaves(batch)]
    return [one for one in found if isinstance(one, Tensor)]


def _shapes(batches: Sequence[Batch | None]) -> list[Any]:
    return [(one.shape, one.dtype, one.stride()) for one in _tensors(batches)]
