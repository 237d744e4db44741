"""How much each key decides."""

from pathlib import Path

import pytest

from runner.report.pictures import draw
from runner.report.pictures.figure import figure
from runner.report.pictures.importance import importance


def test_bars_are_as_long_as_the_shares_the_largest_on_top() -> None:
    long = "group.inner.schedule.a_key_of_very_many_letters"
    [axes] = figure(importance({"lr": 0.75, long: 0.25})).axes
    shown = {
        text.get_text(): bar.get_width()
        for text, bar in zip(axes.get_yticklabels(), axes.patches, strict=True)
    }
    assert shown == {f"…{long[-39:]}": 0.25, "lr": 0.75}
    assert [text.get_text() for text in axes.texts] == ["0.25", "0.75"]
    assert axes.get_xlim() == pytest.approx((0, 0.84))
    assert axes.get_ylim()[0] < axes.get_ylim()[1]


def test_where_nothing_can_be_told_there_is_no_picture(tmp_path: Path) -> None:
    file = tmp_path / "importance.png"
    draw(importance({"lr": 1.0}), file)
    assert file.read_bytes().startswith(b"\x89PNG")
    draw(importance({}), file)
    draw(importance({}), file)
    assert not file.exists()
