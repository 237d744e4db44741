"""A page in a desktop's browser, or nowhere."""

from pathlib import Path
from typing import Any

import pytest

from runner import browser

PAGE = "http://127.0.0.1:5000/#/experiments/1/runs?a=b&c=d"


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a browser writes what it is asked for."""
    file = tmp_path / "opened"
    for name in ("mine", "lynx"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho noise; echo noise >&2; echo "{name} $1" >> {file}\n')
        program.chmod(0o755)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    return file


@pytest.mark.parametrize("desktop", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_page_opens_where_there_is_a_desktop_and_nothing_is_printed(
    opened: Path, monkeypatch: pytest.MonkeyPatch, eventually: Any, capfd: Any, desktop: str
) -> None:
    monkeypatch.setenv("BROWSER", str(opened.parent / "mine"))
    assert browser.open_page(PAGE) is None
    monkeypatch.setenv(desktop, ":0")
    browser.open_page(PAGE).join()
    eventually(opened.exists)
    assert opened.read_text() == f"mine {PAGE}\n"
    assert capfd.readouterr() == ("", "")


def test_no_text_browser_is_opened_and_a_failure_is_silent(
    opened: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    for name in ("lynx", "nothing"):
        monkeypatch.setenv("BROWSER", str(opened.parent / name))
        browser.open_page(PAGE).join()
    assert not opened.exists()
    assert capfd.readouterr() == ("", "")
