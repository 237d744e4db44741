"""What somebody else has written into a study's storage is refused in one line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial

from runner.errors import Mistake
from runner.results.definition import Definition, Goal
from runner.study.queue import attributes
from runner.study.queue.schema import check

SPACE = {"entries": [{"key": "lr", "spec": "interval(0.1, 1)"}]}
DEFINITION = Definition("", SPACE, ("a=1",), {}, (Goal("val/loss", "minimize"),))
LIFE = {"place": "a", "pid": 1, "began": 1.5, "beat": 2.5}
WRITTEN = {
    "baseline": True,
    "fixed": {"lr": 0.1},
    "values": {"lr": 0.1},
    "label": "a",
    "kills": 1,
    "worker": LIFE,
    "identity": "a",
    "runs": ["a"],
    "lost": "left over",
    "outcome": {"per_seed": [[0.5, 1]], "seconds": 1, "copy_of": None, "diverged": "", "x": 1},
}
OF_TRIAL: list[dict[str, Any]] = [
    {"param": "other\x1b"},
    *({key: value} for key in WRITTEN for value in ([[1]], None)),
    {"kills": "1"},
    {"values": {"other": 1}},
    {"worker": {key: value for key, value in LIFE.items() if key != "beat"}},
    {"worker": LIFE | {"pid": "1"}},
    {"runs": [1]},
    *({"outcome": {key: {"a": 1}}} for key in ("per_seed", "seconds", "run_ids", "reason")),
    {"outcome": {"per_seed": [["a"]]}},
]


def check_with(param: str = "lr", **attrs: Any) -> None:
    study = optuna.create_study(study_name="a")
    study.set_user_attr(attributes.DEFINITION, DEFINITION.as_json())
    own = {param: FloatDistribution(0, 1)}
    params = dict.fromkeys(own, 0.5)
    study.add_trial(create_trial(value=0.5, params=params, distributions=own, user_attrs=attrs))
    check(study, {"lr": "lr"}.__getitem__)


def test_what_the_runner_writes_fits() -> None:
    check_with(**WRITTEN)


@pytest.mark.parametrize("attrs", OF_TRIAL, ids=str)
def test_what_is_stored_of_a_trial_has_its_types(attrs: dict[str, Any]) -> None:
    words = r"^study\.storage must hold what the runner wrote, got trial 0 of 'a' with "
    with pytest.raises(Mistake, match=words):
        check_with(**attrs)


@pytest.mark.parametrize("summary", [3, {"said": 3}, {"tokens": ["' OR 1"]}, {"link": "x"}])
def test_a_summary_is_what_a_version_has_written(summary: Any) -> None:
    study = optuna.create_study(study_name="a")
    study.set_user_attr(attributes.DEFINITION, DEFINITION.as_json())
    study.set_user_attr(attributes.SUMMARY, {"tokens": ["0f" * 16]})
    check(study, {}.__getitem__)
    study.set_user_attr(attributes.SUMMARY, summary)
    with pytest.raises(Mistake, match="got study 'a' with summary "):
        check(study, {}.__getitem__)


@pytest.mark.parametrize(
    "text",
    ["", "{", "3", "[]", "{}", 3, None]
    + [
        json.dumps(json.loads(DEFINITION.as_json()) | more)
        for more in (
            {"goals": 3},
            {"goals": [3]},
            {"goals": [{"metric": "val/loss", "direction": "up"}]},
            {"space": [1]},
            {"space": {"entries": [{"key": 1, "spec": "a"}]}},
            {"overrides": [1]},
            {"base": None},
            {"trials": "1"},
            {"sampler": "a"},
        )
    ],
)
def test_a_definition_is_what_a_version_has_written(text: Any) -> None:
    study = optuna.create_study(study_name="a")
    study.set_user_attr(attributes.DEFINITION, text)
    with pytest.raises(Mistake, match="got study 'a' whose definition cannot be read; choose"):
        attributes.definition(study)
    again = replace(DEFINITION, trials=7)
    assert Definition.from_json(again.as_json()) == again


def test_a_start_refuses_what_others_have_written(command: Any, folder: Path) -> None:
    line = (
        "study=decay_rate study.name=a study.trials=1 study.confirm_seeds=0 study.baseline=false "
        "model=quadratic dataset=none optimizer=sgd train.steps=2 tracking=off threads=1"
    )
    assert command(line).status == 0
    study = optuna.load_study(study_name="a", storage="sqlite:///optuna.db")
    study.add_trial(create_trial(value=0.5, user_attrs={"kills": "\x1b"}))
    done = command(line.replace("trials=1", "trials=3"))
    assert done.status == 2
    assert done.err == (
        "error: study.storage must hold what the runner wrote, got trial 1 of 'a' with kills "
        "'\\x1b'; choose another storage or study.name\n"
    )
    assert len(study.trials) == 2
