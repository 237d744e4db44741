"""What the pages show that compare the runs of a study, of a grid, and single runs."""

from dataclasses import replace

from runner.report.views import confirmations, jobs, runs, trials
from runner.results.definition import Definition, Goal
from runner.space import Choice, Entry, Interval, Space

MORE, LESS = Goal("val/accuracy", "maximize"), Goal("val/loss", "minimize")
STUDY = Definition("quick", {}, (), {}, (LESS, MORE), trials=21, seeds=2)
WHEN = [(("schedule", one),) for one in ("exponential", "polynomial")]
SPACE = Space(
    [
        Entry("schedule", Choice(["exponential", "polynomial"])),
        *(Entry("schedule.rate", Interval(0.1, 0.9), when) for when in WHEN),
    ],
    frozenset({"schedule"}),
)


def test_trials_of_several_seeds_are_shown_by_their_means() -> None:
    view = trials("quick-1", STUDY, SPACE)
    assert view.group == "setting"
    assert view.metrics == ("val/loss", "val/accuracy", "val/loss/deviation")
    assert view.bars == ("val/loss", "val/accuracy")
    assert view.keys == ("schedule", "schedule.rate")
    assert view.charted == 10  # of more than 20


def test_confirmations_are_grouped_and_have_the_tests_of_each_goal() -> None:
    view = confirmations("quick-1", STUDY, ["trial 2", "baseline"])
    assert (view.name, view.prefix) == ("quick-1-confirmations", "confirm ")
    assert (view.metric, view.descending) == ("val/loss", False)
    validated = ("val/loss", "val/accuracy", "val/loss/deviation")
    assert view.metrics == (*validated, "test/loss", "test/accuracy")
    assert view.bars == ("val/loss", "val/accuracy")
    assert (view.group, view.groups) == ("setting", ("trial 2", "baseline"))


def test_what_is_searched_of_the_average_is_tested_by_the_same_metric() -> None:
    view = confirmations("quick", replace(STUDY, goals=(Goal("ema/val/accuracy", "maximize"),)))
    assert view.metrics == (
        *("ema/val/accuracy", "ema/val/accuracy/deviation", "val/loss"),
        "test/accuracy",
    )


def test_a_grid_is_ranked_and_compared_by_what_varies_but_the_seed() -> None:
    view = jobs("lr 2026", LESS, 21, ["lr", "seed"])
    assert (view.metric, view.descending, view.bars) == ("val/loss", False, ("val/loss",))
    assert (view.keys, view.axes) == (("lr", "seed"), ("lr",))
    assert view.metrics == ("val/loss", "test/loss")
    assert (view.charted, view.group, view.groups) == (10, "", ())
    settings = [f"lr={i}" for i in range(20)]  # one curve each
    view = jobs("lr 2026", MORE, 40, ["lr", "seed"], settings)
    assert (view.group, view.groups, view.charted) == ("setting", tuple(settings), 20)
    assert view.metrics == ("val/accuracy", "val/accuracy/deviation", "val/loss", "test/accuracy")


def test_single_runs_are_listed_the_newest_first() -> None:
    view = runs("val/accuracy")
    assert (view.name, view.metric, view.descending) == ("runs", "", True)
    assert view.lines == ("train/lr", "val/accuracy", "train/loss", "train/grad_norm", "val/loss")
    assert view.metrics == ("val/accuracy", "val/loss")
    assert view.keys == ("model", "schedule", "warmup", "lr", "seed")
