"""A tracker in the helper: what is asked again, and which trackers work there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.config.settings import Tracking
from runner.helper import Lost
from runner.results.result import Link
from runner.tracking import Header, remote, trackers_of
from runner.tracking.base import Unanswered
from runner.tracking.mlflow import MLflow
from runner.tracking.remote import Remote

HEADER = Header("runs", "one", {}, {}, token="0" * 32)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is asked, answered by what stands in the list before."""
    answers: list[Any] = []

    def ask(function: Any, name: str, tracker: Any, method: str, *given: Any) -> Any:
        wanted, answer = answers.pop(0)
        assert method == wanted
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(remote, "ask", ask)
    return answers


def test_a_run_that_was_made_before_the_helper_died_is_gone_on_with(asked: list[Any]) -> None:
    link = Link("a1", "1", "runs", "")
    asked += [("open", Lost()), ("find", ["a1"]), ("reopen", link)]
    assert Remote(MLflow("sqlite:///mlflow.db")).open(HEADER) == link
    assert asked == []


def test_one_that_was_not_made_is_made(asked: list[Any]) -> None:
    link = Link("a1", "1", "runs", "")
    asked += [("open", Lost()), ("find", []), ("open", link)]
    assert Remote(MLflow("sqlite:///mlflow.db")).open(HEADER) == link


@pytest.mark.parametrize(
    "then",
    [
        [("find", []), ("open", Lost())],
        [("find", Lost()), ("find", Lost())],
        [("find", ["a1"]), ("reopen", ConnectionError("away"))],
    ],
)
def test_where_a_run_may_be_there_its_records_stay(asked: list[Any], then: list[Any]) -> None:
    asked += [("open", Lost()), *then]
    with pytest.raises(Unanswered):
        Remote(MLflow("sqlite:///mlflow.db")).open(HEADER)
    assert asked == []


def test_what_is_lost_once_is_asked_again(asked: list[Any]) -> None:
    asked += [("has", Lost()), ("has", True)]
    assert Remote(MLflow("sqlite:///mlflow.db")).has("a1")
    asked += [("has", Lost()), ("has", Lost())]
    with pytest.raises(Lost):
        Remote(MLflow("sqlite:///mlflow.db")).has("a1")


def test_mlflow_works_in_the_helper_and_a_class_that_derives_from_it_here(
    own_module: Callable[[str, str], Path],
) -> None:
    own_module("derived", "from runner.tracking.mlflow import MLflow\nclass Mine(MLflow): ...")
    for target, kind in (
        ("runner.tracking.mlflow.MLflow", "Remote"),
        ("derived.Mine", "Mine"),
    ):
        (found,) = trackers_of(Tracking(trackers={"one": {"_target_": target}}))
        assert type(found).__name__ == kind
