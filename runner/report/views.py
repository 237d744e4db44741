"""The pages that compare the runs of a study, of a grid, and single runs."""

from collections.abc import Sequence

from runner.results.definition import Definition, Goal
from runner.results.events import GRAD_NORM, LOSS, LR
from runner.results.metrics import MAXIMIZE
from runner.results.view import SETTING, SINGLE, SWEEP, View, charted, spread_key
from runner.space import Ordered, Space

TRIAL, CONFIRM = "trial ", "confirm "  # how the names of a study's runs begin
_CONFIRMATIONS = "-confirmations"
_VAL_LOSS = "val/loss"


def trials(study: str, definition: Definition, space: Space) -> View:
    """Return the page of a study's trials.

    The parallel coordinates have what every trial has: MLflow leaves out a run that lacks one.
    """
    goals = definition.goals
    axes = [e.key for e in space.entries if not e.when and not isinstance(e.spec, Ordered)]
    return View(
        name=study,
        prefix=TRIAL,
        metric=goals[0].metric,
        descending=goals[0].direction == MAXIMIZE,
        lines=_lines(goals[0].metric),
        bars=_metrics(goals),
        keys=tuple(dict.fromkeys(entry.key for entry in space.entries)),
        axes=tuple(dict.fromkeys(axes)),
        metrics=_metrics(goals, seeds=definition.seeds > 1),
        charted=charted(definition.trials),
        group=SETTING if definition.seeds > 1 else "",
    )


def confirmations(study: str, definition: Definition, candidates: Sequence[str] = ()) -> View:
    """Return the page of the runs that confirm a study's answer, each candidate by its mean.

    candidates: their names, once they are known.
    """
    goal = definition.goals[0]
    return View(
        name=f"{study}{_CONFIRMATIONS}",
        prefix=CONFIRM,
        metric=goal.metric,
        descending=goal.direction == MAXIMIZE,
        lines=_lines(goal.metric),
        bars=_metrics(definition.goals),
        metrics=(*_metrics(definition.goals, seeds=True), *_tests(definition.goals)),
        group=SETTING,
        groups=tuple(candidates),
    )


def jobs(
    sweep: str, goal: Goal, count: int, keys: Sequence[str], settings: Sequence[str] = ()
) -> View:
    """Return the page of a grid's runs.

    count: of them. keys: in which they differ. settings: their names where some differ by their
    seed alone.
    """
    axes = tuple(key for key in keys if key != "seed")
    return View(
        name=sweep,
        tags={SWEEP: sweep},
        metric=goal.metric,
        descending=goal.direction == MAXIMIZE,
        lines=_lines(goal.metric),
        bars=(goal.metric,),
        keys=tuple(keys),
        axes=axes,
        metrics=(*_metrics([goal], seeds=bool(settings)), *_tests([goal])),
        charted=charted(len(settings) or count),
        group=SETTING if settings else "",
        groups=tuple(settings),
    )


def runs(metric: str) -> View:
    """Return the page of single runs, the newest first. metric: what says which is better."""
    return View(
        name=SINGLE,
        lines=_lines(metric),
        metrics=(metric, _VAL_LOSS),
        keys=("model", "schedule", "warmup", "lr", "seed"),
    )


def _lines(metric: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((LR, metric, LOSS, GRAD_NORM, _VAL_LOSS)))


def _metrics(goals: Sequence[Goal], *, seeds: bool = False) -> tuple[str, ...]:
    spread = [spread_key(goals[0].metric)] if seeds else []
    return tuple(dict.fromkeys((*(goal.metric for goal in goals), *spread, _VAL_LOSS)))


def _tests(goals: Sequence[Goal]) -> tuple[str, ...]:
    return tuple(f"test/{goal.metric.rpartition('/')[2]}" for goal in goals)
