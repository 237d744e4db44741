"""The configuration groups and their options."""

from pathlib import Path

import pytest
from hydra.errors import MissingConfigException

from runner.config.composer import compose
from runner.config.options import group_options, is_overlay, owners_of
from runner.errors import Mistake


def test_own_options_stand_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "tiny.yaml").write_text("_target_: mine.Tiny\n")
    assert group_options(str(tmp_path))["model"] == sorted([*group_options()["model"], "tiny"])
    assert compose(["model=tiny"], str(tmp_path)).model._target_ == "mine.Tiny"


def test_paths_are_options_that_no_list_shows() -> None:
    config = compose(["model=mine.Net", "dataset=mine.rings", "optimizer=mine.Lion", "loop=a.b"])
    assert [config[group]._target_ for group in ("model", "dataset", "optimizer", "loop")] == [
        *("mine.Net", "mine.rings", "mine.Lion", "a.b")
    ]
    for text in ("task=mine.task", "study/sampler=mine.Sampler", "model=mine.yaml", "model=Net"):
        with pytest.raises(MissingConfigException) as caught:
            compose([text])
        assert "mine.Net" not in (caught.value.options or [])


def test_only_options_that_change_other_groups_can_stand_together() -> None:
    assert is_overlay("experiment", None)
    assert not is_overlay("schedule", None)
    assert not is_overlay("tracking", None)


def test_the_options_that_have_a_key_are_named() -> None:
    assert owners_of("warmup.fraction", None) == (
        "warmup=constant, cosine, exponential, linear or sqrt"
    )
    assert owners_of("warmup.nothing", None) == ""


def test_an_option_that_one_of_ours_would_hide_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mlp.yaml").write_text("_target_: mine.Net\n")
    with pytest.raises(Mistake, match=r"mlp.yaml must have another name: .* option model=mlp too$"):
        group_options(str(tmp_path))
