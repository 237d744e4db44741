"""What a study's storage may say: whatever else stands there, somebody else has written."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from optuna.study import Study

from runner.errors import Mistake
from runner.study.queue import attributes as names

_Fits = Callable[[Any], bool]


def check(study: Study, rename: Callable[[str], object]) -> None:
    """Raise Mistake unless what is stored with a study and its trials can be read.

    rename: raises KeyError for a parameter's name that the search does not have.
    """
    _check(f"study '{study.study_name}'", study.user_attrs, _OF_STUDY)
    searched = {entry["key"] for entry in names.definition(study).space["entries"]}
    of_trial = _OF_TRIAL | dict.fromkeys((names.VALUES, names.FIXED), _keys_of(searched))
    for trial in study.get_trials(deepcopy=False):
        where = f"trial {trial.number} of '{study.study_name}'"
        _check(where, trial.user_attrs, of_trial)
        _check(where, names.outcome(trial), _OF_OUTCOME)
        for name in trial.params:
            try:
                rename(name)
            except KeyError as error:
                raise _mistake(where, f"the parameter {name!r:.100}") from error


def _check(where: str, stored: Mapping[str, Any], known: Mapping[str, _Fits]) -> None:
    for key, fits in known.items():
        if key in stored and not fits(stored[key]):
            raise _mistake(where, f"{key} {stored[key]!r:.100}")


def _mistake(where: str, what: str) -> Mistake:
    must = "must hold what the runner wrote"
    advice = "choose another storage or study.name"
    return Mistake("study.storage", must, f"{where} with {what}", advice)


def _is(*kinds: type) -> _Fits:
    return lambda value: isinstance(value, kinds)


def _lists(fits: _Fits) -> _Fits:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _has(**known: _Fits) -> _Fits:
    """Return what asks whether a value is keys with values, those known among them."""
    return lambda value: (
        isinstance(value, dict)
        and all(key in value and fits(value[key]) for key, fits in known.items())
    )


def _may_have(**known: _Fits) -> _Fits:
    """Return what asks whether a value is keys with values, those known with fitting ones."""
    return lambda value: (
        isinstance(value, dict)
        and all(fits(value[key]) for key, fits in known.items() if key in value)
    )


def _token(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


def _keys_of(known: set[str]) -> _Fits:
    return lambda value: isinstance(value, dict) and set(value) <= known


_number, _text, _keys = _is(int, float), _is(str), _is(dict)
_OF_STUDY: dict[str, _Fits] = {
    names.EARLIER_CRASHES: _is(int),
    names.MADE_OF: _has(
        values=_keys, code=_keys, content=_text, versions=_keys, trackers=_lists(_text)
    ),
    names.SUMMARY: _may_have(said=_text, link=_is(dict, type(None)), tokens=_lists(_token)),
}
_OF_TRIAL: dict[str, _Fits] = {
    names.BASELINE: _is(bool),
    names.CELL: _keys,
    names.SEED: _is(int),
    names.RETRY_OF: _is(int),
    names.PROMOTED: _is(int),
    names.LABEL: _text,
    names.KILLS: _is(int),
    names.WORKER: _has(
        place=_text, pid=_is(int), began=_is(int, float, str, type(None)), beat=_number
    ),
    names.IDENTITY: _text,
    names.RUNS: _lists(_text),
    names.OUTCOME: _keys,
    names.LOST: _text,
}
_OF_OUTCOME: dict[str, _Fits] = {
    "per_seed": _lists(_lists(_number)),
    "seconds": _number,
    "run_ids": _lists(_text),
    "copy_of": _is(int, type(None)),
    "reason": _text,
    "diverged": _text,
    "test": _lists(_keys),
}
