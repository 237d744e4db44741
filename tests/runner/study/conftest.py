"""Pictures that cost no time."""

from typing import Any

import pytest

DRAWN = ["history", "importance", "slices", "parallel", "traces"]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pictures that cost no time; the names of those that were asked for."""
    from runner.report import pictures

    asked: list[str] = []
    for name in DRAWN:

        def draw(*given: Any, name: str = name, **options: Any) -> None:
            asked.append(name)

        monkeypatch.setattr(pictures, name, draw)
    return asked
