"""What all pictures of a study have in common."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from runner.report import pictures
from runner.report.pictures.figure import figure
from runner.results.rows import Row

KINDS = ("history", "slices", "parallel", "traces")


@pytest.fixture
def drawn(falling):
    """Returns the figure of a kind of some trials."""
    return lambda kind, trials: figure(pictures.every(trials, falling(trials))[kind])


def said(figure: Any) -> list[str]:
    """All words of a figure."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


@pytest.mark.parametrize(
    ("count", "goal"),
    [(1, "val/accuracy"), (3, "val/loss"), (24, "val/accuracy"), (200, "val/loss")],
)
@pytest.mark.parametrize("kind", KINDS)
def test_text_is_large_and_the_legend_covers_nothing(
    kind: str, count: int, goal: str, drawn, of_any_outcome
) -> None:
    found = drawn(kind, of_any_outcome(count, goal=goal))
    found.canvas.draw()
    texts = [text for text in found.findobj(Text) if text.get_text().strip()]
    assert min(text.get_fontsize() for text in texts) >= 8
    top = found.legends[0].get_window_extent().y1
    assert all(axes.get_tightbbox().y0 >= top - 1 for axes in found.axes)


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_marks_the_answer(kind: str, drawn, of_values, words) -> None:
    found = words(drawn(kind, of_values(0.95, 0.97, 0.96, 0.94, answer=2)))
    assert {"baseline", "best of the search (trial 1)", "answer (trial 2)"} <= {*found}
    found = words(drawn(kind, of_values(0.95, 0.97, 0.96, 0.94, answer=0)))
    assert "answer: the baseline" in found
    assert "baseline" not in found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rows", "empty"),
    [
        ([], set(KINDS)),
        ([Row(i, "COMPLETE", {"lr": 0.1}, (0.5,)) for i in range(5)], set()),
        (
            [Row(i, "COMPLETE", {"lr": 0.1}, (math.nan,)) for i in range(5)],
            {"history", "slices", "parallel", "traces"},
        ),
        ([Row(i, "COMPLETE", {}, (0.1 * i,)) for i in range(5)], {"slices", "parallel"}),
        (
            [Row(i, "PRUNED", {"lr": 0.1}, rungs={20: 0.5}) for i in range(5)],
            {"slices", "parallel"},
        ),
        (
            [Row(i, "COMPLETE", {"lr": 0.1}, (0.1,), diverged="step 3") for i in range(5)],
            {"slices", "parallel"},
        ),
        ([Row(0, "FAIL", {}), Row(1, "RUNNING")], {"slices", "parallel", "traces"}),
    ],
    ids=["none", "equal", "nan", "no keys", "pruned", "diverged", "failed"],
)
def test_where_there_is_nothing_to_draw_a_picture_says_so(
    kind: str, rows: list[Row], empty: set[str], drawn, study
) -> None:
    found = drawn(kind, study(rows))
    assert ("no trial has finished" in said(found)) == (kind in empty)
    assert bool(found.axes) == (kind not in empty)


@pytest.mark.parametrize("kind", ["slices", "parallel"])
def test_values_of_every_kind_and_dollars_are_drawn(kind: str, drawn, study) -> None:
    kinds = ["word", None, True, 3, 0.5, "10%", "$^3$", ["20%", "40%"], [1], "50samples", []]
    rows = [Row(i, "COMPLETE", {"a$^$b": one}, (0.1 * i,)) for i, one in enumerate(kinds)]
    found = drawn(kind, study(rows))
    found.canvas.draw()
    assert any(r"\$^3\$" in text or "20" in text for text in said(found))


@pytest.mark.parametrize("count", [0, 200])
def test_a_file_is_small(count: int, of_any_outcome, falling, tmp_path: Path) -> None:
    trials = of_any_outcome(count)
    shares = {"importance": pictures.importance({"lr": 1.0})}
    for kind, picture in (pictures.every(trials, falling(trials)) | shares).items():
        pictures.draw(picture, file := tmp_path / f"{kind}.png")
        assert file.stat().st_size <= 150_000
        with Image.open(file) as image:
            assert image.format == "PNG"
            assert len(np.unique(np.asarray(image.convert("L")))) > 10
