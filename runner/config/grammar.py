"""Search spaces as people write them: on a command line and in YAML.

One parser reads both: Hydra's override grammar, with functions of our own that also know shares
(10%), epochs (1ep), samples (500samples), steps and ordered lists.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import OmegaConf

from runner.config.space_functions import PARSER, USAGE, choice, plain
from runner.config.space_tree import WHEN, check_conditions, leaves_of
from runner.errors import Mistake, nearest
from runner.space import Choice, Entry, Space, Spec

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\(")
_QUOTED_OR_BREAK = re.compile(r"""('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|\s*\n\s*""", re.DOTALL)
_SEARCH = re.compile(
    r"\s*(?:(?:int|float)\s*\(\s*)*(?:choice|decreasing|interval|ordered|range|tag)\s*\("
)


def parse_spec(key: str, given: Any) -> Spec:
    """Return how a key is searched.

    Arguments:
        key: for messages.
        given: text ("interval(0.5, 0.99)", "cosine, exponential") or a list, which is a choice.

    Raises:
        Mistake: it cannot be read, or would have no values.

    >>> parse_spec("lr", "tag(log, interval(1e-4, 1e-1))")
    Interval(low=0.0001, high=0.1, log=True, integer=False, step=None, unit='')
    """
    try:
        return _spec(given)
    except ValueError as error:
        raise Mistake(f"{key} {error}") from error


def parse_space(text: Mapping[str, Any]) -> Space:
    """Return the space that has this normal form, `Space.text()`."""
    entries = [
        Entry(e["key"], parse_spec(e["key"], e["spec"]), tuple(e.get(WHEN, {}).items()))
        for e in text["entries"]
    ]
    return Space(entries, frozenset(text["groups"]))


def quoted(word: str) -> str | None:
    """Return the form to type of a word of a command line that searches with a function of ours
    without quotes; None where Hydra reads the word.

    Raises:
        Mistake: the search itself cannot be read either.

    >>> print(quoted("schedule.boundaries=ordered(2, interval(10%, 90%))"))
    "schedule.boundaries='ordered(2, interval(10%, 90%))'"
    """
    key, _, value = word.partition("=")
    call = _CALL.match(value)
    name = call[1] if call else ""
    if name not in USAGE and not (len(name) > 3 and nearest(name, USAGE)):
        return None
    try:
        OverridesParser.create().parse_override(word)
        return None
    except HydraException:
        parse_spec(key.lstrip("+"), value)
    typed = f"{key}={QuotedString(value, Quote.single).with_quotes()}"
    return shlex.quote(typed) if re.search(r'["$`\\!]', typed) else f'"{typed}"'


def space_of(
    overrides: Sequence[str], tree: Mapping[str, Any] | None, groups: Iterable[str]
) -> tuple[Space, list[str]]:
    """Return what a command line and `study.space` search, and the words that fix a value.

    A word that fixes a key drops the tree's search of it, a word that searches it replaces that.
    Conditions on a group that is fixed are settled: they hold or the part is dropped.

    Arguments:
        overrides: words key=value, +key=value and ~key; searches are sweep functions, lists a,b,c
            and quoted text that calls a function of ours.
        tree: nested like the configuration or with dotted keys; its `when` holds more trees, each
            under GROUP=OPTION.
        groups: the names of all configuration groups.

    Raises:
        Mistake: a search cannot be read, has no values or stands where it holds for no trial.
        HydraException: a word cannot be read.

    >>> tree = {"lr": "tag(log, interval(1e-4, 1e-1))", "seed": [0, 1]}
    >>> space, fixed = space_of(["seed=3", "model=mlp,linear"], tree, ["model"])
    >>> [(entry.key, entry.spec.text()) for entry in space.entries], fixed
    ([('model', 'choice(mlp, linear)'), ('lr', 'tag(log, interval(0.0001, 0.1))')], ['seed=3'])
    """
    groups = frozenset(groups)
    searched: dict[str, Spec] = {}
    fixed: dict[int, Override] = {}
    for i, word in enumerate(overrides):
        override, spec = _read(word)
        key = _key(override)
        searched.pop(key, None)
        if spec is None:
            fixed[i] = override
        else:
            fixed = {j: other for j, other in fixed.items() if _key(other) != key}
            searched[key] = spec
    nested = OmegaConf.to_container(tree, resolve=True) if OmegaConf.is_config(tree) else tree
    leaves = leaves_of(cast(Mapping[str, Any], nested or {}), groups)
    written = [Entry(key, parse_spec(key, given), when) for key, given, when in leaves]
    entries = [Entry(key, spec) for key, spec in searched.items()]
    for entry in [*written, *entries]:
        _check_key(entry, groups)
    check_conditions(written, searched, {_key(override) for override in fixed.values()})
    taken = {*searched, *map(_key, fixed.values())}
    chosen = {_key(o): o.value() for o in fixed.values() if _key(o) in groups}
    for entry in written:
        settled = all(chosen[group] == option for group, option in entry.when if group in chosen)
        if entry.key in taken or not settled or _replaced(entry, searched):
            continue
        left = tuple((group, option) for group, option in entry.when if group not in chosen)
        entries.append(replace(entry, when=left))
    return Space(_reachable(entries), groups), [overrides[i] for i in fixed]


def _read(word: str) -> tuple[Override, Spec | None]:
    """Return a word of a command line, and how it searches; None where it fixes a value."""
    if typed := quoted(word):
        key = word.partition("=")[0].lstrip("+")
        raise Mistake(f"{key} must be quoted on a command line: {typed}")
    [override] = OverridesParser.create().parse_overrides([word])
    key, value = _key(override), override._value
    if isinstance(value, QuotedString) and _SEARCH.match(value.text):
        return override, parse_spec(key, value.text)
    if override.is_sweep_override():
        return override, parse_spec(key, word.partition("=")[2])
    return override, None


def _key(override: Override) -> str:
    return str(override.get_key_element().lstrip("+~"))


def _replaced(entry: Entry, searched: Mapping[str, Spec]) -> bool:
    """Return whether the command line's own search of a group leaves an entry's option out."""
    return any(
        group in searched and option not in searched[group].values() for group, option in entry.when
    )


def _reachable(entries: list[Entry]) -> list[Entry]:
    """Return the entries without those that depend on a group that is searched no more."""
    keys = {entry.key for entry in entries}
    kept = [entry for entry in entries if all(group in keys for group, _ in entry.when)]
    return kept if len(kept) == len(entries) else _reachable(kept)


def _check_key(entry: Entry, groups: frozenset[str]) -> None:
    if (group := entry.key.replace(".", "/")) != entry.key and group in groups:
        raise Mistake(f"{entry.key} is a group, written with a slash: {group}")
    if entry.key not in groups:
        return
    if not isinstance(entry.spec, Choice):
        raise Mistake(
            f"{entry.key} must be searched with a list of its options, got {entry.spec.text()}"
        )
    for option in entry.spec.values():
        if not isinstance(option, str):
            raise Mistake(
                f"{entry.key} must have options that are names, got {option!r} "
                f"(quote on, off, yes, no and null in YAML)"
            )


def _spec(given: Any) -> Spec:
    if isinstance(given, Sequence) and not isinstance(given, str):
        return Choice(given)
    text = _QUOTED_OR_BREAK.sub(lambda found: found[1] or " ", str(given)).strip()
    try:
        found = PARSER.parse_override(f"key={text}")._value
    except HydraException as error:
        if isinstance(error.__cause__, ValueError):
            raise ValueError(str(error.__cause__)) from error
        raise ValueError(f"must be readable, such as {USAGE['interval']}, got {text}") from error
    if isinstance(found, ChoiceSweep):
        return choice(*map(plain, found.list))
    if isinstance(found, Spec):
        return found
    functions = ", ".join(USAGE)
    raise ValueError(f"must be searched with one of {functions} or a list a,b,c, got {text}")
