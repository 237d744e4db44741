"""Processes that begin with what a run needs, and share what is beside it."""

import importlib
import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner import helper, warm
from runner.errors import Mistake

FINDS = """\
import json, multiprocessing, os, sys
from pathlib import Path

def find(word):
    loaded = set(sys.modules)
    from runner import helper

    found = {"word": word, "folder": os.getcwd(), "where": os.environ.get("WHERE")}
    found["method"] = multiprocessing.get_start_method()
    found |= {"helper": helper.ask(os.getpid), "loaded": sorted(loaded), "parent": os.getppid()}
    Path("found.json").write_text(json.dumps(found))
    return 3
"""


@pytest.fixture
def found(folder: Path, own_module: Callable[[str, str], Path]) -> Callable[..., dict[str, Any]]:
    """What a process finds that is begun with a word and an environment."""
    own_module("finds", FINDS)

    def find(word: str, environment: dict[str, str]) -> dict[str, Any]:
        module = importlib.import_module("finds")
        process = warm.begin(module.find, word, environment=environment, key="study.workers")
        process.join(60)
        assert process.exitcode == 3
        return dict(json.loads(Path("found.json").read_text()))

    return find


def test_begins_with_what_a_run_loads_and_no_tracker(found: Any, folder: Path) -> None:
    said = found("one", {"WHERE": "there"})
    assert (said["word"], said["folder"], said["where"]) == ("one", str(folder), "there")
    loaded = {"torch", "runner.run", "runner.study.work.worker", "optuna.storages._rdb.storage"}
    assert loaded <= set(said["loaded"])
    assert {"mlflow", "pandas", "matplotlib", "torch._dynamo"}.isdisjoint(said["loaded"])
    assert found("two", {})["where"] is None


def test_asks_the_helper_of_who_began_it(found: Any) -> None:
    mine = helper.ask(os.getpid)
    assert found("one", dict(os.environ))["helper"] == mine
    assert found("two", dict(os.environ))["helper"] == mine
    assert helper.ask(os.getpid) == mine


def test_starts_processes_of_its_own_as_anywhere_else(found: Any) -> None:
    assert found("one", dict(os.environ))["method"] == multiprocessing.get_start_method()


def test_where_no_process_can_be_had_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(warm, "load", refuse)
    with pytest.raises(Mistake, match=r"^study\.workers needs processes, got none \(.*unavailable"):
        warm.begin(divmod, 7, 2, environment={}, key="study.workers")  # type: ignore[arg-type]


def test_is_forked_from_one_process(found: Any) -> None:
    first = found("one", dict(os.environ))["parent"]
    assert first not in (os.getpid(), os.getppid())
    assert found("two", dict(os.environ))["parent"] == first
