"""Pictures that cost no time."""

import pytest


@pytest.fixture
def undrawn(no_helper: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pictures that cost no time; the names of those that were asked for."""
    from runner.report import pictures

    asked: list[str] = []
    monkeypatch.setattr(pictures, "draw", lambda picture, file: asked.append(file.stem))
    return asked
