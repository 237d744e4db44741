"""Threads that wait give their core away, in every process, unless a person says otherwise."""

import os
import subprocess
import sys

import pytest

CODE = (
    "import os, sys, runner.__main__; assert 'torch' not in sys.modules; "
    "import subprocess; "
    "subprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"OMP_WAIT_POLICY\"])'])"
)


@pytest.mark.parametrize(("given", "found"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_as_a_person_says_or_without_spinning(given: str | None, found: str) -> None:
    others = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    env = others | ({"OMP_WAIT_POLICY": given} if given else {})
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=env)
    assert done.stdout == f"{found}\n", done.stderr
