"""What may stand in a file of a person's own: read, or refused in a line that names the file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.config import files
from runner.config.options import owners_of
from runner.errors import Mistake

CONSTANT = "_target_: schedules.Constant\nlr: ${lr}\n"
NINE = [f"a{i}: &a{i} [{', '.join(f'*a{i - 1}' for _ in range(9))}]" for i in range(1, 9)]
ALIASES = "\n".join(["a0: &a0 [x]", *NINE])
ODD = {
    "# caf\udce9\n": "must be UTF-8 text, got another byte in line 1",
    "# @package\n": "cannot be read: Expected header format: KEY VALUE, got '@package'",
    "defaults: 3\n": "must have a list as its defaults, got 3",
    "s: !!set {a, b}\n": "cannot be read: a value of the kind tag:yaml.org,2002:set in line 1",
    "s: !!python/name:os.system\n": "cannot be read: a value of the kind tag:yaml.org,2002:python/",
    "a: &a [*a]\n": "cannot be read: *a in line 1 is part of itself",
    f"a: {'[' * 60}{']' * 60}\n": "cannot be read: more than 50 levels in line 1",
    f"a: {'[' * 3000}{']' * 3000}\n": "cannot be read: exceeded maximum nesting depth in line 1",
    f"a: {'1' * 5000}\n": "cannot be read: Exceeds the limit (4300 digits)",
    f"{ALIASES}\n": "cannot be read: more than 100,000 values by line",
    "a: [\n": "cannot be read: did not find expected",
    "a: 1\na: 2\n": "cannot be read: found duplicate key a in line 2",
    "a: ${\n": "cannot be read",
    "defaults: [odd]\n": "must not choose itself in its defaults",
    "- 1\n": "must hold keys with values",
}


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes an option GROUP/NAME below a folder that it returns."""

    def write(option: str, text: str) -> Path:
        file = tmp_path / f"{option}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode(errors="surrogateescape"))
        return tmp_path

    return write


@pytest.mark.timeout(60)  # one of them would be read for ever
@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_an_odd_file_is_refused_by_name(text: str, written, command, folder) -> None:
    root = written("schedule/odd", text + ("" if text[:1] in "-a" else CONSTANT))
    done = command(f"--config-dir {root} schedule=odd")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"error: {root}/schedule/odd.yaml {ODD[text]}" in done.err
    assert list(folder.iterdir()) == []
    assert owners_of("schedule.odd", str(root)) == ""


def test_a_file_that_another_chooses_is_looked_at_too(written) -> None:
    written("schedule/one", "defaults: [two]\n")
    written("schedule/two", "defaults: [{/warmup: three}, {override /task@x: four}]\n")
    written("task/four", "a: &a [*a]\n")
    root = written("warmup/three", "defaults: [_self_]\n")
    with pytest.raises(Mistake, match=r"task/four.yaml cannot be read"):
        files.check(root, "schedule/one")


def test_files_that_are_not_chosen_hinder_nobody(written, command) -> None:
    written("schedule/odd", "a: &a [*a]\n")
    root = written("schedule/mine", CONSTANT)
    done = command(f"--config-dir {root} schedule=mine schedule.foo=3")
    assert "unknown key 'schedule.foo'" in done.err
