"""What brings workers to machines, each started by a test on loopback."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runner.study.engines.joined import PATH, beyond_loopback, missing
from tests.runner.study.engines.slurm import ACCOUNTING, Slurm


@pytest.fixture(params=["alone", "accounting"])
def slurm(request: Any, folder: Path, tmp_path: Path, monkeypatch: Any) -> Iterator[Slurm]:
    """A Slurm, with and without what remembers ended jobs."""
    accounting = request.param == "accounting"
    if accounting and (why := missing(*ACCOUNTING)):
        pytest.skip(why)
    found = Slurm(tmp_path / "slurm", accounting=accounting)
    monkeypatch.setenv("SLURM_CONF", str(found.folder / "slurm.conf"))
    monkeypatch.setenv("MYSQL_UNIX_PORT", str(found.folder / "sql.sock"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{PATH}")
    before = beyond_loopback()
    try:
        found.start()
        yield found
        assert beyond_loopback() == before
    finally:
        found.end()
