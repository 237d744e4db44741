import subprocess
import sys

import pytest

import schedules


def loaded(statement):
    """The top-level modules that a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_schedules_needs_numpy_only():
    before = loaded("import numpy")
    # cython_runtime and the like come with numpy's submodules.
    extra = {name for name in loaded("import schedules") - before if not name.startswith("_")}
    assert extra - sys.stdlib_module_names == {"schedules"}


def test_the_plot_loads_matplotlib_only_when_it_draws():
    assert not {"matplotlib", "torch"} & loaded("import schedules.plot")


def test_a_family_is_imported_when_it_is_asked_for():
    def imported(statement):
        code = f"import schedules, sys; {statement}; print(*sys.modules)"
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        return {name for name in result.stdout.split() if name.startswith("schedules.")}

    assert imported("pass") == set()
    asked = imported("schedules.Cosine")
    assert "schedules.cosine" in asked
    assert not {"schedules.step", "schedules.warmup"} & asked


def test_an_unknown_name_is_refused_and_the_known_are_listed():
    with pytest.raises(AttributeError, match="module 'schedules' has no attribute 'Cosines'"):
        schedules.Cosines  # noqa: B018
    assert {*schedules.__all__} <= {*dir(schedules)}
    assert all(getattr(schedules, name) for name in schedules.__all__)
