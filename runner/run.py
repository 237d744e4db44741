"""One run, from what it starts with to its record."""

import atexit
import functools
import gc
import json
import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from runner import artifacts, endings, provenance
from runner.build.setup import Setup
from runner.culprit import place, told
from runner.endings import Ending
from runner.errors import Diverged, Elsewhere, Misuse, out_of_memory
from runner.report import views
from runner.report.terminal import Console
from runner.results.events import Evaluation, Event, Listener
from runner.results.records import Records
from runner.results.result import Result, Status
from runner.results.view import KIND, RUN
from runner.tracking import Header, Recording
from runner.tracking.outbox import ROOT
from runner.training import devices
from runner.training.evaluation import evaluate
from runner.training.loop import diverged_at
from runner.training.state import NO_WEIGHTS, BestKeeper, State


class Pruned(Exception):
    """What a listener raises where a run is not worth going on with."""


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
) -> Result:
    """Train to the end, or as far as it goes, and record everything.

    listeners: also hear every event, after those of the run itself; one may raise Pruned. label:
    stands before each line on the terminal. brief: one of many; prints nothing, keeps no picture
    and no weights, and does not wait for the delivery of its end. keep_weights: even if brief.
    test: whether to look at the test data. Raises KeyboardInterrupt only when a person insists;
    what was recorded is kept then, too.
    """
    started = time.monotonic()
    name = run_name(setup)
    recording.open(_header(setup, name, brief))
    keep_what_is_loaded()
    records, terminal = Records(), _console(setup, label, brief)
    keeper = [BestKeeper(setup.state)] if setup.settings.train.keep.endswith("best") else []
    everyone: list[Listener] = [records, recording, terminal, *keeper, *listeners]
    try:
        ending = _train(setup, everyone, recording, should_stop, test)
    except KeyboardInterrupt:
        ending = None
    finally:
        terminal.close()
        if setup.data is not None:
            setup.data.close()
    known = _restored(setup, ending or Ending(Status.KILLED, "interrupted"))
    found = endings.result(setup, records, known, name, recording.link)
    found = replace(found, seconds=time.monotonic() - started)
    kept = artifacts.Kept(weights=not brief or keep_weights, picture=not brief)
    delivered = endings.record(setup, records, recording, found, kept if ending else None, brief)
    if ending is None:
        if not delivered:
            terminal.line(f"the run's records wait in {ROOT}; the next start sends them")
        raise KeyboardInterrupt
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


def _train(
    setup: Setup,
    everyone: Sequence[Listener],
    recording: Recording,
    should_stop: Callable[[], bool],
    test: bool,
) -> Ending:
    """Train and test; every listener hears every event."""
    state, total = setup.state, setup.trial.horizon.total_steps

    def hear(event: Event) -> None:
        for listener in everyone:
            listener.hear(event)

    try:
        setup.train(hear, should_stop, test=test)
        if test:
            recording.flush()
        if state.step < total and not state.stopped:
            steps = f"{state.step} step{'' if state.step == 1 else 's'}"
            return Ending(Status.KILLED, f"interrupted after {steps}")
        if test and setup.data is not None:
            hear(event := _tested(setup))
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


def _restored(setup: Setup, ending: Ending) -> Ending:
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


def _tested(setup: Setup) -> Evaluation:
    """Return what the weights that are kept find on the test data."""
    state = setup.state
    assert setup.data is not None
    assert isinstance(state, State)
    state.restore()
    precision = setup.trial.recipe.precision
    found = evaluate(state.kept, state.task, setup.data.test, precision)
    metrics = {f"test/{key}": value for key, value in found.items()}
    step = state.best.step if state.best else state.step
    return Evaluation(step, metrics, time.time_ns() // 1_000_000)


def _header(setup: Setup, name: str, brief: bool) -> Header:
    settings, device = setup.settings, devices.describe(setup.device)
    tags = provenance.tags(settings, device, setup.trial.recipe.versions, brief=brief)
    scales = [group.get("lr_scale", 1.0) for group in setup.state.groups]
    differ = {"lr_scales": json.dumps(scales)} if set(scales) - {1.0} else {}
    return Header(
        experiment=settings.tracking.experiment or "runs",
        name=name,
        params=provenance.params(settings) | differ,
        tags={KIND: RUN, **tags},
        views=[] if KIND in settings.tracking.tags else [views.runs(setup.metric)],
    )
