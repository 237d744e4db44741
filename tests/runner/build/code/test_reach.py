"""What decides what code does changes its hash, in another process; what does not, does not."""

from typing import Any

import pytest

from runner.build.code import code_of

FILES = {
    "mine.py": '''\
"""A network."""
import math
import helpers
from pkg import Layer
from pkg.inner import deep as deeper

WIDTH = 8

def decorated(function):
    return function

class Net(Layer):
    """Nothing."""
    size = WIDTH

    @staticmethod
    @decorated
    def made(width=16):
        """Make one."""
        import late  # when it is called
        return late, math.pi, helpers, deeper, width
''',
    "helpers.py": "import far\nx = far.FAR\n",
    "far.py": "FAR = 1  # two imports away\n",
    "late.py": "LATE = 1\n",
    "unused.py": "UNUSED = 1\n",
    "pkg/__init__.py": "from .layers import Layer\n",
    "pkg/layers.py": "from . import parts\nfrom .inner.deep import DEEP\nclass Layer: ...\n",
    "pkg/parts.py": "PART = 1\ntry:\n    import fast\nexcept ImportError:\n    fast = None\n",
    "pkg/other.py": "OTHER = 1\n",
    "pkg/inner/__init__.py": "INNER = 1\n",
    "pkg/inner/deep.py": "from ..parts import PART\ndef f():\n    import mine\nDEEP = 1\n",
    "fast.py": "FAST = 1\n",
    "spaces/one/blocks.py": "import spaces.two.more\nBLOCK = 1\n",
    "spaces/two/more.py": "MORE = 1\n",
}
TARGET = "['mine.Net', 'runner.training.models.MLP', 'torch.optim.SGD']"


@pytest.fixture(scope="module")
def found(made, tmp_path_factory) -> Any:
    one = made(tmp_path_factory.mktemp("project"))
    one.write(FILES)
    return one.code(TARGET)


@pytest.fixture
def known(project, found) -> Any:
    """What is reached from the files, which lie in the project's folder too."""
    project.write(FILES)
    return found


def test_all_that_is_imported_is_reached_and_nothing_else(known) -> None:
    sources, distributions = known
    assert sorted(sources) == [
        *("far", "fast", "helpers", "late", "mine"),
        *("pkg", "pkg.inner", "pkg.inner.deep", "pkg.layers", "pkg.parts"),
    ]
    assert distributions.keys() == {"numpy", "torch"}
    assert distributions["torch"] == "9.1"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("mine.py", "  # when it is called", "  # later"),
        ("mine.py", '"""A network."""', "'A better network.'"),
        ("mine.py", '        """Make one."""\n', ""),
        ("mine.py", "def made(width=16):", "def made(\n        width = 16,\n    ):"),
        ("far.py", "  # two imports away", ""),
        ("unused.py", "1", "2"),
        ("pkg/other.py", "1", "2"),
        ("spaces/two/more.py", "1", "2"),
    ],
)
def test_what_changes_nothing_changes_no_hash(project, known, file, old, new) -> None:
    assert old in FILES[file]
    project.write({file: FILES[file].replace(old, new)})
    assert project.code(TARGET) == known


@pytest.mark.parametrize(
    ("file", "old", "new", "module"),
    [
        ("mine.py", "WIDTH = 8", "WIDTH = 9", "mine"),
        ("mine.py", "WIDTH = 8", "WIDTH = 8.0", "mine"),
        ("mine.py", "width=16", "width=17", "mine"),
        ("mine.py", "    @decorated\n", "", "mine"),
        ("far.py", "1", "2", "far"),
        ("late.py", "1", "2", "late"),
        ("fast.py", "1", "2", "fast"),
        ("pkg/__init__.py", "\n", "\nimport sys\n", "pkg"),
        ("pkg/layers.py", "...", "x = 1", "pkg.layers"),
        ("pkg/parts.py", "1", "2", "pkg.parts"),
        ("pkg/inner/__init__.py", "1", "2", "pkg.inner"),
        ("pkg/inner/deep.py", "1", "2", "pkg.inner.deep"),
    ],
)
def test_what_changes_something_changes_one_hash(project, known, file, old, new, module) -> None:
    assert old in FILES[file]
    project.write({file: FILES[file].replace(old, new)})
    sources, distributions = project.code(TARGET)
    assert {one for one in sources if sources[one] != known[0][one]} == {module}
    assert distributions == known[1]


def test_what_is_loaded_changes_nothing(project, known) -> None:
    assert project.code(TARGET, before="import unused, pkg.other, json.tool\n") == known
    assert project.code(TARGET, before="import mine, far\n") == known


def test_nothing_is_run(project) -> None:
    project.write({"mine.py": "import pkg.sub\nraise SystemExit\n", "pkg/sub.py": "1 / 0\n"})
    project.write({"pkg/__init__.py": "raise SystemExit\n"})
    assert sorted(project.code("['mine.Net']")[0]) == ["mine", "pkg", "pkg.sub"]


def test_a_deeper_path_and_packages_without_init(project, known) -> None:
    assert project.code("['mine.Net.made']") == known
    found = project.code("['spaces.one.blocks.Block']")[0]
    assert sorted(found) == ["spaces.one.blocks", "spaces.two.more"]


def test_a_name_that_a_package_hands_on_leads_to_its_file(project, known) -> None:
    assert "pkg.layers" in project.code("['pkg.Layer']")[0]
    assert project.code("['pkg.Layer']", before="import pkg\n") == project.code("['pkg.Layer']")


def test_an_object_put_in_from_elsewhere_brings_its_own_file(project, known) -> None:
    patched = "import mine, unused\nclass A: ...\nA.__module__ = 'unused'\nmine.Net = A\n"
    assert "unused" in project.code("['mine.Net']", before=patched)[0]


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\nx = importlib.import_module('pkg.other')\n",
        "from importlib import import_module\ndef f():\n    import_module('.other', 'pkg')\n",
        "__import__('pkg.other')\n",
        "from pkg import *\n",
        "if False:\n    from pkg import other\n",
    ],
)
def test_imports_of_other_forms_count(project, text) -> None:
    project.write({"mine.py": text, "pkg/other.py": "", "pkg/__init__.py": "__all__ = ['other']\n"})
    if "'pkg')" in text:  # its name is not written in full: its package may hold anything
        project.write({"pkg/__init__.py": text, "mine.py": "import pkg\n"})
    assert "pkg.other" in project.code("['mine.Net']")[0]


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\ndef get(name):\n    return importlib.import_module(__name__ + name)\n",
        "def __getattr__(name):\n    return load(name)\n",
        "import lazy\n__getattr__, __dir__, __all__ = lazy.attach(__name__, ['one'])\n",
    ],
)
def test_a_package_that_imports_by_names_made_up_counts_whole(project, text) -> None:
    project.write({"pkg/__init__.py": text, "pkg/a.py": "", "pkg/b/__init__.py": ""})
    project.write({"pkg/b/c.py": "", "mine.py": "from pkg import One\n"})
    assert sorted(project.code("['mine.Net']")[0]) == ["mine", "pkg", "pkg.a", "pkg.b", "pkg.b.c"]


def test_code_loaded_from_no_folder_of_the_path_is_found(project) -> None:
    project.write(
        {"away/pkg/__init__.py": "", "away/pkg/mine.py": "from . import near\nimport up\n"}
    )
    project.write({"away/pkg/near.py": "", "away/up.py": ""})
    project.write({"pkg/__init__.py": "another = 1\n"})
    there = "import sys\nsys.path.insert(0, 'away')\nimport pkg.mine, up\n"
    known = project.code("['pkg.mine.Net']", before=there)
    assert sorted(known[0]) == ["pkg", "pkg.mine", "pkg.near", "up"]
    assert project.code("['pkg.mine.Net']", before=f"{there}sys.path.remove('away')\n") == known


def test_a_file_that_is_no_python_counts_by_its_bytes(project) -> None:
    project.write({"mine.py": "def f(:\n", "other.py": "import mine\n"})
    first = project.code("['other.f']")[0]
    project.write({"mine.py": "def f(: # changed\n"})
    assert project.code("['other.f']")[0]["mine"] != first["mine"]


def test_a_compiled_module_counts_by_its_bytes(project) -> None:
    from importlib.machinery import EXTENSION_SUFFIXES

    compiled = f"fast{EXTENSION_SUFFIXES[0]}"
    project.write({"mine.py": "import fast\n", compiled: "first"})
    first = project.code("['mine.f']")[0]
    project.write({compiled: "second"})
    assert project.code("['mine.f']")[0]["fast"] != first["fast"]


def test_a_module_named_as_one_of_pythons_is_a_persons_own(project) -> None:
    project.write({"mine.py": "import json\nimport statistics\n", "statistics.py": ""})
    assert sorted(project.code("['mine.f', 'json.loads']")[0]) == ["mine", "statistics"]


def test_the_default_configuration_reaches_nothing_and_lists_no_distributions(monkeypatch) -> None:
    from runner.build.code import installed

    monkeypatch.setattr(installed, "_records", None)
    monkeypatch.setattr(installed, "_by_root", None)
    found = code_of(["runner.training.models.MLP", "torch.optim.SGD", "schedules.Cosine"])
    assert (found.sources, found.distributions.keys()) == ({}, {"numpy", "torch"})


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path, monkeypatch) -> None:
    from runner.build.code import source

    (tmp_path / "once_read.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    first = code_of(["once_read.f"])
    before = source._read.cache_info()
    assert code_of(["once_read.f"]) == first
    assert source._read.cache_info().misses == before.misses
    (tmp_path / "once_read.py").write_text("x = 10\n")
    assert code_of(["once_read.f"]) != first
