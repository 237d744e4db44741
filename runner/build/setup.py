"""Settings -> everything that a run starts with: built and checked, nothing is written."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from runner.build.compiling import compiling
from runner.build.data import load, usual_workers
from runner.build.horizon import horizon, samples_of
from runner.build.loop import as_wanted, function_of, note_of_epochs, with_defaults
from runner.build.metrics import LOSS, deciding, learn_metrics, names_of
from runner.build.notes import notes
from runner.build.numbers import key_of, numbers
from runner.build.recipe import evaluations_of, recipe_of
from runner.build.rehearsal import rehearse
from runner.build.script import check_command, command_of
from runner.build.state import checked_state, fresh_state, weights_file
from runner.build.task import task_of
from runner.config import Settings
from runner.config.fuse import OFF
from runner.config.loops import keys_of_loop
from runner.culprit import blamed
from runner.errors import Mistake, Unhashable, under
from runner.results.events import Hear
from runner.states import Cuts
from runner.training import attached, clipping, devices, kernels, optimizers, own_loop, weights
from runner.training.arithmetic import threads_for
from runner.training.compiled import by_time
from runner.training.data import Dataset
from runner.training.graph import Graph
from runner.training.graph import why_not as why_no_graph
from runner.training.loop import Updates, train
from runner.training.own_loop import LoopState
from runner.training.state import State
from runner.trial import Numbers, Recipe, Trial
from schedules import steps_of

MOST_NAMES = 8  # in a note


@dataclass(frozen=True)
class Setup:
    """What a run starts with.

    settings: with the number of threads that it uses. state: fresh; training changes it. notes:
    what a person might not have meant, a line each. evaluations: the names of what is evaluated,
    and how: "val" and "test". cuts: where states are kept. updates: who makes them, None for the
    run itself.
    """

    settings: Settings
    trial: Trial
    state: State | LoopState
    data: Dataset | None
    device: torch.device
    notes: tuple[str, ...] = ()
    evaluations: Mapping[str, str] = field(default_factory=dict)
    cuts: Cuts | None = None
    updates: Updates | None = None

    def train(
        self,
        hear: Hear,
        should_stop: Callable[[], bool],
        *,
        test: bool,
        keeping: own_loop.Keeping | None = None,
    ) -> None:
        """Train to the end, or as far as it goes, and let every event be heard.

        test: whether the test data will be looked at. keeping: who keeps states of a loop of a
        person's own.
        """
        assert isinstance(self.state, State)
        cuts = self.cuts.steps if self.cuts else ()
        how = (should_stop, cuts, self.updates)
        with closing(train(self.state, self.trial, self.data, *how)) as events:
            for event in events:
                hear(event)

    @property
    def steps_per_epoch(self) -> int | None:
        """The updates of an epoch, None where there is no such thing."""
        return self.trial.horizon.steps_per_epoch if self.data else None

    @property
    def metric(self) -> str:
        """What says which of two such runs is better."""
        return self.state.metric


@dataclass(frozen=True)
class LoopSetup(Setup):
    """What a run with a loop of a person's own starts with. function: called with the run."""

    state: LoopState
    function: Callable[[own_loop.Run], object] | None = field(kw_only=True)

    def train(
        self,
        hear: Hear,
        should_stop: Callable[[], bool],
        *,
        test: bool,
        keeping: own_loop.Keeping | None = None,
    ) -> None:
        """Call the function of the loop, or follow its script."""
        settings, state = self.settings, self.state
        start = own_loop.Start(
            trial=self.trial,
            names=frozenset({LOSS, *names_of(settings)}),
            decides=state.decides,
            keys=keys_of_loop(settings.loop),
            device=self.device,
            threads=settings.threads or devices.DEFAULT_THREADS,
            test=test,
            keeps_best=settings.train.keep.endswith("best"),
        )
        if self.function is None:
            command = command_of(settings)
            attached.follow(command, start, state, hear, should_stop)
        else:
            run = start.run(state, hear, should_stop, keeping=keeping)
            own_loop.train(self.function, run)

    @property
    def steps_per_epoch(self) -> int | None:
        """The updates of an epoch, None where the loop declares none."""
        return self.settings.train.steps_per_epoch


def build(settings: Settings) -> Setup:
    """Return what a run starts with. Raises Mistake for whatever does not fit together."""
    return _setup(settings, fresh_state)


def check(settings: Settings) -> Setup:
    """Return what a run would start with, for a look: its state must not be trained.

    Raises Mistake for whatever does not fit together.
    """
    return _setup(settings, checked_state)


def _setup(
    settings: Settings, state_of: Callable[[Settings, Dataset | None, torch.device], State]
) -> Setup:
    with under(""):
        device = devices.resolve(settings.device)
        devices.check_precision(settings.precision, device)
    if settings.has_loop:
        return _of_loop(settings, device)
    devices.use(device, 1)  # what is made before training depends on no number of threads
    data = load(settings.dataset)
    if data is not None:
        with blamed("dataset", settings.dataset["_target_"]):
            data = data.to(device)
    if data is not None and data.loaded and settings.dataset.get("workers") is None:
        cores = settings.threads or devices.DEFAULT_THREADS
        count = usual_workers(data, settings.train.batch_size, cores)
        for part in data.loaded:
            part.workers.count = count
    size = samples_of(data)
    counted = task_of(settings, data).samples(data.train) if data and size else 0
    length = horizon(settings, size, counted)
    follows = numbers(settings, length)
    state = state_of(settings, data, device)
    threads = settings.threads or _threads(settings, state, data, device)
    settings = replace(settings, threads=threads)
    devices.use(device, threads)
    _check_numbers(settings, follows, state)
    recipe = recipe_of(settings, device, data)
    evaluations = dict[str, str]()
    if not recipe.unnamed:
        try:
            evaluations = evaluations_of(settings, data)
        except Unhashable as error:
            recipe = replace(recipe, unnamed=str(error))
    trial = _trial(settings, recipe, follows)
    rehearse(settings, trial, state, data)
    why = kernels.why(kernel) if (kernel := kernels.seen()) else _of_stream(data)
    why = why or by_time(recipe)
    if why and not recipe.unnamed:
        recipe = replace(recipe, unnamed=why)
        trial = replace(trial, recipe=recipe)
    said = [*notes(settings, follows, trial.eval_every), *_unused(settings, state)]
    said += [*_read(settings, data), *_of_loss(state), *_unnamed(settings, recipe)]
    said += compiling(trial, state, data)
    cuts, updates = _cuts(settings, trial), _graph(settings, trial, state)
    return Setup(settings, trial, state, data, device, tuple(said), evaluations, cuts, updates)


def _of_loop(settings: Settings, device: torch.device) -> LoopSetup:
    """Return what a run with a loop of a person's own starts with."""
    length = horizon(settings, 0)
    threads = settings.threads or devices.DEFAULT_THREADS
    settings = replace(settings, threads=threads)
    function: Callable[[own_loop.Run], object] | None = None
    if settings.has_script:
        check_command(settings)
    else:
        settings = as_wanted(settings)
        function = function_of(settings).plain
        settings = as_wanted(with_defaults(settings))
    devices.use(device, threads)
    learn_metrics(settings)
    follows = numbers(settings, length)
    trial = _trial(settings, recipe_of(settings, device, None), follows)
    declared = settings.train.steps_per_epoch
    rhythm = {"total_steps": length.total_steps, "steps_per_epoch": declared}
    keys = dict(settings.loop)
    whole: dict[str, object] = {"keys": keys, "eval_every": trial.eval_every, **rhythm}
    state = LoopState(decides=deciding(settings, data=False), memory=follows["lr"].begin())
    if settings.train.keep == "best":  # of its states, too
        whole["keeps"] = state.metric
    trial = replace(trial, recipe=replace(trial.recipe, loop=whole))
    said = [*notes(settings, follows, trial.eval_every), *note_of_epochs(settings, length)]
    cuts = None
    if function is not None:
        said += _unnamed(settings, trial.recipe)
        cuts = None if trial.recipe.unnamed else _cuts(settings, trial)
    parts = (settings, trial, state, None, device, tuple(said))
    return LoopSetup(*parts, cuts=cuts, function=function)


def _trial(settings: Settings, recipe: Recipe, follows: Numbers) -> Trial:
    with under("train"):
        eval_every = steps_of(settings.train.eval_every, follows.horizon, "eval_every", 1)
        given = settings.train.stop_after
        stop_after = None if given is None else steps_of(given, follows.horizon, "stop_after", 1)
    return Trial(recipe, follows, eval_every, stop_after)


def _cuts(settings: Settings, trial: Trial) -> Cuts:
    """Return the steps at which states of a run are kept."""
    given, horizon = settings.states, trial.horizon
    with under("states"):
        every = None if given.every is None else steps_of(given.every, horizon, "every", 1)
        always = [steps_of(one, horizon, f"cuts[{i}]", 1) for i, one in enumerate(given.cuts)]
    return Cuts.of(trial, always, every)


def _graph(settings: Settings, trial: Trial, state: State) -> Graph | None:
    """Return what makes a run's updates as a graph; None where they are made one by one."""
    asked = settings.train.graph
    if asked == OFF:
        return None
    why = why_no_graph(state, trial)
    if why and asked == "on":
        raise Mistake("train.graph", "must be off or auto here", asked, why)
    return None if why else Graph(must=asked == "on")


def _unnamed(settings: Settings, recipe: Recipe) -> Iterator[str]:
    """Yield that no states of a run are kept."""
    if settings.states.enabled and recipe.unnamed:
        yield f"no states are kept, and none are gone on from: {recipe.unnamed}"


def _of_stream(data: Dataset | None) -> str:
    """Return why a run on a stream of training data cannot go on in its middle, or nothing."""
    if data is None or not data.is_stream or data.train.is_resumable:
        return ""
    return "the stream of training data has no state_dict and load_state_dict"


def _threads(settings: Settings, state: State, data: Dataset | None, device: torch.device) -> int:
    """Return how many threads suit a run that was given no number of them."""
    if device.type != "cpu":
        return devices.DEFAULT_THREADS
    batch_size = settings.train.batch_size if data else 1
    return threads_for(state.operations, batch_size, devices.DEFAULT_THREADS)


def _read(settings: Settings, data: Dataset | None) -> Iterator[str]:
    """Yield what a person might not know of how data are read."""
    if data is not None and data.is_stream:
        if str(settings.train.eval_every).endswith("ep"):
            yield "all of a stream is one epoch; train.eval_every=100 evaluates every 100 steps"
    elif settings.dataset.get("workers") and not (data and data.loaded):
        yield "dataset.workers does nothing: all data are in memory"


def _of_loss(state: State) -> Iterator[str]:
    """Yield that a loss has weights of its own."""
    loss = state.task.loss
    named = loss.named_parameters() if isinstance(loss, nn.Module) else ()
    names = [name for name, one in named if one.requires_grad]
    if names:
        shown = ", ".join(names[:MOST_NAMES]) + (", ..." if len(names) > MOST_NAMES else "")
        yield f"task.loss has weights, which are not trained: {shown}; those of the model are"


def _unused(settings: Settings, state: State) -> list[str]:
    """Return a note where a file of weights holds more than the model takes."""
    if (file := weights_file(settings)) is None:
        return []
    extra = weights.unused(state.model, file, settings.model.get("weights_except") or [])
    shown = ", ".join(extra[:MOST_NAMES]) + (", ..." if len(extra) > MOST_NAMES else "")
    return [f"model.weights holds what the model has no place for: {shown}"] if extra else []


def _check_numbers(settings: Settings, follows: Numbers, state: State) -> None:
    """Refuse numbers that the optimizer or the clipping does not have or take."""
    for name in follows:
        key, trace = key_of(name, settings), follows.trace(name)
        room = key.partition(".")[0]
        if room == "optimizer":
            with under(room):
                optimizers.check_scheduled(state.optimizer, name, float(trace.min()))
                clipping.check_free(state.clipping, name)
        elif room == "clipping":
            for value in (float(trace.min()), float(trace.max())):
                with under(room):
                    clipping.with_numbers(state.clipping, {name: value})
