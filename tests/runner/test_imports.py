"""What a run does not load: the seconds before its first step are a person's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import json, sys
from runner.__main__ import main
status = main(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]))
"""
WORDS = ["model=mlp", "dataset=mnist_5k", "train.steps=3", "seed=1", "tracking=off"]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "sgd"])
def test_a_run_does_not_load_torchs_compiler(optimizer: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, *WORDS, f"optimizer={optimizer}"]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    status, loaded = json.loads(out.splitlines()[-1])
    assert status == 0
    assert "torch.optim" in loaded
    assert "torch._dynamo" not in loaded
