"""One run, from what it starts with to its record."""

import atexit
import functools
import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import runner
from runner import artifacts, endings, provenance
from runner.build.setup import Setup
from runner.culprit import told
from runner.endings import Ending
from runner.execution import Execution, restored
from runner.identity import identity
from runner.report import views
from runner.report.say import warn
from runner.report.terminal import Console
from runner.results.events import Listener
from runner.results.records import Records
from runner.results.result import Result, Status
from runner.results.view import KIND, RUN
from runner.states import (
    Beginning,
    Claims,
    Figures,
    LoopStock,
    StateStock,
    Stock,
    Store,
    Turns,
    Wanted,
)
from runner.states.own_loop import say_once
from runner.tracking import Header, Recording
from runner.tracking.outbox import ROOT
from runner.training import devices, kernels
from runner.training.capture import Watched
from runner.training.graph import Graph
from runner.training.own_loop import LoopState


def run(
    setup: Setup,
    recording: Recording,
    should_stop: Callable[[], bool],
    *,
    listeners: Sequence[Listener] = (),
    label: str = "",
    brief: bool = False,
    keep_weights: bool = False,
    test: bool = True,
    later: Callable[[Recording], None] | None = None,
) -> Result:
    """Train to the end, or as far as it goes, and record everything.

    listeners: also hear every event, after those of the run itself; one may raise Pruned. label:
    stands before each line on the terminal. brief: one of many; prints nothing, keeps no picture
    and no weights, and does not wait for the delivery of its end. keep_weights: even if brief.
    test: whether to look at the test data. later: takes the recording, whose end travels on, where
    it is not to be waited for. Raises KeyboardInterrupt only when a person insists;
    what was recorded is kept then, too.
    """
    started = time.monotonic()
    name = run_name(setup)
    is_alone = not brief and KIND not in setup.settings.tracking.tags
    if recording:
        recording.open(_header(setup, name, is_alone))
    stock, beginning = stock_of(setup), None
    keep_what_is_loaded()
    records, terminal = Records(), _console(setup, label, brief)
    try:
        if stock is not None and (beginning := stock.begin(should_stop)):
            recording.tags(_of_beginning(beginning, recording))
        execution = Execution(setup, records, recording, terminal, listeners, stock, beginning)
        ending = execution.make(should_stop, test=test, flush=later is None)
    except KeyboardInterrupt:
        ending = None
    finally:
        if stock is not None:
            stock.release()
        terminal.close()
        _say_of_script(setup)
        _say_of_graph(setup)
        if setup.data is not None:
            setup.data.close()
    if kernel := kernels.seen():
        recording.tags({"nondeterministic": kernel})
    known = restored(setup, ending or Ending(Status.KILLED, "interrupted"))
    found = endings.result(setup, records, known, name, recording.link)
    reused = min(beginning.name.step, found.steps) if beginning else 0
    took = time.monotonic() - started
    found = replace(found, seconds=took, reused=reused, run_ids=recording.run_ids)
    kept = artifacts.Kept(weights=not brief or keep_weights, picture=is_alone)  # others share one
    waits = not brief and (later is None or ending is None)
    delivered = endings.record(setup, records, recording, found, kept if ending else None, waits)
    if ending is None:
        if not delivered:
            terminal.line(f"the run's records wait in {ROOT}; the next start sends them")
        raise KeyboardInterrupt
    if later is not None:
        later(recording)
    return replace(
        found,
        seconds=time.monotonic() - started,
        delivered=delivered,
        picture=endings.picture(recording.link),
        rates=None if brief else found.rates,
    )


def _console(setup: Setup, label: str, brief: bool) -> Console:
    horizon = setup.trial.horizon
    is_told = setup.data or not setup.settings.has_loop
    epoch = horizon.steps_per_epoch if is_told else setup.steps_per_epoch
    return Console(horizon.total_steps, epoch, label, quiet=brief)


def run_name(setup: Setup) -> str:
    """Return a run's name: the given one, or what its command line says."""
    settings = setup.settings
    given = settings.tracking.run_name
    return given or provenance.name(settings.overrides, settings.choices.get("schedule", "run"))


@functools.cache
def keep_what_is_loaded() -> None:
    """Spare the garbage collector the loaded libraries: a look through them takes 0.1 s, in the
    middle of a run. Once, so that nothing of a run is kept."""
    gc.freeze()
    atexit.register(gc.unfreeze)  # at the end libraries want to see theirs collected


def stock_of(setup: Setup) -> Stock | None:
    """Return the stored states as a run uses them; None where none are kept."""
    states, state = setup.settings.states, setup.state
    if not (states.enabled and setup.cuts) or setup.trial.recipe.unnamed:
        return None
    folder = Path(states.folder)
    store = Store(folder, states.max_bytes, warn, Wanted(folder).all)
    turns = Turns(setup.trial, Claims(folder), store, setup.cuts.always, warn)
    keeps_best = setup.settings.train.keep.endswith("best")
    of = (setup.trial, store, setup.cuts, turns, keeps_best, warn)
    if isinstance(state, LoopState):
        return LoopStock(*of, state, setup.device)
    if not setup.evaluations:
        return None
    try:
        watched = Watched(state, setup.data)
    except Exception as error:  # of a person's code
        warn(f"note: no states are kept: {told(error)}")
        return None
    return StateStock(*of, state, setup.data, watched, Figures(folder), setup.evaluations)


def _say_of_script(setup: Setup) -> None:
    """Say that no states of a script are kept, where it hands over what they need."""
    settings, state = setup.settings, setup.state
    script = state if settings.has_script and isinstance(state, LoopState) else None
    if settings.states.enabled and script and script.is_handed_over:
        say_once("a script trains in a process of its own", warn)


def _say_of_graph(setup: Setup) -> None:
    """Say that updates that were to be a graph are none."""
    if isinstance(setup.updates, Graph) and setup.updates.why:
        warn(f"note: train.graph=auto: updates are made one by one: {setup.updates.why}")


def _of_beginning(beginning: Beginning, recording: Recording) -> dict[str, str]:
    """Return what the record says of the states that a run goes on from."""
    other, own = beginning.run_id, recording.link.run_id if recording.link else ""
    return beginning.tags | ({"reused_from": other} if other and own not in ("", other) else {})


def _header(setup: Setup, name: str, is_alone: bool) -> Header:
    settings, device = setup.settings, devices.describe(setup.device)
    versions = {"runner": runner.__version__, **setup.trial.recipe.versions}
    tags = provenance.tags(settings, device, versions, brief=not is_alone)
    scales = [group.get("lr_scale", 1.0) for group in setup.state.groups]
    fused = setup.trial.recipe.fused
    together = {"fused": str(fused)} if fused else {}
    differ = {"lr_scales": json.dumps(scales)} if set(scales) - {1.0} else {}
    return Header(
        experiment=settings.tracking.experiment or "runs",
        name=name,
        params=provenance.params(settings) | differ,
        tags={KIND: RUN, **tags, **together},
        views=[] if KIND in settings.tracking.tags else [views.runs(setup.metric)],
        identity=identity(settings, setup.trial, name),
    )
