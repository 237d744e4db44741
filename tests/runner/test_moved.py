"""Names of earlier versions."""

import importlib

import pytest

from runner.moved import MOVED, current


@pytest.mark.parametrize("earlier", MOVED)
def test_a_module_is_found_under_its_earlier_name(earlier: str) -> None:
    assert importlib.import_module(earlier) is importlib.import_module(MOVED[earlier])


def test_code_of_an_earlier_version_goes_on_working() -> None:
    from runner.data import Dataset  # type: ignore[import-not-found]

    import runner.training

    assert Dataset is runner.training.Dataset


def test_a_target_is_read_by_its_name_of_today() -> None:
    assert current("runner.study.samplers.Grid") == "runner.study.plan.samplers.Grid"
    assert current("runner.training.models.MLP") == "runner.training.models.MLP"
