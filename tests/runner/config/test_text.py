"""Plain values as YAML that OmegaConf reads back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from runner.config.composer import compose
from runner.config.options import group_options
from runner.config.settings import to_yaml

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="$"))  # no interpolations
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | PLAIN


@pytest.mark.parametrize(
    "group", ["schedule", "model", "dataset", "optimizer", "clipping", "warmup"]
)
def test_a_configuration_as_text_is_what_omegaconf_writes(group: str) -> None:
    for option in group_options()[group]:
        values = OmegaConf.to_container(compose([f"{group}={option}"]), resolve=False)
        del values["hydra"]
        assert to_yaml(values) == OmegaConf.to_yaml(OmegaConf.create(values))


@given(st.recursive(SCALARS, lambda x: st.lists(x) | st.dictionaries(PLAIN, x)))
def test_values_as_text_are_read_back_as_they_were(value: object) -> None:
    assert OmegaConf.to_container(OmegaConf.create(to_yaml({"key": value}))) == {"key": value}
