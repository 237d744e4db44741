"""A person's folder, whose code is looked at by a process of its own each time."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[4]
_ASKS = """
import json, sys
from runner.build.code import code_of
from runner.errors import Unhashable
try:
    found = code_of({targets})
    print(json.dumps([found.sources, found.distributions]))
except Unhashable as error:
    print(json.dumps(str(error)))
"""


@dataclass(frozen=True)
class Project:
    """A folder of code, and one of installed packages. The torch in it is a stub: to import the
    real one takes seconds."""

    folder: Path

    @property
    def site(self) -> Path:
        return self.folder / "lib" / "site-packages"

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, by their path."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def install(self, name: str, version: str, files: Mapping[str, str], needs: str = "") -> None:
        """Install a distribution, over the one that is there."""
        for old in self.site.glob(f"{name}-*.dist-info"):
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
        info = f"lib/site-packages/{name.replace('-', '_')}-{version}.dist-info"
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        record = "".join(f"{one},,\n" for one in files)
        self.write({f"{info}/METADATA": head, f"{info}/RECORD": record})
        self.write({f"lib/site-packages/{one}": text for one, text in files.items()})

    def run(self, *words: str) -> Any:
        """Return what Python prints at its end, as JSON."""
        paths = [self.folder / "fakes", self.folder, self.site, _ROOT]
        done = subprocess.run(
            [sys.executable, *words],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def code(self, targets: str, before: str = "") -> Any:
        """Return what a process that runs `before` reaches from targets, which are an expression:
        [sources, distributions], or why they have none."""
        return self.run("-c", before + _ASKS.format(targets=targets))


@pytest.fixture(scope="session")
def made() -> Callable[[Path], Project]:
    """What makes a project of an empty folder."""

    def make(folder: Path) -> Project:
        found = Project(folder)
        found.write({"fakes/torch.py": "__version__ = '9.1'\n"})
        return found

    return make


@pytest.fixture
def project(made, tmp_path: Path) -> Project:
    return made(tmp_path)
