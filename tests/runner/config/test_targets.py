"""`_target_` and arguments become objects; what goes wrong names its key."""

import re
import sys
from pathlib import Path

import pytest

from runner.config import build, partial
from runner.errors import Mistake


def test_a_target_that_complains_names_its_key() -> None:
    with pytest.raises(Mistake, match=r"^schedule\.decay_rate must lie in \(0, 1\], got 2$"):
        build("schedule", {"_target_": "schedules.Exponential", "lr": 0.1, "decay_rate": 2})


def test_a_misspelt_argument_names_the_nearest() -> None:
    spec = {"_target_": "schedules.Exponential", "lr": 0.1, "decay_rat": 0.5}
    with pytest.raises(Mistake, match=r"decay_rat is not .* \(did you mean 'decay_rate'\?\)"):
        build("schedule", spec)


def test_a_target_knows_what_it_accepts() -> None:
    model = partial("model", {"_target_": "runner.training.models.MLP", "hidden": [8]})
    assert model.accepts("classes")
    assert not model.accepts("width")
    assert model(input_shape=(4,), classes=2).dense1.weight.shape == (8, 4)


OWN = """
def net(width):
    raise ValueError(f"width must be even, got {width}" if width % 2 else "no room is left")
"""


@pytest.mark.parametrize(
    ("width", "text"),
    [(3, "model.width must be even, got 3"), (4, "model: ValueError: no room is left (PLACE)")],
)
def test_a_persons_own_complaint_names_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, text: str
) -> None:
    (tmp_path / "complaints.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "complaints", raising=False)
    text = text.replace("PLACE", f"{tmp_path}/complaints.py, line 3")
    with pytest.raises(Mistake, match=f"^{re.escape(text)}$"):
        build("model", {"_target_": "complaints.net", "width": width})


def test_a_method_of_a_class_can_be_a_target() -> None:
    spec = {"_target_": "fractions.Fraction.from_float", "f": 0.5}
    assert build("model", spec) == 0.5
