"""The learning rates of a grid, by what became of its runs."""

import numpy as np
import pytest

from runner.report.pictures import grid
from runner.report.pictures.figure import figure
from runner.report.pictures.grid import MOST_NAMED
from runner.results.result import Result, Status

FALLING = np.array([0.3, 0.2, 0.1])


def of(name: str, accuracy: float, *, seed: int = 0, status=Status.FINISHED, **more) -> Result:
    metrics = {"val/accuracy": accuracy, "val/loss": 1 - accuracy}
    options = {"steps": 3, "setting": name, "setting_name": name, **more}
    return Result(name, status, metrics, seed=seed, **options)


def test_of_a_few_each_says_what_became_of_it_the_best_first_and_darkest(words) -> None:
    results = [
        of("slow", 0.5, note="training has made nothing better"),
        of("gone", 0.0, status=Status.DIVERGED, steps=2),
        of("good", 0.9),
        of("broken", 0.0, status=Status.FAILED),
    ]
    picture = grid(results, {one.name: FALLING * (1 + i) for i, one in enumerate(results)})
    assert words(figure(picture)) == [
        "good: val accuracy 90.00 %",
        "slow: val accuracy 50.00 %, training has made nothing better",
        "gone: diverged at step 2",
        "broken: failed",
    ]
    linear, log = picture.panels
    assert linear.lines == log.lines
    assert (linear.y.ends, log.y.log) == (pytest.approx((0, 4 * 0.3 * 1.06)), True)
    good, slow, gone, _ = linear.lines
    assert list(good.y) == pytest.approx([0.9, 0.6, 0.3, 0.3])
    assert [line.kind for line in linear.lines] == ["run", "run", "diverged run", "stopped run"]
    assert [line.ended for line in linear.lines] == [False, False, True, True]
    assert (good.colour, slow.colour, gone.colour) == ("#440154", "#50c46a", "")
    widths = [line.width for line in linear.lines]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 4


def test_seeds_of_one_setting_are_one_line_of_their_mean() -> None:
    results = [
        of("a", 0.8, seed=0),
        of("a", 0.9, seed=1),
        of("b", 0.8, seed=0),
        of("b", 0.0, seed=1, status=Status.DIVERGED),
        of("c", 0.0, seed=0, status=Status.DIVERGED),
        of("c", 0.0, seed=1, status=Status.DIVERGED),
    ]
    lines = grid(results, dict.fromkeys("abc", FALLING)).panels[0].lines
    assert [line.label for line in lines] == [
        "a: val accuracy 85.00 ± 7.07 %, 2 seeds",
        "b: val accuracy 80.00 %, 1 seed, 1 diverged",
        "c: 2 diverged",
    ]
    assert [line.kind for line in lines] == ["run", "run", "diverged run"]


def test_of_many_the_better_are_coloured_and_the_best_is_named(words) -> None:
    count = 4 * MOST_NAMED
    results = [of(f"run {i}", 0.5 + i / 100) for i in range(count)]
    results.append(of("gone", 0.0, status=Status.DIVERGED))
    picture = grid(results, {one.name: FALLING for one in results})
    found = figure(picture)
    assert words(found) == ["diverged", "worse run", f"best: run {count - 1}"]
    assert found.get_suptitle() == (
        "learning rates of the runs, the best 9 coloured by val accuracy"
    )
    assert len(found.axes[0].lines) == count + 1


def test_long_names_in_any_letters_are_drawn(folder, recwarn) -> None:
    from runner.report.pictures import draw

    results = [of("学習" * 100, 0.5), of("$x" * 100, 0.5)]
    draw(grid(results, {one.name: FALLING for one in results}), folder / "traces.png")
    assert (folder / "traces.png").read_bytes().startswith(b"\x89PNG")
    assert not recwarn.list
