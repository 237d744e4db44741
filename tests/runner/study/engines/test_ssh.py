"""The line that brings workers to hosts by ssh: here a program of that name, for every host."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runner.study.engines.joined import STUDY, Found, documented

pytestmark = pytest.mark.stress
SSH = """\
#!/bin/sh
echo "$1" >> hosts.txt
exec sh -c "$2" > "$1.txt"
"""


def test_the_documented_line_brings_workers(
    command: Any, store: Any, folder: Path, monkeypatch: Any
) -> None:
    assert command(f"{STUDY} train.steps=400 train.eval_every=200 study.workers=0").status == 0
    (folder / "ssh").write_text(SSH)
    (folder / "ssh").chmod(0o755)
    (folder / "code").symlink_to(folder, target_is_directory=True)
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    done = subprocess.run(["sh", "-c", documented("ssh")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    hosts = sorted((folder / "hosts.txt").read_text().split())
    assert hosts == ["a", "b", "c"]
    answers = [(folder / f"{host}.txt").read_text().count("\nrepeat ") for host in hosts]
    assert sum(answers) == 1
    Found("sqlite:///optuna.db").check(store.runs(), store.label)
