"""Which command lines let MLflow be loaded before they are read."""

import pytest

from runner import helper
from runner.tracking.early import load_early


@pytest.mark.parametrize(
    ("line", "is_loaded"),
    [
        ("", True),
        ("schedule=cosine lr=0.1", True),
        ("-m lr=0.1,0.2 --config-dir mine", True),
        ("study=quickstart tracking.uri=http://host:5000", True),
        ("tracking=off tracking=mlflow", True),
        ("tracking=off", False),
        ("tracking=mlflow tracking=tensorboard", False),
        ("--help", False),
        ("schedule=cosine --cfg job", False),
    ],
)
def test_lines_that_record_in_mlflow(
    line: str, is_loaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(helper, "start", asked.append)
    load_early(line.split())
    assert bool(asked) == is_loaded
