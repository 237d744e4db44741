import subprocess
import sys


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
