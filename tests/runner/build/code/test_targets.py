"""Targets as paths and as objects, and those that have no source."""

import pytest

NET = "class Net:\n    def __init__(self, width=1):\n        self.width = width\ndef f(x): ...\n"


def test_the_script_that_runs_is_its_own_module(project) -> None:
    project.write({"helpers.py": "", "pkg/__init__.py": "", "pkg/near.py": ""})
    asks = (
        "import json\nfrom runner.build.code import code_of\n"
        "print(json.dumps(dict(code_of(['__main__.Net', Net]).sources)))\n"
    )
    project.write({"script.py": f"import helpers\n{NET}{asks}"})
    assert sorted(project.run("script.py")) == ["__main__", "helpers"]
    project.write({"pkg/script.py": f"from . import near\n{NET}{asks}"})
    assert sorted(project.run("-m", "pkg.script")) == ["__main__", "pkg", "pkg.near"]


@pytest.mark.parametrize(
    ("before", "targets"),
    [
        (NET, "['__main__.Net']"),
        (NET, "[Net]"),
        ("import mine\nclass A: ...\nmine.Net = A\n", "['mine.Net']"),
        (
            "import mine\nexec(compile('def f(x): ...', '<stdin>', 'exec'), vars(mine))\n",
            "[mine.f]",
        ),
        ("import sys, types\nsys.modules['made'] = types.ModuleType('made')\n", "['made.Net']"),
        ("", "['nowhere.Net']"),
        ("", "['Net']"),
    ],
)
def test_what_is_in_no_file_is_refused(project, before, targets) -> None:
    project.write({"mine.py": NET})
    said = project.code(targets, before=before)
    assert isinstance(said, str)
    assert " is in no file: " in said or " was defined at a prompt, or in a notebook" in said


def test_what_a_loaded_package_would_load_when_asked_is_not_run(project) -> None:
    project.write({"pkg/__init__.py": "def __getattr__(name):\n    1 / 0\n", "pkg/a.py": ""})
    found = project.code("['pkg.Net']", before="import pkg\n")[0]
    assert found.keys() == {"pkg", "pkg.a"}


@pytest.mark.parametrize("file", ["/tmp/ipykernel_17/2231.py", "<ipython-input-3-ab>", "<stdin>"])
def test_a_class_of_a_notebook_is_refused_though_its_module_has_a_file(project, file) -> None:
    text = f"exec(compile({NET!r}, {file!r}, 'exec'), vars(mine))\n"
    project.write({"mine.py": NET})
    said = project.code("['mine.Net']", before=f"import mine\n{text}")
    assert said == "mine.Net was defined at a prompt, or in a notebook"


def test_a_class_typed_behind_a_script_is_refused(project) -> None:
    project.write({"script.py": "import sys\nsys.ps1 = '>>> '\n" + NET})
    asks = "from runner.build.code import code_of\n"
    with open(project.folder / "script.py", "a") as script:
        script.write(f"import json\n{asks}try:\n    code_of([Net])\n")
        script.write("except Exception as error:\n    print(json.dumps(str(error)))\n")
    assert project.run("script.py") == "__main__.Net was defined at a prompt, or in a notebook"


def test_a_lambda_and_a_local_function_are_refused(project) -> None:
    local = "def f():\n    def g(): ...\n    return g\n"
    assert "is a lambda, or is defined in a function" in project.code("[lambda: 1]")
    assert project.code("[f()]", before=local).startswith("f.<locals>.g has no path")


HELD = """
import functools, json, math, mine, other
from runner.build.code import code_of
part = functools.partial
def of(*targets):
    return dict(code_of(targets).sources)
plain = of("mine.Net")
assert plain.keys() == {"mine"}
assert of(mine.Net) == of(mine.f) == of(mine.Net.__init__) == plain
assert of(math.sin) == {}
held = of(part(mine.Net, width=2))
assert held.keys() == {"mine", "mine.Net(...)"}
assert held == of(part(mine.Net, width=2)) != of(part(mine.Net, width=3))
assert of(part(mine.f, other.g)).keys() == {"mine", "mine.f(...)", "other"}
assert of(mine.Net(1)) == of(mine.Net(1)) != of(mine.Net(2))
assert of(mine.Net(1).__init__) != of(mine.Net(2).__init__)
assert of(part(mine.f, 1), part(mine.f, 2)) != of(part(mine.f, 3), part(mine.f, 2))
print(1)
"""


def test_objects_reach_what_their_paths_do_and_count_what_they_hold(project) -> None:
    project.write({"mine.py": NET, "other.py": "def g(): ...\n"})
    (project.folder / "fakes" / "torch.py").unlink()
    assert project.run("-c", HELD) == 1
