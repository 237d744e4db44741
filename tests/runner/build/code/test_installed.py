"""What was installed counts by its version, with what it needs."""

import pytest

BACKBONE = {
    "backbone/__init__.py": "from .nets import Net\n",
    "backbone/nets.py": "import speed\nfrom backbone.deep import (  # several lines\n    x,\n)\n",
    "backbone/deep.py": "def f():\n    import deeper_still\n",
    "backbone/aside.py": "import aside\n",
}


@pytest.fixture
def shelf(project):
    needs = 'Requires-Dist: Needed_One>=1\nRequires-Dist: extra-one; extra == "all"\n'
    project.install("backbone", "1.0", BACKBONE, needs=needs)
    for name in ("speed", "needed_one", "extra_one", "deeper_still", "aside", "unrelated"):
        project.install(name, "1.0", {f"{name}.py": "x = 1\n"})
    project.write({"mine.py": "import backbone\nclass Net: ...\n"})
    return project


def changed(project, targets: str, name: str, files: dict[str, str]) -> bool:
    before = project.code(targets)
    project.install(name, "2.0", files)
    return bool(project.code(targets) != before)


def test_a_targets_distribution_what_it_imports_and_what_it_needs_count(shelf) -> None:
    sources, found = shelf.code("['backbone.Net']")
    assert sources == {}
    names = {"backbone", "speed", "needed-one", "deeper-still"}
    assert {name: found[name] for name in names} == dict.fromkeys(names, "1.0")
    assert found.keys() == names | {"numpy", "torch"}


def test_what_own_code_imports_counts_with_what_it_needs(shelf) -> None:
    sources, found = shelf.code("['mine.Net']")
    assert sources.keys() == {"mine"}
    assert found.keys() == {"backbone", "needed-one", "numpy", "torch"}


@pytest.mark.parametrize("name", ["backbone", "speed", "needed_one", "deeper_still"])
def test_an_upgrade_changes_it(shelf, name) -> None:
    files = BACKBONE if name == "backbone" else {f"{name}.py": "x = 1\n"}
    assert changed(shelf, "['backbone.Net']", name, files)


@pytest.mark.parametrize("name", ["extra_one", "aside", "unrelated"])
def test_an_upgrade_of_what_is_not_reached_does_not(shelf, name) -> None:
    assert not changed(shelf, "['backbone.Net', 'mine.Net']", name, {f"{name}.py": "x = 2\n"})


def test_an_edit_without_another_version_does_not(shelf) -> None:
    before = shelf.code("['backbone.Net', 'mine.Net']")
    shelf.write({"lib/site-packages/backbone/nets.py": BACKBONE["backbone/nets.py"] + "y = 2\n"})
    assert shelf.code("['backbone.Net', 'mine.Net']") == before


def test_torch_counts_by_its_version_always(project) -> None:
    before = project.code("[]")
    # of another length: Python takes what it compiled in this second for the same
    project.write({"fakes/torch.py": "__version__ = '9.10'\n"})
    assert before[1]["torch"] == "9.1"
    assert project.code("[]")[1]["torch"] == "9.10"


def test_packages_of_one_namespace_are_told_apart(project) -> None:
    project.install("space-one", "1.0", {"space/one/__init__.py": ""})
    project.install("space-two", "1.0", {"space/two/__init__.py": ""})
    project.write({"mine.py": "import space.one\n"})
    assert project.code("['mine.f']")[1].keys() == {"space-one", "numpy", "torch"}


def test_what_came_with_no_distribution_counts_by_its_source(project) -> None:
    project.write({"lib/site-packages/loose.py": "x = 1\n", "mine.py": "import loose\n"})
    assert project.code("['mine.f', 'loose.f']")[0].keys() == {"loose", "mine"}


def test_a_distribution_without_a_list_of_files_is_known_by_its_top_level(project) -> None:
    info = "lib/site-packages/Old_Style-1.5.egg-info"
    head = "Metadata-Version: 2.1\nName: Old_Style\nVersion: 1.5\n"
    project.write({f"{info}/PKG-INFO": head, f"{info}/top_level.txt": "aged\n"})
    project.write({"lib/site-packages/aged.py": "x = 1\n", "mine.py": "import aged\n"})
    sources, found = project.code("['mine.f']")
    assert (sources.keys(), found["old-style"]) == ({"mine"}, "1.5")


def test_an_editable_installation_counts_by_its_source(project) -> None:
    project.install("loved", "1.0", {"loved.pth": ""})
    project.write({"elsewhere/loved/__init__.py": "from . import part\n"})
    project.write({"elsewhere/loved/part.py": "x = 1\n", "mine.py": "import loved\n"})
    place = str(project.folder / "elsewhere" / "loved" / "__init__.py")
    hook = (
        "import sys, importlib.util\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path, target=None):\n"
        f"        if name == 'loved':\n"
        f"            return importlib.util.spec_from_file_location(name, {place!r})\n"
        "sys.meta_path.append(Finder)\n"
    )
    assert project.code("['mine.f']", before=hook)[0].keys() == {"loved", "loved.part", "mine"}
    linked = project.site / "linked"
    linked.symlink_to(project.folder / "elsewhere" / "loved", target_is_directory=True)
    assert project.code("['linked.f']")[0].keys() == {"linked", "linked.part"}
