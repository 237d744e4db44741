"""Of what code, data and records a study is, so that a worker of another machine has the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.study import Study

from runner.build.setup import check
from runner.config.configurator import Configurator
from runner.errors import Mistake
from runner.report.say import warn
from runner.study.queue import attributes
from runner.tracking import Tracker
from runner.trial import Recipe

MOST_NAMED = 8


def made_of(
    recipe: Recipe, values: Mapping[str, Any], trackers: Sequence[Tracker]
) -> dict[str, Any]:
    """Return what another worker's code, data and records must be like.

    recipe: of a trial with some values.
    """
    return {
        "values": dict(values),
        "code": dict(recipe.code),
        "content": recipe.content,
        "versions": dict(recipe.versions),
        "trackers": [tracker.address for tracker in trackers],
    }


def check_same(study: Study, configurator: Configurator, trackers: Sequence[Tracker]) -> None:
    """Raise Mistake where what a trial trains here is not what it trains where the study was made,
    or is recorded elsewhere. Other versions are noted."""
    made = study.user_attrs.get(attributes.MADE_OF)
    if made is None:  # by an earlier version
        return
    recipe = check(configurator.settings(made["values"])).trial.recipe
    here = made_of(recipe, made["values"], trackers)
    for key, what in (("code", "the code"), ("content", "the training data")):
        if here[key] != made[key]:
            which = _differing(made[key], here[key])
            raise Mistake(f"{what} must be that of the study", advice=f"it differs{which}")
    if differing := _differing(made["versions"], here["versions"]):
        warn(f"note: other versions than where the study was made{differing}")
    if here["trackers"] != made["trackers"]:
        given = ", ".join(here["trackers"]) or "nowhere"
        there = ", ".join(made["trackers"]) or "nowhere"
        must = f"must lead to where the study is recorded, {there}"
        raise Mistake("tracking.uri", must, given, "a server is found from everywhere")
    for one in attributes.done(study)[-1:]:
        runs = attributes.outcome(one).get("run_ids", ())
        if any(not tracker.has(run) for tracker in trackers[:1] for run in runs):
            must = "must lead to where the study is recorded"
            given = f"{trackers[0].address}, which has none of its runs"
            raise Mistake("tracking.uri", must, given, "a server is found from everywhere")


def _differing(made: Any, here: Any) -> str:
    if not isinstance(made, Mapping) or not isinstance(here, Mapping):
        return ""
    names = sorted(name for name in {*made, *here} if made.get(name) != here.get(name))
    shown = ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
    return f": {shown}" if names else ""
