"""The tree `study.space`: keys nested or dotted, and parts under conditions."""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.errors import Mistake, nearest
from runner.space import Choice, Entry, Spec

Conditions = tuple[tuple[str, str], ...]

WHEN = "when"
_SPACE = "study.space"
_WHEN = f"{_SPACE}.{WHEN}"


def leaves_of(
    tree: Mapping[str, Any], groups: frozenset[str], when: Conditions = (), prefix: str = ""
) -> Iterator[tuple[str, Any, Conditions]]:
    """Return the keys of a tree, nested or dotted, each with what is written there and when.

    Raises:
        Mistake: a part under `when` is no tree, or its condition is about no group or impossible.

    >>> tree = {"a": {"b": 1}, "when": {"model=mlp": {"c": 2}}}
    >>> list(leaves_of(tree, frozenset({"model"})))
    [('a.b', 1, ()), ('c', 2, (('model', 'mlp'),))]
    """
    for name, given in tree.items():
        key = f"{prefix}{name}"
        if key == WHEN:
            if not isinstance(given, Mapping):
                raise Mistake(_WHEN, "must list parts as GROUP=OPTION: keys", repr(given))
            for condition, part in given.items():
                if not isinstance(part, Mapping):
                    raise Mistake(f"{_WHEN}.{condition}", "must have keys", repr(part))
                group, option = map(str.strip, f"{condition}=".split("=")[:2])
                if group not in groups:
                    given = f"{condition!r}{nearest(group, groups)}"
                    raise Mistake(_WHEN, "must name a group", given)
                if dict(when).get(group, option) != option:
                    held = " and ".join(f"{group}={o}" for o in (dict(when)[group], option))
                    raise Mistake(_WHEN, "must be possible", held)
                yield from leaves_of(part, groups, (*when, (group, option)))
        elif isinstance(given, Mapping) and any("=" in str(part) for part in given):
            must = f"must be keys; conditions stand below {_WHEN}"
            raise Mistake(f"{_SPACE}.{key}", must)
        elif isinstance(given, Mapping):
            yield from leaves_of(given, groups, when, f"{key}.")
        else:
            yield key, given, when


def check_conditions(written: list[Entry], searched: Mapping[str, Spec], fixed: set[str]) -> None:
    """Refuse a condition on what is neither searched nor fixed.

    Arguments:
        written: the tree's entries.
        searched, fixed: the keys that the command line searches and fixes.

    Raises:
        Mistake: there is such a condition.
    """
    declared: dict[str, list[Any]] = {}
    for key, spec in [*((e.key, e.spec) for e in written), *searched.items()]:
        if isinstance(spec, Choice):
            declared.setdefault(key, []).extend(spec.values())
    for group, option in dict.fromkeys(pair for entry in written for pair in entry.when):
        if group not in declared and group not in fixed:
            given = f"{group}={option}{nearest(group, declared)}"
            raise Mistake(_WHEN, "must name a group that is searched", given)
        if group in declared and option not in declared[group]:
            options = ", ".join(map(str, dict.fromkeys(declared[group])))
            given = f"{group}={option}{nearest(option, map(str, declared[group]))}"
            must = f"must name an option of {group} that is searched ({options})"
            raise Mistake(_WHEN, must, given)
