"""Search spaces as people write them: on a command line and in YAML.

One parser reads both: Hydra's override grammar, with functions of our own that also know shares
(10%), epochs (1ep), samples (500samples), steps and ordered lists.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, Quote, QuotedString
from hydra.errors import HydraException

from runner.config.command_line import Word, parse, word
from runner.config.shorthand import value_key
from runner.config.space_functions import USAGE, Functions, choice, plain
from runner.config.space_tree import WHEN, check_conditions, leaves_of
from runner.errors import Mistake, nearest, under
from runner.space import Choice, Entry, Space, Spec
from schedules.errors import ArgumentError

_CALL = re.compile(r"\+*([^=]+)=(\s*([A-Za-z_]\w*)\s*\(.*)", re.DOTALL)
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
    with under(key):
        if isinstance(given, Sequence) and not isinstance(given, str):
            return Choice(given)
        text = _QUOTED_OR_BREAK.sub(lambda found: found[1] or " ", str(given)).strip()
        try:
            found = parse(f"key={text}", Functions())._value
        except HydraException as error:
            if isinstance(error.__cause__, ArgumentError):
                raise error.__cause__ from None
            must = f"must be readable, such as {USAGE['interval']}"
            raise ArgumentError("", must, text) from error
        if isinstance(found, ChoiceSweep):
            return choice(*map(plain, found.list))
        if isinstance(found, Spec):
            return found
        functions = ", ".join(USAGE)
        raise ArgumentError("", f"must be searched with one of {functions} or a list a,b,c", text)


def parse_space(text: Mapping[str, Any]) -> Space:
    """Return the space that has this normal form, `Space.text()`."""
    entries = [
        Entry(e["key"], parse_spec(e["key"], e["spec"]), tuple(e.get(WHEN, {}).items()))
        for e in text["entries"]
    ]
    return Space(entries, frozenset(text["groups"]))


def quoted(text: str) -> str | None:
    """Return the form to type of a word of a command line that searches with a function of ours
    without quotes; None where Hydra reads the word.

    Raises:
        Mistake: the search itself cannot be read either.

    >>> print(quoted("schedule.boundaries=ordered(2, interval(10%, 90%))"))
    "schedule.boundaries='ordered(2, interval(10%, 90%))'"
    """
    call = _CALL.fullmatch(text)
    if call is None or not (call[3] in USAGE or (len(call[3]) > 3 and nearest(call[3], USAGE))):
        return None
    try:
        parse(text)
        return None
    except HydraException:
        parse_spec(call[1], call[2])
    typed = text[: -len(call[2])] + QuotedString(call[2], Quote.single).with_quotes()
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
        OverrideParseException: a word cannot be read.

    >>> tree = {"lr": "tag(log, interval(1e-4, 1e-1))", "seed": [0, 1]}
    >>> space, fixed = space_of(["seed=3", "model=mlp,linear"], tree, ["model"])
    >>> [(entry.key, entry.spec.text()) for entry in space.entries], fixed
    ([('model', 'choice(mlp, linear)'), ('lr', 'tag(log, interval(0.0001, 0.1))')], ['seed=3'])
    """
    groups = frozenset(groups)
    searched: dict[str, Spec] = {}
    fixed: list[Word] = []
    for one in map(word, overrides):
        spec = _search(one)
        searched.pop(one.key, None)
        if spec is None:
            fixed.append(one)
        else:
            fixed = [other for other in fixed if other.key != one.key]
            searched[one.key] = spec
    leaves = leaves_of(tree or {}, groups)
    written = [Entry(value_key(key), parse_spec(key, given), when) for key, given, when in leaves]
    entries = [Entry(key, spec) for key, spec in searched.items()]
    for entry in [*written, *entries]:
        _check_key(entry, groups)
    kept = {one.key: one.value for one in fixed}
    check_conditions(written, searched, set(kept))
    chosen = {key: value for key, value in kept.items() if key in groups}
    for entry in written:
        possible = all(
            chosen[group] == option
            if group in chosen
            else group not in searched or option in searched[group].values()
            for group, option in entry.when
        )
        if entry.key in {*searched, *kept} or not possible:
            continue
        left = tuple((group, option) for group, option in entry.when if group not in chosen)
        entries.append(replace(entry, when=left))
    return Space(_reachable(entries), groups), [one.text for one in fixed]


def _search(one: Word) -> Spec | None:
    """Return how a word searches; None where it fixes a value."""
    if one.is_multiple:
        return parse_spec(one.key, one.written)
    is_call = isinstance(one.value, str) and _SEARCH.match(one.value)
    return parse_spec(one.key, one.value) if is_call else None


def _reachable(entries: list[Entry]) -> list[Entry]:
    """Return the entries without those that depend on a group that is searched no more."""
    keys = {entry.key for entry in entries}
    kept = [entry for entry in entries if all(group in keys for group, _ in entry.when)]
    return kept if len(kept) == len(entries) else _reachable(kept)


def _check_key(entry: Entry, groups: frozenset[str]) -> None:
    if (group := entry.key.replace(".", "/")) != entry.key and group in groups:
        raise Mistake(entry.key, f"is a group, written with a slash: {group}")
    if entry.key not in groups:
        return
    if not isinstance(entry.spec, Choice):
        raise Mistake(entry.key, "must be searched with a list of its options", entry.spec.text())
    for option in entry.spec.values():
        if not isinstance(option, str):
            given = f"{option!r} (quote on, off, yes, no and null in YAML)"
            raise Mistake(entry.key, "must have options that are names", given)
